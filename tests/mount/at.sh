#!/bin/bash
# SPDX-License-Identifier: MIT
# The past: the whole tree as it was at a version, to be read.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export A=$MNT/at D=$T_DIR
mkdir "$D/was"
remember() { # the live tree, under its version
    cp -r "$T" "$D/was/$(commits)"
}
remember
run 'mkdir t u' && remember
add t "$R1" "$R2" && remember
put t "$R3" && remember
run 'mv t v; rmdir u' && remember
noon=$(date -u +%FT%T.%6NZ)
sleep 0.01
run 'echo "$R1" >> v/rows; mkdir t; cat v/rows > t/rows' && remember
run 'mkdir ../tx/x && echo "$R2" >> ../tx/x/tables/t/rows && rm -r ../tx/x/tables/v && echo 1 > ../tx/x/commit' && remember
fat_rows 200 | cat >>"$T/t/rows" && remember

for dir in "$D"/was/*; do
    version=${dir##*/}
    ok "version $version is what it was" diff -r "$dir" "$A/$version/tables"
done
is 'every version has its tree, version 0 is empty' "$(($(commits) + 1))" \
    "$(for v in $(seq 0 "$(commits)"); do ls "$A/$v"; done | grep -c tables)"
is 'at lists nothing, so that a copy has each row once' '' "$(ls -A "$A")"
is 'a version that is not there yet is not found' 'stat=ENOENT' "$(sys stat "$A/$(($(commits) + 1))")"
is 'nor other names' 'stat=ENOENT stat=ENOENT stat=ENOENT stat=ENOENT' "$(sys stat "$A/01" stat "$A/-1" stat "$A/x" stat "$A/99999999999999999999")"
is 'sizes and times are of that version' "$(stat -c '%s %Y' "$D/was/3/t/rows" | cut -d' ' -f1)" "$(stat -c %s "$A/3/tables/t/rows")"

is 'latest leads to the newest' "$(commits)" "$(readlink "$A/latest")"
add t "$R3"
is 'at any time' "$(commits)" "$(readlink "$A/latest")"
is 'a time leads to the version of then' "$(jq -r --arg t "$noon" 'select(.time <= $t) | .version' "$MNT/log" | tail -n 1)" "$(readlink "$A/$noon")"
is 'in other spellings, too' "$(readlink "$A/$noon")" "$(readlink "$A/$(date -d "$noon" +%FT%T.%6N%:z)")"
is 'each time of the log is that of its version' '' "$(jq -r '"\(.time) \(.version)"' "$MNT/log" | while read -r t v; do
    [ "$(readlink "$A/$t")" = "$v" ] || echo "$t $v"
done)"
is 'before the first it is 0' 0 "$(readlink "$A/1999-12-31T23:59:59Z")"
is 'what will be is not there' 'stat=ENOENT' "$(sys stat "$A/2999-01-01T00:00:00Z")"
is 'nor what is no time' 'stat=ENOENT stat=ENOENT stat=ENOENT' "$(sys stat "$A/2026-02-30T00:00:00Z" stat "$A/2026-01-01" stat "$A/2026-01-01T00:00:00")"

P=$A/3/tables
is 'nothing can be changed there' 'EROFS EROFS EROFS EROFS EROFS EROFS EROFS EROFS' "$(
    sys open a "$P/t/rows" open w "$P/t/rows" open w "$P/t/x" mkdir "$P/x" unlink "$P/t/rows" rmdir "$P/t" rename "$P/t" "$P/z" resize 0 "$P/t/rows" | sed 's/[a-z]*=//g')"
is 'and nothing moved out of it' 'rename=EROFS' "$(sys rename "$P/t/rows" "$T/t/rows")"
like 'the reason is in errors' 'at/3/tables/t' "$(last_refusal path)"
ok 'a copy of it is the undo' run 'cp ../at/4/tables/t/rows t/rows'
same 'which restores every byte' "$D/was/4/t/rows" "$T/t/rows"
ok 'also when nothing has changed since' run 'cp ../at/latest/tables/t/rows t/rows'

exec 5<"$A/3/tables/t/rows"
cd "$A/3/tables/t" || exit
for i in 1 2 3; do put t "{\"n\":$i}"; done
is 'who stands in it stays in it' "$(cat "$D/was/3/t/rows")" "$(cat rows)"
is 'an open file, too' "$(cat "$D/was/3/t/rows")" "$(cat <&5)"
exec 5<&-
cd "$D" || exit

# Many versions, of which few are kept in memory, and several in one record.
seq 300 | xargs -P 8 -I{} sh -c 'echo "{\"i\":{}}" >> "$1/t/rows"' sh "$T"
last=$(commits)
is 'each of many versions has one row more' '' "$(for v in $(seq $((last - 299)) 7 "$last"); do
    [ "$(lines "$A/$v/tables/t/rows")" = $((v - last + 301)) ] || echo "$v"
done)"
mnt_stop
mnt_start
is 'also on another day' '' "$(for v in $(seq $((last - 299)) 11 "$last"); do
    [ "$(lines "$A/$v/tables/t/rows")" = $((v - last + 301)) ] || echo "$v"
done)"
for dir in "$D"/was/*; do
    version=${dir##*/}
    ok "  and version $version is what it was" diff -r "$dir" "$A/$version/tables"
done
done_testing
