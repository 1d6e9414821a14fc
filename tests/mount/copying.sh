#!/bin/bash
# SPDX-License-Identifier: MIT
# Copies in and out: cp, mv, install, tar, rsync; and what walks the tree.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export D=$T_DIR
rows 1 5 >"$D/five"
fat_rows 500 >"$D/fat"
run 'mkdir t u; cat $D/five > t/rows; cat $D/fat > u/rows'
mode=$(stat -c %a "$T/t/rows")
chmod "$mode" "$D/five" "$D/fat"

ok 'cp over rows replaces them' run 'cp $D/five u/rows && cmp $D/five u/rows'
ok 'cp into the table directory, as rows' run 'mkdir c && cp $D/five c/rows && cmp $D/five c/rows'
ok 'cp -p too' run 'cp -p $D/fat c/rows && cmp $D/fat c/rows'
ok 'cp from one table to another' run 'cp t/rows u/rows && cmp t/rows u/rows'
ok 'cp --remove-destination' run 'cp --remove-destination $D/fat u/rows && cmp $D/fat u/rows'
ok 'install' run 'install -m "$1" $D/five c/rows && cmp $D/five c/rows' "$mode"
ok 'install of a new file' run 'mkdir i && install -m "$1" $D/five i/rows && cmp $D/five i/rows' "$mode"
ok 'mv of a file from elsewhere' run 'cp $D/fat $D/moved && mv $D/moved c/rows && cmp $D/fat c/rows'
ok 'the file has moved' test ! -e "$D/moved"

ok 'cp -r copies a table out' run 'cp -r t $D/t && diff -r t $D/t'
ok 'cp -r copies all tables out' run 'cp -r . $D/all && diff -r . $D/all'
ok 'cp -a too' run 'cp -a . $D/archive && diff -r . $D/archive'
ok 'cp -r copies a table in' run 'cp -r $D/t back && diff -r back $D/t'
ok 'cp -a does' run 'cp -a $D/archive/u exact && diff -r exact u'
ok 'cp -r copies a table beside itself' run 'cp -r u twin && diff -r u twin'
ok 'mv of a table from elsewhere' run 'cp -a $D/archive/t $D/mine && mv $D/mine mine && diff -r mine t'
ok 'mv of a table to elsewhere' run 'mv mine $D/gone && diff -r $D/gone t && ! test -e mine'
ok 'rm -r drops them' run 'rm -r back exact twin c i'
is 'and leaves the others' $'t\nu' "$(ls "$T")"

ok 'tar c' run 'tar cf $D/all.tar t u'
ok 'tar x elsewhere' run 'mkdir $D/x && tar xf $D/all.tar -C $D/x && diff -r . $D/x'
ok 'tar x over what is there' run 'echo "$R1" >> t/rows && tar xf $D/all.tar && diff -r . $D/x'
ok 'tar x of what is not' run 'rm -r t u && tar xf $D/all.tar && diff -r . $D/x'
ok 'tar through a pipe' run 'tar c t | (mkdir $D/p && tar x -C $D/p) && diff -r t $D/p/t'
ok 'busybox tar' run 'rm -r t && busybox tar xf $D/all.tar t && diff -r t $D/x/t'
if have cpio 'cpio'; then
    ok 'cpio' run 'rm -r t && (cd $D/x && find t | cpio -o --quiet) | cpio -id --quiet && diff -r t $D/x/t'
fi

if have rsync 'rsync'; then
    ok 'rsync -a of a table in' run 'rsync -a $D/x/t/ t/ && diff -r t $D/x/t'
    ok 'rsync -a of changed rows' run 'cp $D/five $D/x/u/rows && rsync -a $D/x/u . && diff -r u $D/x/u'
    ok 'rsync -a of a new table' run 'rsync -a $D/x/u/ v/ && diff -r v u'
    ok 'rsync -a out' run 'rsync -a ./ $D/y/ && diff -r . $D/y'
    is 'rsync -a again has nothing to do' '' "$(run 'rsync -ai ./ $D/y/')"
    is 'nor in the other direction' '0 ' "$(commits_of 'rsync -a $D/y/ ./') $(run 'rsync -ai --omit-dir-times $D/y/ ./')"
    run 'rm -r v'
fi

put t '{"n":1,"mark":"needle"}' "$R2"
cd "$MNT" || exit 1
is 'grep -r over the mount ends and meets each row once' './tables/t/rows:{"n":1,"mark":"needle"}' \
    "$(timeout 20 grep -r needle .)"
is 'find ends and lists what there is' \
    '. ./README ./at ./errors ./log ./tables ./tables/t ./tables/t/rows ./tables/t/schema ./tables/u ./tables/u/rows ./tables/u/schema ./tx' \
    "$(timeout 20 find . | sort | paste -sd' ')"
is 'find knows files from directories' 7 "$(timeout 20 find . -type f | wc -l)"
is 'ls -R ends, too' 1 "$(timeout 20 ls -R . | grep -c '^./tables/u:')"
ok 'du counts' timeout 20 du -sb .
ok 'a copy of the whole mount can be made' timeout 20 cp -r . "$D/whole"
done_testing
