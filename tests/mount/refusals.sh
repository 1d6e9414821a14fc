#!/bin/bash
# SPDX-License-Identifier: MIT
# Rows that are refused: EINVAL, nothing of the open file kept, a line in errors.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t'
add t "$R1" "$R2"
dd if="$T/t/rows" of="$T_DIR/before" status=none

refused() { # TEXT FORMAT: what printf FORMAT makes is refused
    local errors
    errors=$(refusals)
    # shellcheck disable=SC2059
    printf "$2" >"$T_DIR/input"
    fails_with EINVAL "refused: $1" run 'cat "$1" >> t/rows' "$T_DIR/input"
    is '  with a line in errors' "$((errors + 1)) EINVAL tables/t/rows" \
        "$(refusals) $(last_refusal errno) $(last_refusal path)"
    isnt '  that gives a reason' '' "$(last_refusal reason | grep -vx null)"
}

refused 'not JSON' 'hello\n'
refused 'a lone brace' '{bad\n'
refused 'an array' '[1]\n'
refused 'a number' '1\n'
refused 'a string' '"x"\n'
refused 'null' 'null\n'
refused 'two objects on a line' '{"n":3}{"n":4}\n'
refused 'two objects with a space' '{"n":3} {"n":4}\n'
refused 'an object over two lines' '{"n":\n3}\n'
refused 'something after the object' '{"n":3} x\n'
refused 'a trailing comma' '{"n":3,}\n'
refused 'a comma between rows' '{"n":3},\n{"n":4}\n'
refused 'a missing colon' '{"n" 3}\n'
refused 'an unquoted name' '{n:3}\n'
refused 'single quotes' "{'n':3}\n"
refused 'a comment' '{"n":3} // three\n'
refused 'NaN' '{"n":NaN}\n'
refused 'a leading zero' '{"n":03}\n'
refused 'a leading plus' '{"n":+3}\n'
refused 'a bare fraction' '{"n":.3}\n'
refused 'a dangling point' '{"n":3.}\n'
refused 'a dangling exponent' '{"n":3e}\n'
refused 'an unfinished literal' '{"n":tru}\n'
refused 'a capital literal' '{"n":True}\n'
refused 'an unfinished string' '{"n":"x}\n'
refused 'an unknown escape' '{"n":"\\x"}\n'
refused 'a short unicode escape' '{"n":"\\u12"}\n'
refused 'a tab in a string' '{"n":"\t"}\n'
refused 'a NUL byte in a string' '{"n":"\0"}\n'
refused 'a NUL byte after the object' '{"n":3}\0\n'
refused 'a line of NULs' '\0\0\0\n'
refused 'a form feed around the object' '{"n":3}\f\n'
refused 'invalid UTF-8' '{"n":"\xff"}\n'
refused 'truncated UTF-8' '{"n":"\xc3"}\n'
refused 'overlong UTF-8' '{"n":"\xc0\xaf"}\n'
refused 'a UTF-8 surrogate' '{"n":"\xed\xa0\x80"}\n'
refused 'a code point above U+10FFFF' '{"n":"\xf4\x90\x80\x80"}\n'
refused 'invalid UTF-8 in a name' '{"\xff":3}\n'
refused 'a byte order mark' '\xef\xbb\xbf{"n":3}\n'
refused 'a duplicate name' '{"n":3,"n":4}\n'
refused 'a duplicate name, one with escapes' '{"n":3,"\\u006e":4}\n'
refused 'a duplicate name further down' '{"a":{"b":{"n":1,"x":2,"n":3}}}\n'
refused 'a mismatched bracket' '{"n":[1}]\n'
refused 'half a row at the end' '{"n":3}\n{"n":'
refused 'half a row alone' '{"n"'
refused 'a word at the end' '{"n":3}\nhello'
refused 'a bad row after good ones' '{"n":3}\n{"n":4}\nbad\n'
refused 'a bad row before good ones' 'bad\n{"n":3}\n{"n":4}\n'
refused 'a bad row among good ones' '{"n":3}\nbad\n{"n":4}\n'

printf '%0100000d' 0 | tr 0 '[' >"$T_DIR/deep"
refused 'a row nested 100,000 deep' "{\"n\":$(cat "$T_DIR/deep")\n"
same 'after all that, the rows are what they were' "$T_DIR/before" "$T/t/rows"

for n in 1 2 3 1000; do
    (rows 1 $((n - 1)) && echo bad && rows 1 5) >"$T_DIR/input"
    run 'cat "$1" >> t/rows' "$T_DIR/input" 2>/dev/null
    is "errors has the line: $n" "$n" "$(last_refusal line)"
done
(fat_rows 2000 && printf '{"n":3') >"$T_DIR/input"
fails_with EINVAL 'half a row after 2 MB is refused at the close' run 'cat "$1" >> t/rows' "$T_DIR/input"
is 'with its line' 2001 "$(last_refusal line)"
(fat_rows 2000 && echo bad) >"$T_DIR/input"
fails_with EINVAL 'a bad row after 2 MB is refused' run 'cat "$1" >> t/rows' "$T_DIR/input"
fails_with EINVAL 'in a replace too' run 'cat "$1" > t/rows' "$T_DIR/input"
same 'and nothing of it is there' "$T_DIR/before" "$T/t/rows"

is 'a refused file stays refused' \
    'open=ok write=ok write=EINVAL write=EINVAL fsync=EINVAL write=EINVAL close=EINVAL' \
    "$(sys open a "$T/t/rows" write "$R3\n" write "$BAD\n" write "$R3\n" fsync write "$R3\n" close)"
is 'half a row is refused at the close, not before' 'open=ok write=ok write=ok close=EINVAL' \
    "$(sys open a "$T/t/rows" write '{"n":' write '7,' close)"
is 'what was written before the bad row goes with it' '1 2' \
    "$(run 'exec 3>> t/rows; echo "$R3" >&3; echo "$BAD" >&3; echo "$R1" >&3' 2>/dev/null; nums t)"
is 'the next open is a fresh start' '1 2 1' "$(run 'echo "$R1" >> t/rows'; nums t)"
done_testing
