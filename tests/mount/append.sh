#!/bin/bash
# SPDX-License-Identifier: MIT
# >> rows inserts: in order, byte for byte, one commit a close.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u v w'
is 'an append is one commit' 1 "$(commits_of 'echo "$R1" >> t/rows')"
is 'cat gives the row back' "$R1" "$(cat "$T/t/rows")"
run 'echo "$R2" >> t/rows; echo "$R3" >> t/rows'
is 'rows come in commit order' '1 2 3' "$(nums t)"
is 'cat rows >> rows doubles the table in one commit' 1 "$(commits_of 'cat t/rows >> t/rows')"
is 'doubled it is' '1 2 3 1 2 3' "$(nums t)"
is 'opening and closing commits nothing' 0 "$(commits_of ': >> t/rows; cat /dev/null >> t/rows')"
is 'nor does writing blank lines only' 0 "$(commits_of 'printf "\n\n" >> t/rows')"
is 'nothing was refused so far' 0 "$(refusals)"

cat >"$T_DIR/odd" <<'EOT'
{}
{ "b" : 1 , "a" : [ 1, 2.50, -0, 1e400, true, false, null ] }
  {"leading": "spaces"}
{"trailing": "spaces"}   
{"tab":	"between"}
{"escapes": "\u00e9 \" \\ \/ \b \f \n \r \t \ud83d\ude00"}
{"plain": "é ✓ 表 😀", "": "an empty name"}
{"big": 123456789012345678901234567890.123456789012345678901234567890}
{"nested": {"a": {"b": {"c": [[[[]]]]}}}}
EOT
ok 'odd rows are accepted' run 'cat "$1" >> u/rows' "$T_DIR/odd"
same 'they come back byte for byte' "$T_DIR/odd" "$T/u/rows"
run 'dd if="$1" of=u/rows bs=7 oflag=append conv=notrunc status=none' "$T_DIR/odd"
cat "$T_DIR/odd" "$T_DIR/odd" >"$T_DIR/odd2"
same 'also when written 7 bytes at a time' "$T_DIR/odd2" "$T/u/rows"

printf '{"n":1}\r\n\r\n\n{"n":2}\n\n{"n":3}\r\n\n' | cat >>"$T/v/rows"
is 'CRLF becomes LF and blank lines are skipped' $'{"n":1}\n{"n":2}\n{"n":3}' "$(cat "$T/v/rows")"
is 'without a CR that is left' 24 "$(stat -c %s "$T/v/rows")"
is 'an unterminated last row is accepted' 0 "$(refusals_of 'printf %s "$R1" >> v/rows')"
is 'with its newline added' '1 2 3 1 32' "$(nums v) $(wc -c <"$T/v/rows")"
ok 'cat sees no error for it' run 'printf %s "$R2" | cat >> v/rows'
ok 'an unterminated CR is no part of the row' run 'printf "%s\r" "$R3" | cat >> v/rows'
is 'so there are whole lines' '1 2 3 1 2 3 48' "$(nums v) $(wc -c <"$T/v/rows")"

fat_rows 1000 >"$T_DIR/fat"
is 'a megabyte is one commit' 1 "$(commits_of 'cat "$1" >> w/rows' "$T_DIR/fat")"
same 'byte for byte' "$T_DIR/fat" "$T/w/rows"
run 'dd if="$1" of=w/rows bs=999 oflag=append conv=notrunc status=none' "$T_DIR/fat"
run 'echo "$R1" >> w/rows; cat "$1" >> w/rows' "$T_DIR/fat"
(cat "$T_DIR/fat" "$T_DIR/fat" && echo "$R1" && cat "$T_DIR/fat") >"$T_DIR/all"
same 'large and small appends follow each other' "$T_DIR/all" "$T/w/rows"
same 'tail finds its place' <(tail -c 1234567 "$T_DIR/all") <(tail -c 1234567 "$T/w/rows")
same 'and dd any other' <(dd if="$T_DIR/all" bs=4097 skip=333 count=9 status=none) \
    <(dd if="$T/w/rows" bs=4097 skip=333 count=9 status=none)
same 'tac reads it backwards' <(tac "$T_DIR/all") <(tac "$T/w/rows")
is 'info counts rows and bytes' "3001 $(wc -c <"$T_DIR/all")" "$(jq -r '"\(.rows) \(.bytes)"' "$T/w/info")"

run 'echo "$R1" | tee -a t/rows >> u/rows'
is 'tee -a appends to two tables' "$R1 $R1" "$(tail -n 1 "$T/t/rows") $(tail -n 1 "$T/u/rows")"
ok 'rows may be appended through /proc/self/fd' run 'echo "$R2" | tee -a /proc/self/fd/3 3>> t/rows'
is 'once' '1 2 3 1 2 3 1 2' "$(nums t)"

size=$(stat -c %s "$T/t/rows")
is 'overwriting in place is refused' 'open=ok at=EINVAL' "$(sys open wo "$T/t/rows" at 0 "$R3\n")"
is 'so is writing beyond the end' 'open=ok at=EINVAL' "$(sys open wo "$T/t/rows" at $((size + 1)) "$R3\n")"
is 'writing at the end is an append' 'open=ok at=ok close=ok' "$(sys open wo "$T/t/rows" at "$size" "$R3\n" close)"
fails_with EINVAL 'dd conv=notrunc, which overwrites, is refused' run \
    'echo "$R3" | dd of=t/rows conv=notrunc status=none'
is 'only the append happened' '1 2 3 1 2 3 1 2 3' "$(nums t)"
done_testing
