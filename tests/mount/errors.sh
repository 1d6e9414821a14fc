#!/bin/bash
# SPDX-License-Identifier: MIT
# errors: the caller's last refusals, one JSON object a line, newest last.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t "tä ble\\"'
is 'nothing was refused yet' 0 "$(refusals)"
is 'so errors is empty' 0 "$(stat -c %s "$MNT/errors")"

run 'cat >> t/rows <<< "$BAD"' 2>/dev/null
is 'a refusal is a line' 1 "$(refusals)"
is 'with these fields' 'errno line path pid reason time' \
    "$(jq -r 'keys[]' "$MNT/errors" | grep -xE 'time|pid|path|errno|reason|line' | paste -sd' ')"
like 'time is RFC 3339' '^20[0-9]{2}-[0-9-]{5}T[0-9:]{8}(\.[0-9]+)?Z$' "$(last_refusal time)"
is 'pid and line are numbers' 'number number' "$(jq -r '"\(.pid | type) \(.line | type)"' "$MNT/errors")"
is 'the size of errors is its length' "$(wc -c <"$MNT/errors")" "$(stat -c %s "$MNT/errors")"

run 'cat > "$1" <<< "$BAD"' "tä ble\\/rows" 2>/dev/null
is 'the path is spelled as it is' 'tables/tä ble\/rows' "$(last_refusal path)"

printf '{"n":"\x01\xff\\"}\n' | run 'cat >> t/rows' 2>/dev/null
ok 'a reason for odd bytes is still JSON' jq -e . "$MNT/errors"
ok 'and UTF-8' iconv -f UTF-8 -t UTF-8 "$MNT/errors"

for snippet in 'truncate -s 1 t/rows' 'echo "$R1" | dd of=t/rows seek=5 oflag=seek_bytes conv=notrunc' \
    'touch t/data.csv' 'mkdir t/sub' 'mkdir "$(printf "a\nb")"' 'chmod 0 t' 'ln -s x t/l'; do
    is "a line for: $snippet" 1 "$(refusals_of "$snippet")"
    isnt '  with a reason' null "$(last_refusal reason)"
done
like 'a refused name that looks like data advises to append' 'append|>>' \
    "$(run 'touch t/data.csv' 2>/dev/null; last_refusal reason)"

# One bad row each, numbered by the line that it is on.
for n in $(seq 120); do
    (rows 1 $((n - 1)) && echo bad) | run 'cat >> t/rows' 2>/dev/null
done
is 'errors keeps 100 lines' 100 "$(refusals)"
is 'the newest is the last' 120 "$(last_refusal line)"
is 'the oldest is the first' 21 "$(head -n 1 "$MNT/errors" | jq .line)"
is 'they are in order' "$(seq 21 120)" "$(jq .line "$MNT/errors")"
is 'reading it twice gives the same' "$(cat "$MNT/errors")" "$(cat "$MNT/errors")"
is 'nothing was written' 0 "$(lines "$T/t/rows")"
is 'nor committed' 2 "$(commits)"
done_testing
