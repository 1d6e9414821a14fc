#!/bin/bash
# SPDX-License-Identifier: MIT
# A damaged store: the object is named, no wrong or shortened row is ever shown,
# what does not need the object is there.
. "$(dirname "$0")/../lib/mount.sh"

good=$T_DIR/good STORE=$T_DIR/good
mnt_start
run 'mkdir t u'                        # records 1 and 2
fat_rows 300 t | cat >>"$T/t/rows"     # 3, and a segment
fat_rows 300 u | cat >>"$T/u/rows"     # 4, and a segment
run 'echo "{\"n\":2}" >> u/rows'       # 5
run 'echo "{\"n\":2,\"inlined\":1}" >> t/rows' # 6
dd if="$T/t/rows" of="$T_DIR/t" status=none
dd if="$T/u/rows" of="$T_DIR/u" status=none
mnt_stop
segment=$(cd "$good" && grep -l '"t":"t"' -r data | grep 'ndjson$' | head -n 1)
index=${segment%.ndjson}.idx
record() { printf 'log/%020d.ndjson' "$1"; }
ok 'the store has the segment, its index and the records' \
    test -s "$good/$segment" -a -s "$good/$index" -a -s "$good/$(record 1)" -a -s "$good/$(record 6)"

# DAMAGE is a command that gets the object as its last argument. u must be
# readable when WHAT is t, nothing need be when it is all.
damaged() { # TEXT WHAT OBJECT DAMAGE...
    local text=$1 what=$2 object=$3 said name
    STORE=$T_DIR/damaged
    rm -rf "$STORE"
    cp -a "$good" "$STORE"
    "${@:4}" "$STORE/$object"
    name=$(basename "$object")
    name=${name%.*}
    case $object in log/*) name="$name|record $((10#$name))([^0-9]|\$)" ;; esac
    if mnt_try mnt; then
        said=$(cat "$T/t/rows" 2>&1 >"$T_DIR/read")
        isnt "$text: reading fails" 0 $?
        like '  with EIO' "$(strerror EIO)" "$said"
        ok '  what was read before is right' cmp -n "$(stat -c %s "$T_DIR/read")" "$T_DIR/read" "$T_DIR/t"
        said="$(cat "$MNT/errors")"
        if [ "$what" = t ]; then
            same '  the other table is readable' "$T_DIR/u" "$T/u/rows"
            ok '  and can be appended to' run 'echo "{}" | cat >> u/rows'
        fi
        mnt_stop
    else
        said=$(cat "$T_DIR/.said")
        is "$text: the mount is refused" all "$what"
        is '  and nothing is mounted' '' "$(t_mounts)"
    fi
    like '  and the object is named' "$name" "$said"
}

middle() { echo $(($(stat -c %s "$good/$1") / 2)); }
at() { flip "$2" "$1"; } # OFFSET FILE

damaged 'a bit of a segment' t "$segment" at "$(middle "$segment")"
damaged 'the first bit of a segment' t "$segment" at 5
damaged 'the last bit of a segment' t "$segment" at $(($(stat -c %s "$good/$segment") - 2))
damaged 'a digit of a segment, so that it is still JSON' t "$segment" sed -i '150s/"n":150/"n":151/'
damaged 'a segment cut short' t "$segment" truncate -s -1000
damaged 'a segment cut to nothing' t "$segment" truncate -s 0
damaged 'a missing segment' t "$segment" rm
damaged 'a bit of an index' t "$index" at "$(middle "$index")"
damaged 'the first bit of an index' t "$index" at 0
damaged 'an index cut short' t "$index" truncate -s -8
damaged 'a missing index' t "$index" rm
for n in 1 3 5 6; do
    damaged "a bit of record $n" all "$(record $n)" at "$(middle "$(record $n)")"
    damaged "the first bit of record $n" all "$(record $n)" at 0
    damaged "record $n cut short" all "$(record $n)" truncate -s -3
    damaged "record $n cut to nothing" all "$(record $n)" truncate -s 0
done
damaged 'an inlined row that is still JSON' all "$(record 6)" sed -i 's/"inlined":1/"inlined":2/'
damaged 'a missing record in the middle' all "$(record 4)" rm
damaged 'a missing first record' all "$(record 1)" rm
swap() { cp "$good/$(record 2)" "$1"; }
damaged 'a record that is another one' all "$(record 4)" swap

refused() { # TEXT REGEX DAMAGE...: with rowfs.json damaged, the mount is refused and says REGEX
    STORE=$T_DIR/damaged
    rm -rf "$STORE"
    cp -a "$good" "$STORE"
    "${@:3}" "$STORE/rowfs.json"
    fails "refused: $1" mnt_try mnt
    like '  and says why' "$2" "$(cat "$T_DIR/.said")"
    is '  and mounts nothing' '' "$(t_mounts)"
}

# The first 43 bytes are the checksum of the others (core/store/sealed.h).
newer() {
    tail -c +44 "$good/rowfs.json" | sed -E 's/"format":[0-9]+/"format":999/' >"$T_DIR/body"
    printf '{"xxh3":"%s",' "$(xxhsum -H2 <"$T_DIR/body" | cut -d' ' -f1)" | cat - "$T_DIR/body" >"$1"
}
if have xxhsum 'a store of a newer format'; then
    refused 'a store of a newer format' 'format.*999|newer' newer
fi
refused 'rowfs.json that is not JSON' 'rowfs\.json' at 0
refused 'rowfs.json cut to nothing' 'rowfs\.json' truncate -s 0
refused 'a store without rowfs.json' 'rowfs\.json|empty|not a rowfs' rm

STORE=$good
mnt_start
same 'the undamaged store is readable' "$T_DIR/t" "$T/t/rows"
# A segment that is damaged under a living mount.
mnt_stop
STORE=$T_DIR/damaged
rm -rf "$STORE" && cp -a "$good" "$STORE"
mnt_start
flip "$STORE/$segment" 150000
fails_with EIO 'damage under a living mount is found, too' cat "$T/t/rows"
same 'the other table is readable' "$T_DIR/u" "$T/u/rows"
done_testing
