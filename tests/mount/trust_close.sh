#!/bin/bash
# SPDX-License-Identifier: MIT
# A caller whose end the daemon cannot see (it has another pid namespace) may
# not open for writing, unless the mount says trust_close.
. "$(dirname "$0")/../lib/mount.sh"

if ! unshare --pid --fork true 2>/dev/null; then
    skip 'who may write' 'needs root and unshare(1)'
    done_testing
fi

MNT=$T_DIR/mnt T=$MNT/tables
mkdir "$MNT"
mnt_start
run 'mkdir t; echo "$R1" >> t/rows'
mnt_stop

isolated() { # [OPTION...]: the daemon in a namespace of its own
    unshare --pid --fork --kill-child "$ROWFS" mount "$STORE" "$MNT" -f "$@" >"$T_DIR/.said" 2>&1 &
    wait_until 'the mount is usable' test -s "$MNT/README"
}

isolated
is 'reading is allowed' 1 "$(nums t)"
fails 'appending is refused at open' run ': >> t/rows'
fails 'so is replacing' run 'echo "$R2" > t/rows'
is 'nothing was written' 1 "$(nums t)"
isnt 'errors has the reason' '' "$(last_refusal reason)"
umount "$MNT"
wait $!

isolated -o trust_close
ok 'with trust_close it is allowed' run 'echo "$R2" >> t/rows'
is 'and commits' '1 2' "$(nums t)"
echo "$R1" >"$T_DIR/twelve"; echo "$R2" >>"$T_DIR/twelve"
ok 'also a group' run '{ cat "$1"; cat "$1"; } >> t/rows' "$T_DIR/twelve"
is 'at its close' '1 2 1 2 1 2' "$(nums t)"
fails 'bad rows are still refused' run 'echo "$BAD" | cat >> t/rows'
umount "$MNT"
wait $!

mnt_start mnt trust_close
ok 'trust_close is an option for any mount' run 'echo "$R3" >> t/rows'
is 'which commits' '1 2 1 2 1 2 3' "$(nums t)"
done_testing
