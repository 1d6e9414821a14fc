#!/bin/bash
# SPDX-License-Identifier: MIT
# -o ro, and that reading writes nothing to the store.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u' && add t "$R1" "$R2"
fat_rows 300 | cat >>"$T/u/rows"
mnt_stop

read_all() { # everything that a reader can do
    cd "$MNT" || return
    cat README log errors info tables/*/rows tables/*/info
    ls -lR .
    find . -printf '%p %s %t %m %u\n'
    grep -rc n .
    tail -n 1 tables/t/rows
    tail -c 100000 tables/u/rows
    stat tables/t/rows tables/missing tables/t/missing
    df .
    tar c . | wc -c
    cp -r . "$T_DIR/copy"
    wc -l tables/*/rows
    cat tables/missing/rows
    cd / || return
    rm -rf "$T_DIR/copy"
} >"$T_DIR/reading" 2>&1

before=$(stored "$STORE")
mnt_start mnt ro
is 'the rows are there' '1 2' "$(nums t)"
while read -r snippet; do
    fails_with EROFS "refused: $snippet" run "$snippet"
done <<'EOT'
mkdir v
rmdir t
mv t v
rm t/rows
rm -r t
rm -f t/rows
/usr/bin/touch t/rows
touch t/scratch
cp ../README t/scratch
echo "$R1" >> t/rows
echo "$R1" > t/rows
: > t/rows
: >> t/rows
truncate -s 0 t/rows
cp t/rows u/rows
tee -a t/rows < u/rows
dd if=t/rows of=u/rows
mv t/rows u/rows
sed -i s/1/2/ t/rows
sort -o t/rows t/rows
ln -s t v
chmod 700 t
EOT
is 'stream cannot be written' open=EROFS "$(sys open a "$T/t/stream")"
is 'nor rows opened for reading and writing' open=EROFS "$(sys open rw "$T/t/rows")"
for shell in bash dash 'busybox sh' zsh ksh; do
    have "${shell%% *}" "$shell" || continue
    SH=$shell fails "$shell: > and >> are refused" run 'echo "$R1" > t/rows || echo "$R1" >> t/rows'
done
read_all
is 'the mount puts nothing' '0 0' "$(jq -r '.operations | "\(.put) \(.remove)"' "$MNT/info")"
mnt_stop
is 'a read-only mount leaves the store as it was' "$before" "$(stored "$STORE")"

mnt_start
before=$(stored "$STORE")
puts=$(jq .operations.put "$MNT/info")
read_all
is 'reading puts nothing' "$puts" "$(jq .operations.put "$MNT/info")"
mnt_stop
is 'a read-only pass over a writable mount writes nothing to the store' "$before" "$(stored "$STORE")"

mnt_start rw
RW=$T
mnt_start mnt ro
add t "$R3" 2>/dev/null
is 'a read-only mount cannot append' '1 2' "$(nums t)"
echo "$R3" | cat >>"$RW/t/rows"
is 'but sees what another mount appends' '1 2 3' "$(nums t)"
mkdir "$RW/v"
is 'and creates' "$(ls "$RW")" "$(ls "$T")"
mnt_stop rw
mnt_stop

if [ "$(id -u)" = 0 ] && mkdir "$T_DIR/frozen" && mount --bind "$STORE" "$T_DIR/frozen" &&
    mount -o remount,bind,ro "$T_DIR/frozen"; then
    STORE=$T_DIR/frozen
    mnt_start mnt ro
    is 'a store on a read-only file system can be mounted' '1 2 3' "$(nums t)"
    mnt_stop
    if mnt_try mnt; then
        fails 'a writable mount of it refuses to write' run 'cat u/rows >> t/rows'
        is 'and shows the rows' '1 2 3' "$(nums t)"
        mnt_stop
    else
        isnt 'a writable mount of it is refused with a reason' '' "$(cat "$T_DIR/.said")"
    fi
    umount "$T_DIR/frozen"
fi
done_testing
