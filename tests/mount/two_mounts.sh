#!/bin/bash
# SPDX-License-Identifier: MIT
# Two mounts of one store: each sees the other's commits at its next open.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start a
A=$T
mnt_start b
B=$T

is 'neither has tables' '' "$(find "$A" "$B" -mindepth 1)"
is 'b does not know t' stat=ENOENT "$(sys stat "$B/t")"
mkdir "$A/t"
is 'a makes it: b knows it at once' stat=ok "$(sys stat "$B/t")"
is 'b lists it' t "$(ls "$B")"
is 'b cannot make it again' mkdir=EEXIST "$(sys mkdir "$B/t")"
is 'b sees its empty rows' 'open=ok size=0' "$(sys open r "$B/t/rows" size)"
for n in 1 2 3; do
    printf '{"n":%d}\n' "$n" | cat >>"$A/t/rows"
    is "b sees what a appended: $n" "{\"n\":$n}" "$(tail -n 1 "$B/t/rows")"
    is '  and the size' "$(stat -c %s "$A/t/rows")" "$(stat -c %s "$B/t/rows")"
    printf '{"n":%d}\n' "$n" | cat >>"$B/t/rows"
    is "a sees what b appended: $n" "{\"n\":$n}" "$(tail -n 1 "$A/t/rows")"
    is '  and the time' "$(stat -c %.6Y "$A/t/rows")" "$(stat -c %.6Y "$B/t/rows")"
done
is 'both have all of it' '1 1 2 2 3 3|1 1 2 2 3 3' "$(T=$A nums t)|$(T=$B nums t)"
is 'and the same log' "$(cat "$A/../log")" "$(cat "$B/../log")"

echo "$R2" >"$A/t/rows"
is 'b sees a replace' 2 "$(T=$B nums t)"
rm "$B/t/rows"
is 'a sees an rm' 0 "$(stat -c %s "$A/t/rows")"
fat_rows 500 >"$T_DIR/fat"
cat "$T_DIR/fat" >>"$A/t/rows"
same 'b sees segments' "$T_DIR/fat" "$B/t/rows"
fails_with ENOTEMPTY 'b cannot drop what a has filled' rmdir "$B/t"
exec 4<"$B/t/rows"
mv "$A/t" "$A/u"
is 'b sees a rename' 'stat=ENOENT stat=ok' "$(sys stat "$B/t" stat "$B/u")"
rm "$A/u/rows"
same 'an open file of b keeps its version over commits of a' "$T_DIR/fat" <(cat <&4)
exec 4<&-
rmdir "$A/u"
is 'b sees the drop' stat=ENOENT "$(sys stat "$B/u")"
is 'of everything' '' "$(ls "$B")"
mkdir "$B/u"
is 'a sees the new table of that name' 'u 0' "$(ls "$A") $(stat -c %s "$A/u/rows")"

is 'an old directory of a dropped table is empty or gone' '' "$(
    cd "$A/u" || exit
    rmdir "$B/u"
    cat rows 2>/dev/null
)"
mkdir "$A/u"
sys open a "$A/u/rows" write "$R1\n" mark "$T_DIR/written" await "$T_DIR/go" close >"$T_DIR/outcome" &
wait_until 'a has an open file' test -e "$T_DIR/written"
echo "$R2" | cat >>"$B/u/rows"
touch "$T_DIR/go"
wait $!
is 'an append that began earlier is rebased' 'open=ok write=ok mark=ok await=ok close=ok' "$(cat "$T_DIR/outcome")"
is 'both are there, in commit order' '2 1|2 1' "$(T=$A nums u)|$(T=$B nums u)"

mnt_stop a
echo "$R3" | cat >>"$B/u/rows"
is 'one may go, the other goes on' '2 1 3' "$(T=$B nums u)"
mnt_start a
is 'and the first sees it when it comes back' '2 1 3' "$(T=$A nums u)"
done_testing
