#!/bin/bash
# SPDX-License-Identifier: MIT
# Tables: mkdir makes them, mv renames, rmdir and rm -r drop; what the tree lists.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
is 'the root lists six names' $'README\nat\nerrors\nlog\ntables\ntx' "$(ls -A "$MNT")"
ok 'the README has something to say' grep -q tables "$MNT/README"
is 'a new store has no tables' '' "$(ls -A "$T")"
is 'a new store has no commits' 0 "$(commits)"

is 'mkdir makes a table in one commit' 1 "$(commits_of 'mkdir t')"
is 'tables/ lists it' t "$(ls -A "$T")"
is 'it lists rows only' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
is 'rows is an empty regular file' 'regular empty file 0' "$(stat -c '%F %s' "$T/t/rows")"
is 'reading it gives nothing' '' "$(cat "$T/t/rows")"
ok 'info works when named' jq . "$T/t/info"
ok 'the root has one too' jq . "$MNT/info"
fails_with EEXIST 'mkdir of a table that exists is refused' mkdir "$T/t"
ok 'mkdir -p of it succeeds' mkdir -p "$T/t"
fails_with ENOENT 'mkdir in a table that does not exist is refused' mkdir "$T/missing/x"
fails_with ENOENT 'reading a table that does not exist is refused' cat "$T/missing/rows"
fails_with ENOENT 'appending to one is refused' run '/usr/bin/tee -a missing/rows <<< "$R1"'

add t "$R1" "$R2"
is 'mv renames a table in one commit' 1 "$(commits_of 'mv t u')"
is 'it lists under its new name' u "$(ls -A "$T")"
is 'with its rows' '1 2' "$(nums u)"
fails_with ENOENT 'the old name is gone' cat "$T/t/rows"
ok 'the old name can be made again' mkdir "$T/t"
is 'and is empty' '' "$(cat "$T/t/rows")"
fails_with ENOENT 'mv of what does not exist is refused' mv "$T/missing" "$T/x"
fails_with ENOTEMPTY 'mv -T onto a table with rows is refused' run 'mv -T t u'
is 'mv -T onto an empty table replaces it' 1 "$(commits_of 'mv -T u t')"
is 'with the rows' '1 2' "$(nums t)"
is 'one table is left' t "$(ls -A "$T")"
is 'mv into a table is refused' 'mkdir=ok rename=EPERM' "$(sys mkdir "$T/x" rename "$T/x" "$T/t/x")"

fails_with ENOTEMPTY 'rmdir of a table with rows is refused' rmdir "$T/t"
is 'and loses nothing' '1 2' "$(nums t)"
is 'rmdir drops an empty one in one commit' 1 "$(commits_of 'rmdir x')"
is 'it is gone' t "$(ls -A "$T")"
fails_with ENOENT 'rmdir of what does not exist is refused' rmdir "$T/x"
ok 'rm -r drops a table with rows' rm -r "$T/t"
is 'it is gone, too' '' "$(ls -A "$T")"
ok 'a table of the same name can be made' mkdir "$T/t"
is 'and has none of the old rows' '' "$(cat "$T/t/rows")"
add t "$R3"
is 'rm rows deletes all rows in one commit' 1 "$(commits_of 'rm t/rows')"
is 'the table stays, empty' 'rows schema 0' "$(ls "$T/t" | paste -sd' ') $(stat -c %s "$T/t/rows")"
ok 'now rmdir drops it' rmdir "$T/t"

ok 'mkdir -p makes a table' mkdir -p "$T/p"
is 'its maker sees no rows until it makes them' \
    "mkdir=ok stat=ENOENT open=ok write=ok close=ok stat=ok" \
    "$(sys mkdir "$T/m" stat "$T/m/rows" open x "$T/m/rows" write "$R1\n" close stat "$T/m/rows")"
is 'another process sees them at once' 'mkdir=ok stat=ok' \
    "$(sys mkdir "$T/o" | tr -d '\n') $(sys stat "$T/o/rows")"
is 'who removes rows sees none and may make them' \
    "unlink=ok stat=ENOENT open=ok write=ok close=ok" \
    "$(sys unlink "$T/m/rows" stat "$T/m/rows" open x "$T/m/rows" write "$R2\n" close)"
is 'with what it wrote' 2 "$(nums m)"
is 'a second exclusive create is refused' 'open=EEXIST' "$(sys open x "$T/m/rows")"
is 'a store with all this remounts to the same' $'m\no\np' "$(mnt_stop && mnt_start && ls "$T")"
done_testing
