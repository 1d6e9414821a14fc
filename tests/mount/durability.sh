#!/bin/bash
# SPDX-License-Identifier: MIT
# What was acknowledged is there after a remount and after the daemon is killed.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u' && rows 1 100 | cat >>"$T/t/rows"
fat_rows 300 >"$T_DIR/fat"
cat "$T_DIR/fat" >>"$T/u/rows"
before=$(cat "$MNT/log")
mtime=$(stat -c %.6Y "$T/t/rows")
mnt_stop

for round in 1 2 3; do
    mnt_start
    is "remount $round: the tables are there" $'t\nu' "$(ls "$T")"
    is "remount $round: small rows are there" "$(rows 1 100)" "$(cat "$T/t/rows")"
    same "remount $round: large rows are there" "$T_DIR/fat" "$T/u/rows"
    is "remount $round: the log is the same" "$before" "$(cat "$MNT/log")"
    is "remount $round: mtime is the same" "$mtime" "$(stat -c %.6Y "$T/t/rows")"
    mnt_stop
done

mnt_start
add t '{"n":101}'
run 'mkdir v; mv u w'
mnt_crash
is 'a killed daemon is unmounted by umount -l' '' "$(t_mounts)"
mnt_start
is 'after a kill the last append is there' '{"n":101}' "$(tail -n 1 "$T/t/rows")"
is 'and the last mkdir and mv' $'t\nv\nw' "$(ls "$T")"
is 'versions go on counting' 7 "$(jq .version "$MNT/info")"
add t '{"n":102}'
is 'and the next commit is the next version' 8 "$(tail -n 1 "$MNT/log" | jq .version)"

add t '{"n":103}'
sys open a "$T/t/rows" write '{"n":104}\n' mark "$T_DIR/written" await "$T_DIR/go" close >"$T_DIR/outcome" &
wait_until 'a writer has written' test -e "$T_DIR/written"
kill -KILL "$(mnt_pid)"
touch "$T_DIR/go"
wait $!
isnt 'a close that finds the daemon dead fails' 'open=ok write=ok mark=ok await=ok close=ok' "$(cat "$T_DIR/outcome")"
t_detach "$MNT"
wait_until 'the killed daemon is gone' eval '[ -z "$(t_daemons)" ]'
mnt_start
is 'what was not closed is not there, what was is' '{"n":103}' "$(tail -n 1 "$T/t/rows")"
done_testing
