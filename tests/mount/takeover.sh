#!/bin/bash
# SPDX-License-Identifier: MIT
# Mounting where a daemon has died, or does not answer.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t'
add t "$R1"
ls -l "$MNT" >/dev/null # the kernel remembers what the root is like
pid=$(mnt_pid)
kill -KILL "$pid"
wait_until 'the daemon is gone' t_is_gone "$pid"
ok 'a dead mount point is taken over at once' timeout 30 "$ROWFS" mount "$STORE" "$MNT"
is 'with all rows' 1 "$(nums t)"

pid=$(mnt_pid)
kill -STOP "$pid"
timeout --signal=TERM --kill-after=20 2 "$ROWFS" mount "$STORE" "$MNT" >"$T_DIR/.said" 2>&1
is 'a mount that waits for a daemon that is stopped can be ended' 124 "$?"
kill -CONT "$pid"
is 'and the first one goes on' 1 "$(nums t)"
is 'alone' 1 "$(t_daemons | wc -l)"

is 'of ro and rw the last one counts' 'rw ok, ro EROFS' "$(
    for last in rw ro; do
        mnt_start "$last" "$([ $last = rw ] && echo ro,rw || echo rw,ro)"
        echo "$last $(sys open wo "$T/t/rows" | sed 's/.*=//')"
    done | paste -sd, | sed 's/,/, /'
)"
done_testing
