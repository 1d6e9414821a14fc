#!/bin/bash
# SPDX-License-Identifier: MIT
# mount(8) and fstab: they call rowfs STORE MOUNTPOINT -o rw,dev,suid,...
. "$(dirname "$0")/../lib/mount.sh"

MNT=$T_DIR/mnt T=$MNT/tables
mkdir "$MNT"

ok 'rowfs STORE MOUNTPOINT mounts' timeout 30 "$ROWFS" "$STORE" "$MNT"
ok 'and is usable at once' run 'mkdir t && echo "$R1" >> t/rows'
mnt_stop
ok 'with options too' timeout 30 "$ROWFS" "$STORE" "$MNT" -o rw,umask=077
is 'which take effect' 600 "$(stat -c %a "$T/t/rows")"
mnt_stop
fails 'an unknown option is refused' timeout 30 "$ROWFS" "$STORE" "$MNT" -o wrong
ok 'what mount(8) adds by itself is accepted' timeout 30 \
    "$ROWFS" "$STORE" "$MNT" -o rw,dev,suid,nodev,nosuid,noexec,noatime
mnt_stop

text='mount -t fuse works'
if [ "$(id -u)" = 0 ] && have mount.fuse3 "$text"; then
    # With rowfs installed this is: mount -t fuse.rowfs STORE MNT. The helper searches
    # the system's own PATH only, so a binary that is not there is named in full.
    ok "$text" timeout 30 mount -t fuse -o umask=027 "$ROWFS#$STORE" "$MNT"
    is 'its options take effect' 640 "$(stat -c %a "$T/t/rows")"
    is 'its rows are there' 1 "$(nums t)"
    mnt_stop
    echo "$ROWFS#$STORE $MNT fuse noauto,ro 0 0" >"$T_DIR/fstab"
    ok 'an fstab line works' timeout 30 mount -T "$T_DIR/fstab" "$MNT"
    is 'its rows are there' 1 "$(nums t)"
    fails_with EROFS 'its ro takes effect' run 'echo "$R2" >> t/rows'
    like 'the mount is called rowfs' "fuse.*rowfs|rowfs.*fuse" "$(grep -F "$MNT" /proc/self/mountinfo)"
fi
done_testing
