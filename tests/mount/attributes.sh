#!/bin/bash
# SPDX-License-Identifier: MIT
# What stat(1) says: sizes, times, modes, owners; df; what may be set.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u'
epoch() { date -d "$1" +%s.%6N; }
mtime() { stat -c %.6Y "$T/$1/rows"; }
last_time() { epoch "$(tail -n 1 "$MNT/log" | jq -r .time)"; }

previous=0
for snippet in 'echo "$R1" >> t/rows' 'cat t/rows t/rows > t/rows' 'cp /dev/null t/rows' \
    'seq -f "{\"n\":%g}" 99999 >> t/rows' 'sed -i 1,50000d t/rows' 'rm t/rows' 'echo "$R2" > t/rows'; do
    run "$snippet"
    is "the size is exact after: $snippet" "$(wc -c <"$T/t/rows")" "$(stat -c %s "$T/t/rows")"
    is '  and so is what cat reads' "$(cat "$T/t/rows" | wc -c)" "$(stat -c %s "$T/t/rows")"
    is '  mtime is the time of the commit' "$(last_time)" "$(mtime t)"
    is '  and later than before' "$(mtime t)" "$(printf '%s\n%s\n' "$previous" "$(mtime t)" | sort -g | tail -n 1)"
    isnt '  strictly' "$previous" "$(mtime t)"
    previous=$(mtime t)
done

for _ in $(seq 200); do
    echo "$R1" >>"$T/u/rows"
    mtime u
done >"$T_DIR/times"
is '200 appends have 200 mtimes' 200 "$(sort -u "$T_DIR/times" | wc -l)"
ok 'in order' sort -gc "$T_DIR/times"
is 'appends to u have not touched t' "$previous" "$(mtime t)"
is 'find -newer knows the order' ./u/rows "$(cd "$T" && find . -name rows -newer t/rows)"
before=$(commits)
mode=$(stat -c %a "$T/t/rows")
is 'files and directories have different types' 'regular file directory' \
    "$(stat -c %F "$T/t/rows" "$T/t" | paste -sd' ')"
is 'rows belong to who mounted' "$(id -u) $(id -g)" "$(stat -c '%u %g' "$T/t/rows")"
is 'so do tables' "$(id -u) $(id -g)" "$(stat -c '%u %g' "$T/t")"

ok 'chmod to the present mode succeeds' chmod "$mode" "$T/t/rows"
fails_with EPERM 'to another it does not' chmod 0111 "$T/t/rows"
ok 'chmod of a table to the present mode succeeds' chmod "$(stat -c %a "$T/t")" "$T/t"
fails_with EPERM 'to another it does not' chmod 0111 "$T/t"
ok 'chown to the present owner succeeds' chown "$(stat -c %u:%g "$T/t/rows")" "$T/t/rows"
is 'to another it does not' chown=EPERM "$(sys chown 12345 12345 "$T/t/rows")"
is 'nor of a table' chown=EPERM "$(sys chown 12345 12345 "$T/t")"
is 'the mode is what it was' "$mode" "$(stat -c %a "$T/t/rows")"
ok 'touch succeeds' touch "$T/t/rows"
ok 'touch -d succeeds' touch -d 2001-02-03 "$T/t/rows"
ok 'touch of a table succeeds' touch "$T/t"
ok 'touch -r succeeds' touch -r /etc/passwd "$T/t/rows"
is 'none of this is a commit' "$before" "$(commits)"
is 'nor a change of the rows' 2 "$(nums t)"

is 'df shows a size' true "$(df --output=size -B1 "$MNT" | awk 'NR == 2 { print ($1 > 0) ? "true" : "false" }')"
is 'and what is available' true "$(df --output=avail -B1 "$MNT" | awk 'NR == 2 { print ($1 > 0) ? "true" : "false" }')"
ok 'stat -f succeeds' stat -f "$MNT"
is 'names may be as long as they may be' 255 "$(stat -fc %l "$MNT")"
ok 'test -r, -w and -x agree' test -r "$T/t/rows" -a -w "$T/t/rows" -a -x "$T/t"
ok 'a lock can be taken' run 'flock t/rows true'
ok 'sync succeeds' sync "$T/t/rows"
ok 'sync -f succeeds' sync -f "$T/t/rows"
done_testing
