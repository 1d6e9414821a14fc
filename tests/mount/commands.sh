#!/bin/bash
# SPDX-License-Identifier: MIT
# The command line: mount, unmount, help, and what is refused.
. "$(dirname "$0")/../lib/mount.sh"
cd "$T_DIR" || exit 1

rowfs() { timeout 30 "$ROWFS" "$@"; }

ok '--help succeeds' rowfs --help
help=$(rowfs --help)
for word in mount unmount -f ro allow_other default_permissions uid= gid= umask= \
    row_limit= tx_limit= scratch_limit= trust_close nonempty; do
    like "--help names $word" "(^|[^a-z])$word" "$help"
done
ok '--version succeeds' rowfs --version
like '--version prints a version' '[0-9]+\.[0-9]+' "$(rowfs --version)"

mkdir mnt
fails 'no arguments are refused' rowfs
fails 'an unknown command is refused' rowfs mend "$STORE" mnt
fails 'mount without a mount point is refused' rowfs mount "$STORE"
fails 'mount of three things is refused' rowfs mount "$STORE" mnt mnt
fails 'an unknown switch is refused' rowfs mount --wrong "$STORE" mnt
fails 'unmount without a mount point is refused' rowfs unmount
fails 'unmount of what is not mounted is refused' rowfs unmount mnt
for opt in row_limit= row_limit=0 row_limit=12X row_limit=1KK row_limit=-1 \
    row_limit=8388608T tx_limit=lots tx_timeout=1K tx_timeout=1hh tx_timeout=4294967295d \
    umask=9 uid=-2 ro=5 wrong=1 wrong; do
    fails "-o $opt is refused" rowfs mount "$STORE" mnt -o "$opt"
done
like 'the refusal names the option' wrong "$(cat .out)"
is 'a refused mount leaves nothing mounted' '' "$(t_mounts)"

rm -rf "$STORE"
ok 'a missing store is made' rowfs mount "$STORE" mnt
ok 'mount returns when the mount is usable' test -s mnt/README
ok 'the store says what it is' test -s "$STORE/rowfs.json"
fails 'a mounted mount point is refused' rowfs mount "$STORE" mnt
pid=$(jq .pid mnt/info)
ok 'unmount succeeds' rowfs unmount mnt
ok 'when unmount returns, the daemon is gone' t_is_gone "$pid"
is 'and so is the mount' '' "$(t_mounts)"

mkdir empty full
ok 'an empty store is initialised' rowfs mount empty mnt
ok 'relative paths work' mkdir mnt/tables/t
pid=$(jq .pid mnt/info)
ok 'umount(8) works too' umount "$T_DIR/mnt"
wait_until 'after umount(8) the daemon ends' t_is_gone "$pid"
ok 'the store can be mounted again' rowfs mount empty mnt
is 'and holds its table' t "$(ls mnt/tables)"
ok 'and unmounted' rowfs unmount mnt/

echo precious >full/file
fails 'a store directory with something else in it is refused' rowfs mount full mnt
is 'and left alone' file "$(ls -A full)"
fails 'a store that is a file is refused' rowfs mount full/file mnt
fails 'a missing mount point is refused' rowfs mount "$STORE" missing
isnt 'a refusal says why' '' "$(cat .out)"
fails 'a mount point that is a file is refused' rowfs mount "$STORE" full/file
fails 'a mount point that is not empty is refused' rowfs mount "$STORE" full
is 'what was refused is not mounted' '' "$(t_mounts)"
ok 'with nonempty it is not' rowfs mount "$STORE" full -o nonempty
ok 'and shows the mount' test -s full/README
ok 'unmounting it succeeds' rowfs unmount full
is 'shows what was there again' file "$(ls full)"

odd='a store, with=signs\ and "quotes"'
mkdir 'odd, mnt'
ok 'odd names mount' rowfs mount "$odd" 'odd, mnt'
ok 'and unmount' rowfs unmount 'odd, mnt'

ok 'output can be piped: the daemon keeps no pipe open' \
    timeout 20 sh -c '"$ROWFS" mount "$1" mnt 2>&1 | cat' - "$STORE"
ok 'and it works' test -s mnt/README
is 'the daemon does not hold the working directory' "" \
    "$(readlink "/proc/$(jq .pid mnt/info)/cwd" | grep rowfs-test)"
rowfs unmount mnt

"$ROWFS" mount "$STORE" mnt -f >foreground 2>&1 &
wait_until '-f mounts' test -s mnt/README
is '-f stays in the foreground' $! "$(jq .pid mnt/info)"
kill -TERM $!
wait $!
is 'SIGTERM is an orderly end' 0 $?
is 'that unmounts' '' "$(t_mounts)"
# A shell makes its background jobs ignore SIGINT.
perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$ROWFS" mount "$STORE" mnt -f >foreground 2>&1 &
wait_until '-f mounts again' test -s mnt/README
kill -INT $!
wait $!
is 'so is SIGINT' 0 $?
is 'it unmounts, too' '' "$(t_mounts)"

done_testing
