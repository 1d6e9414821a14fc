#!/bin/bash
# SPDX-License-Identifier: MIT
# unmount while files are open: EBUSY with the pid, and nothing is lost.
. "$(dirname "$0")/../lib/mount.sh"

unmount() { timeout 30 "$ROWFS" unmount "$MNT"; }
writer() { # SYS-OPS...: a process that stays until $T_DIR/go exists
    rm -f "$T_DIR/go" "$T_DIR/written"
    perl "$T_LIB/sys.pl" "$@" mark "$T_DIR/written" await "$T_DIR/go" close >"$T_DIR/outcome" &
    pid=$!
    wait_until 'the writer has written' test -e "$T_DIR/written"
}
finish() { # sets outcome to what the writer's close returned
    touch "$T_DIR/go"
    wait "$pid"
    outcome=$(sed 's/.*close=/close=/' "$T_DIR/outcome")
}

mnt_start
run 'mkdir t u'
writer open a "$T/t/rows" write "$R1\n"
fails 'an open file with unsaved rows is a reason not to unmount' unmount
like 'the message says busy' 'busy|EBUSY' "$(cat "$T_DIR/.out")"
like 'and names the process' "(^|[^0-9])$pid([^0-9]|\$)" "$(cat "$T_DIR/.out")"
ok 'the mount goes on' run 'echo "$R2" >> t/rows'
finish
is 'so does the writer' 'close=ok 2 1' "$outcome $(nums t)"

writer open w "$T/u/rows"
fails 'so is one that is to empty a table' unmount
finish
is 'which does' 'close=ok' "$outcome"
writer open w "$T/t/draft" write 'draft'
fails 'an open scratch file is in use, too' unmount
finish
run 'rm -f t/draft'
ok 'with nothing open it unmounts' unmount
is 'and is gone' '' "$(t_mounts)"
mnt_start
is 'the rows are there' '2 1' "$(nums t)"

# Ended by a signal with a writer in the middle: what was acknowledged is kept,
# what was not is not, and nothing is there in part.
for signal in TERM INT; do
    run 'echo "$R1" > t/rows'
    writer open a "$T/t/rows" write "$R2\n" fsync write "$R3\n"'{"n":'
    daemon=$(mnt_pid)
    kill -$signal "$daemon"
    wait_until "SIG$signal ends the daemon" t_is_gone "$daemon"
    wait_until 'and unmounts' eval '[ -z "$(t_mounts)" ]'
    finish
    isnt "SIG$signal: the writer sees that its rows are not saved" close=ok "$outcome"
    mnt_start
    is "SIG$signal: rows that were synced are there, others are not" '1 2' "$(nums t)"
done

exec 4<"$T/t/rows"
daemon=$(mnt_pid)
kill -TERM "$daemon"
wait_until 'an open reader does not keep the daemon from ending' t_is_gone "$daemon"
exec 4<&-
mnt_start

ok 'a lazy umount is not an accident' t_detach "$MNT"
wait_until 'the daemon ends after it' eval '[ -z "$(t_daemons)" ]'
mnt_start
writer open a "$T/t/rows" write "$R3\n"
daemon=$(mnt_pid)
t_detach "$MNT"
finish
is 'after a lazy umount an open file can still be closed' 'close=ok' "$outcome"
wait_until 'then the daemon ends' t_is_gone "$daemon"
mnt_start
is 'and the row is there' '1 2 3' "$(nums t)"
done_testing
