#!/bin/bash
# SPDX-License-Identifier: MIT
# A close is a commit: which close, when several processes share an open file.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t'
rows 1 3 >"$T_DIR/a"
rows 4 6 >"$T_DIR/b"
export A=$T_DIR/a B=$T_DIR/b D=$T_DIR

while IFS='|' read -r want snippet; do
    run ': > t/rows'
    is "one commit: $snippet" "1 $want" "$(commits_of "$snippet") $(nums t)"
done <<'EOT'
1 2 3 4 5 6|{ cat $A; cat $B; } >> t/rows
1 2 3 4 5 6|(cat $A; cat $B) >> t/rows
1 2 3 1|{ cat $A; echo "$R1"; } >> t/rows
1 2 3 1|{ cat $A; echo "$R1"; } > t/rows
1 2 1 2|for i in 1 2; do echo "$R1"; /bin/echo "$R2"; done >> t/rows
1 2 3 4 5 6|cat $A $B | while read -r r; do echo "$r"; done >> t/rows
1 2 3 4 5 6|cat $A $B | xargs -d "\n" -n 1 echo >> t/rows
1 2 3 4 5 6|f() { cat $A; g; }; g() { cat $B; }; f >> t/rows
4 5 6 1 2 3|exec >> t/rows; cat $B; cat $A
1 2 3 4 5 6|exec 3>> t/rows; cat $A >&3; cat $B >&3; exec 3>&-
1 2 3 4 5 6|exec 3> t/rows; cat $A >&3; cat $B >&3
1 2 3|{ /bin/true; cat $A; /bin/true; } >> t/rows
1 2|bash -c 'echo "$R1"; dash -c "cat" <<< "$R2"' >> t/rows
4|{ printf '{"n":'; /usr/bin/printf 4; printf '}'; echo; } >> t/rows
5|{ printf '{"n":'; /bin/true; jq -nj 5; echo '}'; } >> t/rows
EOT
is 'builtins through exec 3>> are one commit, at its close' '1 1 2' \
    "$(run ': > t/rows'; commits_of 'exec 3>> t/rows; echo "$R1" >&3; echo "$R2" >&3') $(nums t)"
is 'and not seen before' 0 "$(run ': > t/rows; exec 3>> t/rows; echo "$R1" >&3; wc -l < t/rows')"
is 'a redirection inside a group is no close' 1 "$(run ': > t/rows'
    commits_of '(echo "$R1"; echo note >&2; command -v cat >/dev/null; echo "$R2") >> t/rows' 2>/dev/null)"
run ': > t/rows; echo "$R1" >> t/rows'
fails 'and a group that fails after one has changed nothing' run \
    '(echo "$R2"; echo oops >&2; exit 1) > t/rows' 2>/dev/null
is 'nothing at all' 1 "$(nums t)"
is 'a program through exec 3>> is not seen before the close' '0 3' \
    "$(run ': > t/rows; exec 3>> t/rows; cat $A >&3; wc -l < t/rows; exec 3>&-; wc -l < t/rows' | paste -sd' ')"

run ': > t/rows'
is 'four writers with one open file are one commit' 1 \
    "$(commits_of 'seq 2000 | xargs -P 4 -n 20 printf "{\"n\":%d}\n" >> t/rows')"
is 'of every row once' "2000 2001000" "$(jq -s '"\(unique | length) \(map(.n) | add)"' -r "$T/t/rows")"

run ': > t/rows'
mkfifo "$D/pipe"
# The background writer keeps the group's file after the shell has closed it and ended.
run '{
    sh -c "echo \$R1; mkdir $D/begun; cat $D/pipe" &
    until [ -e $D/begun ]; do sleep 0.02; done
    cat $A
} >> t/rows' &
group=$!
exec 7>"$D/pipe"
wait $group
run 'cat $B >> t/rows'
cat "$B" >&7
is 'a commit waits for the last writer' '4 5 6' "$(nums t)"
before=$(commits)
exec 7>&-
wait_until 'and then happens' eval '[ "$(commits)" -gt $before ]'
is 'in one piece' "$((before + 1)) 4 5 6 1 1 2 3 4 5 6" "$(commits) $(nums t)"

run ': > t/rows'
run '{ sleep 60 & echo $! > $D/sleeper; cat $A; } >> t/rows' >/dev/null 2>&1
is 'a process that only holds the file does not delay the commit' '1 2 3' "$(nums t)"
kill "$(cat "$D/sleeper")"

run ': > t/rows'
is 'fsync commits what is complete, the close the rest' 'open=ok write=ok fsync=ok mark=ok await=ok write=ok close=ok 1 | 1 23' "$(
    sys open a "$T/t/rows" write "$R1\n"'{"n":2' fsync mark "$D/synced" await "$D/seen" write '3}\n' close >"$D/out" &
    wait_until 'fsync returns' test -e "$D/synced"
    seen=$(nums t)
    touch "$D/seen"
    wait $!
    echo "$(cat "$D/out") $seen | $(nums t)"
)"
run ': > t/rows'
is 'dd conv=fsync is one append' '1 2 3' "$(run 'dd if=$A of=t/rows oflag=append conv=notrunc,fsync status=none'; nums t)"
is 'an explicit close before a failed exit is a commit' 'open=ok write=ok close=ok 1 2 3 2' \
    "$(sys open a "$T/t/rows" write "$R2\n" close exit 1) $(nums t)"
is 'an exit with status 0 is a close' 'open=ok write=ok 1 2 3 2 3' \
    "$(sys open a "$T/t/rows" write "$R3\n" exit 0) $(nums t)"
is 'nothing else of this was a refusal' 1 "$(refusals)"
done_testing
