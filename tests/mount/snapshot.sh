#!/bin/bash
# SPDX-License-Identifier: MIT
# A reader keeps the version that it opened, whatever is committed meanwhile.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u'
rows 1 20000 >"$T_DIR/old"
cat "$T_DIR/old" >>"$T/t/rows"
size=$(stat -c %s "$T_DIR/old")

while read -r snippet; do
    cat "$T_DIR/old" >"$T/t/rows"
    exec 4<"$T/t/rows" 5<"$T/t/rows" 6<"$T/t/rows"
    dd bs=1000 count=3 status=none <&4 >"$T_DIR/seen" # half of it before, half after
    run "$snippet" </dev/null
    cat <&4 >>"$T_DIR/seen"
    same "an open file keeps its rows over: $snippet" "$T_DIR/old" "$T_DIR/seen"
    is '  and its size' "$size" "$(stat -Lc %s "/proc/$$/fd/5")"
    same '  also if it is read afterwards only' "$T_DIR/old" <(cat <&5)
    same '  or from its end' <(tail -n 3 "$T_DIR/old") <(tail -n 3 <&6)
    isnt '  while a new open sees the new rows' "$size" "$(cat "$T/t/rows" 2>/dev/null | wc -c)"
    exec 4<&- 5<&- 6<&-
    [ -d "$T/t" ] || mkdir "$T/t"
done <<'EOT'
echo "$R1" >> t/rows
echo "$R1" > t/rows
: > t/rows
truncate -s 0 t/rows
rm t/rows
sed -i 2,5d t/rows
cp ../README t/x; echo "$R1" > t/x; mv t/x t/rows
for i in 1 2 3 4 5 6 7 8 9; do echo "$R1" >> t/rows; done
echo "$R2" > u/rows; mv u/rows t/rows
rm -r t
mv t v; echo "$R3" >> v/rows; rm -r v
EOT

put t "$R1" "$R2"
exec 4<"$T/t/rows"
run 'mv t w'
is 'an open file survives the rename of its table' '1 2' "$(jq .n <&4 | paste -sd' ')"
exec 4<&-
run 'mv w t'

is 'a loop that appends what it reads ends' 6 \
    "$(put t "$R1" "$R2" "$R3"; run 'while read -r r; do echo "$r" >> t/rows; done < t/rows'; lines "$T/t/rows")"
is 'a reader does not see rows before their commit' '1 2 3 | 1 2 3 1' "$(
    put t "$R1" "$R2" "$R3"
    sys open a "$T/t/rows" write "$R1\n" mark "$T_DIR/written" await "$T_DIR/seen1" close >"$T_DIR/outcome" &
    wait_until 'the row is written' test -e "$T_DIR/written"
    before=$(nums t)
    touch "$T_DIR/seen1"
    wait $!
    echo "$before | $(nums t)"
)"

# Four writers of commits of 10 rows and three readers, at the same time.
: >"$T/t/rows"
rows 1 10 >"$T_DIR/ten"
for reader in 1 2 3; do
    perl "$T_LIB/reader.pl" "$T/t/rows" 10 "$T_DIR/stop" >"$T_DIR/reader.$reader" &
    readers[reader]=$!
done
for writer in 1 2 3 4; do
    (for _ in $(seq 100); do cat "$T_DIR/ten" >>"$T/t/rows" || exit; done) &
    writers[writer]=$!
done
for writer in 1 2 3 4; do
    wait "${writers[writer]}"
    is "writer $writer has committed" 0 $?
done
touch "$T_DIR/stop"
for reader in 1 2 3; do
    wait "${readers[reader]}"
    is "reader $reader has seen only whole versions" 0 $?
    like '  and some of them' '^[1-9][0-9]*$' "$(cat "$T_DIR/reader.$reader")"
done
is 'every row is there' 4000 "$(lines "$T/t/rows")"
is 'in whole commits' 400 "$(paste -d' ' - - - - - - - - - - <"$T/t/rows" | grep -cxF "$(rows 1 10 | paste -sd' ')")"
done_testing
