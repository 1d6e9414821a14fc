#!/bin/bash
# SPDX-License-Identifier: MIT
# stream: each write(2) commits its complete lines at once.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t' && add t "$R1"
is 'it is not listed' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
ok 'it is there when named' test -e "$T/t/stream"
is 'an echo to it appends' '1 2' "$(run 'echo "$R2" >> t/stream'; nums t)"
is 'also with >: it has nothing to replace' '1 2 3' "$(run 'echo "$R3" > t/stream'; nums t)"
is 'each write is a commit' '1 2 3 1 2|3' "$(
    before=$(commits)
    sys open a "$T/t/stream" write "$R1\n" write "$R2\n" write "$R3\n" mark "$T_DIR/three" >/dev/null
    echo "$(nums t | cut -d' ' -f1-5)|$(($(commits) - before))"
)"

run ': > t/rows'
sys open a "$T/t/stream" write "$R1\n" mark "$T_DIR/1" await "$T_DIR/2" \
    write "$R2\n$R3\n"'{"n"' mark "$T_DIR/3" await "$T_DIR/4" write ':4}\n' mark "$T_DIR/5" \
    await "$T_DIR/6" close >"$T_DIR/outcome" &
wait_until 'the first write' test -e "$T_DIR/1"
is 'a row is visible while the stream is open' 1 "$(nums t)"
touch "$T_DIR/2"
wait_until 'the second write' test -e "$T_DIR/3"
is 'complete lines are, half of one is not' '1 2 3' "$(nums t)"
touch "$T_DIR/4"
wait_until 'the third write' test -e "$T_DIR/5"
is 'until the rest is written' '1 2 3 4' "$(nums t)"
touch "$T_DIR/6"
wait $!
is 'the writer saw no error' 'open=ok write=ok mark=ok await=ok write=ok mark=ok await=ok write=ok mark=ok await=ok close=ok' \
    "$(cat "$T_DIR/outcome")"

is 'a writer that is killed loses no complete line' '1 2 3 4 1' \
    "$(sys open a "$T/t/stream" write "$R1\n"'{"n":' kill KILL >/dev/null; nums t)"
is 'nor does one that fails' '1 2 3 4 1 2' \
    "$(sys open a "$T/t/stream" write "$R2\n" exit 1 >/dev/null; nums t)"
fails_with EINVAL 'a bad row is refused' run 'echo "$BAD" | cat >> t/stream'
is 'errors names stream' tables/t/stream "$(last_refusal path)"
fails 'a builtin sees it' run 'echo "$BAD" >> t/stream'
is 'what was written before it stays' '1 2 3 4 1 2 3' \
    "$(run '{ echo "$R3"; echo "$BAD"; } >> t/stream' 2>/dev/null; nums t)"
fails_with EINVAL 'half a row at the close is refused' run '{ echo "$R1"; printf "{"; } | cat >> t/stream'
is 'and leaves a line in errors' EINVAL "$(last_refusal errno)"

run ': > t/rows'
ok 'tee -a works' run 'rows() { seq -f "{\"n\":%.0f}" "$@"; }; rows 1 1000 | tee -a t/stream | wc -l'
ok 'so does a loop with the file open' run 'exec 3>> t/stream; for n in 1001 1002; do /bin/echo "{\"n\":$n}" >&3; done'
is 'with each row once' "$(seq 1002)" "$(jq .n "$T/t/rows")"
fat_rows 3000 >"$T_DIR/fat"
ok 'and cat of 3 MB' run 'cat "$1" > t/stream' "$T_DIR/fat"
same 'byte for byte' "$T_DIR/fat" <(tail -n 3000 "$T/t/rows")
run ': > t/rows'
ok 'four writers with a stream of their own' run \
    'for w in 1 2 3 4; do (for n in $(seq 100); do echo "{\"w\":$w,\"n\":$n}"; done > t/stream) & done; wait'
is 'leave every row once' '400 400' "$(lines "$T/t/rows") $(sort -u "$T/t/rows" | wc -l)"
like 'it cannot be removed' '^unlink=(EPERM|EACCES)$' "$(sys unlink "$T/t/stream")"
like 'nor made elsewhere' '^open=E' "$(sys open w "$T/stream")"
is 'all of it is there after a remount' 400 "$(mnt_stop; mnt_start; lines "$T/t/rows")"
done_testing
