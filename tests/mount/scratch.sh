#!/bin/bash
# SPDX-License-Identifier: MIT
# Scratch files: any other name in a table's directory, until renamed to rows.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u'
add t "$R1"
is 'making a scratch file commits nothing' 0 "$(commits_of 'printf "not\nJSON \0" > t/draft')"
is 'it is listed' 'draft rows schema' "$(ls -A "$T/t" | paste -sd' ')"
is 'it holds what was written' $'not\nJSON ' "$(tr -d '\0' <"$T/t/draft")"
is 'it has its size' 10 "$(stat -c %s "$T/t/draft")"
ok 'it can be appended to' run 'echo more >> t/draft && tail -n 1 t/draft | grep -q more'
ok 'it can be overwritten in place' run 'printf NOT | dd of=t/draft conv=notrunc && head -n 1 t/draft | grep -qx NOT'
ok 'it can be cut' run 'truncate -s 3 t/draft && test "$(cat t/draft)" = NOT'
ok 'its times and mode can be set' run 'touch -d 2001-01-01 t/draft && chmod "$(stat -c %a t/draft)" t/draft'
ok 'it can be renamed' run 'mv t/draft t/draft2 && test "$(cat t/draft2)" = NOT'
ok 'it can be removed' rm "$T/t/draft2"
is 'then it is not listed' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
is 'an exclusive create of it works, once' 'open=ok close=ok open=EEXIST' \
    "$(sys open x "$T/t/draft" close open x "$T/t/draft")"
is 'in a table only' open=EPERM "$(sys open w "$T/draft")"

for name in data.ndjson data.jsonl data.json data.csv people.csv data.tsv rows.gz; do
    is "$name looks like data and is refused" open=EPERM "$(sys open w "$T/t/$name")"
    is '  also as a new name' rename=EPERM "$(sys rename "$T/t/draft" "$T/t/$name")"
done
for name in data.ndjson.tmp rows~ .rows.swp csv tmp.XYZ sed0AbC; do
    is "$name is a scratch file" 'open=ok close=ok unlink=ok' "$(sys open w "$T/t/$name" close unlink "$T/t/$name")"
done

run 'rm t/draft; printf "%s\n" "$R2" "$R3" > t/draft'
is 'renamed to rows it replaces them in one commit' 1 "$(commits_of 'mv t/draft t/rows')"
is 'the rows are its lines' '2 3' "$(nums t)"
is 'it is gone' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
run 'printf "%s\r\n\n%s" "$R2" "$R1" > t/draft && mv t/draft t/rows'
is 'its lines are taken as an append takes them' "$R2"$'\n'"$R1" "$(cat "$T/t/rows")"
run ': > t/draft && mv t/draft t/rows'
is 'an empty one empties the table' 0 "$(stat -c %s "$T/t/rows")"

add t "$R1"
printf '%s\n' "$R2" "$BAD" >"$T/t/draft"
is 'one that is not rows is refused' rename=EINVAL "$(sys rename "$T/t/draft" "$T/t/rows")"
is 'errors has the line' '2 EINVAL' "$(last_refusal line) $(last_refusal errno)"
is 'the rows stay' 1 "$(nums t)"
is 'so does the scratch file' "$R2"$'\n'"$BAD" "$(cat "$T/t/draft")"
ok 'it can be mended' run 'sed -n 1p t/draft > t/draft2 && mv t/draft2 t/draft && mv t/draft t/rows'
is 'and renamed then' 2 "$(nums t)"

echo "$R3" >"$T/t/draft"
add t "$R1"
is 'ECANCELED if the rows changed since it was made' rename=ECANCELED "$(sys rename "$T/t/draft" "$T/t/rows")"
is 'errors says so' ECANCELED "$(last_refusal errno)"
is 'and the rows stay' '2 1' "$(nums t)"
echo "$R3" >"$T/t/fresh"
is 'a new one is not' rename=ok "$(sys rename "$T/t/fresh" "$T/t/rows")"
add u "$R1"
echo "$R1" >"$T/t/fresh"
add u "$R1"
is 'a change of another table does not matter' rename=ok "$(sys rename "$T/t/fresh" "$T/t/rows")"
is 'the rows are there' 1 "$(nums t)"

A=$T
mnt_start other
B=$T
echo "$R2" >"$A/t/draft"
is 'another mount does not see it' 'rows schema' "$(ls -A "$B/t" | paste -sd' ')"
printf '%s\n' "$R3" | cat >>"$B/t/rows"
is 'ECANCELED if the rows changed on another mount' rename=ECANCELED "$(sys rename "$A/t/draft" "$A/t/rows")"
is 'both show its rows' '1 3 1 3' "$(T=$A nums t) $(T=$B nums t)"
echo "$R2" >"$A/t/draft2"
is 'afterwards a new one replaces' rename=ok "$(sys rename "$A/t/draft2" "$A/t/rows")"
is 'on both' '2 2' "$(T=$A nums t) $(T=$B nums t)"
mnt_stop other
mnt_stop

mnt_start
is 'scratch files do not outlive the mount' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
is 'the rows do' 2 "$(nums t)"
echo x >"$T/t/draft"
ok 'rm -r of a table takes them along' rm -r "$T/t"
mnt_stop
mnt_start mnt scratch_limit=64K
run 'mkdir t'
ok 'scratch files up to scratch_limit are accepted' run 'head -c 60000 /dev/zero > t/draft'
fails 'beyond it they are refused' run 'head -c 70000 /dev/zero > t/draft2'
done_testing
