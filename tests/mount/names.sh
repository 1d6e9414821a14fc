#!/bin/bash
# SPDX-License-Identifier: MIT
# Which names a table may have, and where nothing can be made.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t' && add t "$R1"

n255=$(printf '%0255d' 0)
for name in 'with space' 'a%b' '-dash' '.hidden' '...' 'quo"te' "quo'te" 'back\slash' \
    'Ünï-✓-表' 'a.b' '~' '*' 'a,b=c' rows info log "$n255"; do
    ok "a table may be called ${name:0:20}" mkdir -- "$T/$name"
    printf '%s\n' "$R1" | cat >>"$T/$name/rows"
    is 'and holds rows' "$R1" "$(cat "$T/$name/rows")"
    is 'and info knows its name' "$name" "$(jq -r .table "$T/$name/info")"
done
listed=$(ls -A "$T" | sort)
mnt_stop
mnt_start
is 'they are all there after a remount' "$listed" "$(ls -A "$T" | sort)"
is 'and listed once each' 18 "$(wc -l <<<"$listed")"

before=$(commits)
for name in $'new\nline' $'tab\t' $'\x01' $'esc\e' $'del\x7f' $'\xff' $'bad\xc3' \
    $'overlong\xc0\xaf' $'surrogate\xed\xa0\x80'; do
    is "a table may not be called $(printf %q "$name")" mkdir=EINVAL "$(sys mkdir "$T/$name")"
    is 'nor looked up' stat=ENOENT "$(sys stat "$T/$name")"
    is 'nor renamed to' rename=EINVAL "$(sys rename "$T/t" "$T/$name")"
done
is 'a name of 256 bytes is too long' mkdir=ENAMETOOLONG "$(sys mkdir "$T/${n255}0")"
is 'also for 86 characters of 3 bytes' mkdir=ENAMETOOLONG \
    "$(sys mkdir "$T/$(printf '表%.0s' {1..86})")"
is 'but 85 of them fit' mkdir=ok "$(sys mkdir "$T/$(printf '表%.0s' {1..85})")"
is 'nor may a rename make a name of 256 bytes' rename=ENAMETOOLONG "$(sys rename "$T/t" "$T/${n255}0")"
is 'nor can a lookup find one' ENOENT \
    "$(sys stat "$T/${n255}0" | sed 's/stat=//; s/ENAMETOOLONG/ENOENT/')"

is 'no directory in a table' mkdir=EPERM "$(sys mkdir "$T/t/sub")"
is 'no directory in the root' mkdir=EPERM "$(sys mkdir "$MNT/sub")"
is 'no file in tables/' open=EPERM "$(sys open w "$T/file")"
is 'no file in the root' open=EPERM "$(sys open w "$MNT/file")"
is 'no symbolic link' 'symlink=EPERM symlink=EPERM symlink=EPERM' \
    "$(sys symlink t "$T/l" symlink x "$T/t/l" symlink x "$MNT/l")"
is 'no hard link' 'link=EPERM link=EPERM' "$(sys link "$T/t/rows" "$T/t/l" link "$MNT/README" "$MNT/l")"
is 'no pipe' 'mkfifo=EPERM mkfifo=EPERM' "$(sys mkfifo "$T/t/p" mkfifo "$MNT/p")"
for name in README log errors info; do
    is "$name cannot be removed" unlink=EPERM "$(sys unlink "$MNT/$name")"
    like "$name cannot be written" '^open=(EPERM|EACCES)$' "$(sys open wo "$MNT/$name")"
    is "$name cannot be renamed" rename=EPERM "$(sys rename "$MNT/$name" "$MNT/other")"
done
like 'info of a table cannot be removed or written' '^unlink=EPERM open=(EPERM|EACCES)$' \
    "$(sys unlink "$T/t/info" open wo "$T/t/info")"
is 'tables/ cannot be removed or renamed' 'rmdir=EPERM rename=EPERM' \
    "$(sys rmdir "$T" rename "$T" "$MNT/x")"
is 'a table cannot leave tables/' rename=EPERM "$(sys rename "$T/t" "$MNT/t")"
is 'rows cannot leave its table' rename=EPERM "$(sys rename "$T/t/rows" "$MNT/rows")"
is 'rows is not a directory' 'mkdir=ENOTDIR rmdir=ENOTDIR' "$(sys mkdir "$T/t/rows/x" rmdir "$T/t/rows")"
is 'a table is not a file' 'unlink=EISDIR open=EISDIR' "$(sys unlink "$T/t" open wo "$T/t")"
is 'a name that nobody knows is not there' stat=ENOENT "$(sys stat "$MNT/nothing")"
is 'of all these one was a commit' $((before + 1)) "$(commits)"
is 'and no row was harmed' 1 "$(nums t)"
done_testing
