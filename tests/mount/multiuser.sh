#!/bin/bash
# SPDX-License-Identifier: MIT
# Several users: allow_other, uid, gid, umask; what belongs to a caller alone.
. "$(dirname "$0")/../lib/mount.sh"

if [ "$(id -u)" != 0 ] || ! setpriv --reuid=65534 --regid=65534 --clear-groups true; then
    skip 'several users' 'needs root and setpriv(1)'
    done_testing
fi

as() { # UID SNIPPET [ARG...]: in a bash of that user, cwd is $T
    (cd / && exec timeout -k 5 30 setpriv --reuid="$1" --regid="$1" --clear-groups \
        bash -c 'cd "$T" && eval "$1"' sh "$2" "${@:3}")
}
as_nobody() { as 65534 "$@"; }

mnt_start
run 'mkdir t' && add t "$R1"
fails_with EACCES 'without allow_other nobody else gets in' as_nobody 'cat t/rows'
fails 'not even to look' as_nobody 'stat t'
mnt_stop

mnt_start mnt allow_other,umask=022
is 'umask=022: these are the modes' '755 755 644' "$(stat -c %a "$T" "$T/t" "$T/t/rows" | paste -sd' ')"
ok 'another user may read' as_nobody 'grep -q 1 t/rows && ls -l t && cat t/info ../log ../README'
while read -r snippet; do
    fails_with EACCES "but not: $snippet" as_nobody "$snippet"
done <<'EOT'
/usr/bin/tee -a t/rows <<< "$R2"
echo "$R2" > t/rows
echo "$R2" >> t/stream
mkdir v
rmdir t
mv t v
rm -f t/rows
touch t/draft
EOT
fails 'nor change a mode' as_nobody 'chmod 777 t/rows'
fails 'nor an owner' as_nobody 'chown 65534 t'
is 'nothing has changed' 't 1' "$(ls "$T") $(nums t)"
mnt_stop

mnt_start mnt allow_other,umask=077
is 'umask=077: these are the modes' '700 700 600' "$(stat -c %a "$T" "$T/t" "$T/t/rows" | paste -sd' ')"
fails_with EACCES 'another user may not read' as_nobody 'cat t/rows'
mnt_stop

mnt_start mnt allow_other,default_permissions,umask=027,gid=4242
is 'umask=027,gid=4242: these are modes and owners' '0:4242:750 0:4242:640' \
    "$(stat -c %u:%g:%a "$T/t" "$T/t/rows" | paste -sd' ')"
fails_with EACCES 'a stranger may not read' as_nobody 'cat t/rows'
ok 'one of the group may' as 4242 'cat t/rows'
fails_with EACCES 'but not write' as 4242 'echo "$R2" >> t/rows'
mnt_stop

mnt_start mnt allow_other,uid=65534,gid=65534,umask=077
is 'uid= and gid=: these are modes and owners' '65534:65534:700 65534:65534:600' \
    "$(stat -c %u:%g:%a "$T/t" "$T/t/rows" | paste -sd' ')"
ok 'the owner may read and write' as_nobody 'echo "$R2" >> t/rows && mkdir u && grep -q 2 t/rows && sed -i s/1/3/ t/rows'
is 'and did' '3 2' "$(nums t)"
fails_with EACCES 'a stranger may not' as 4242 'cat t/rows'
ok 'chown to the present owner succeeds' chown 65534:65534 "$T/t/rows"
mnt_stop

mnt_start mnt allow_other,umask=000
is 'umask=000: these are the modes' '777 777 666' "$(stat -c %a "$T" "$T/t" "$T/t/rows" | paste -sd' ')"
ok 'everybody may write' as_nobody 'echo "$R1" >> t/rows'
ok 'and make a table' as_nobody 'mkdir v && echo "$R1" > v/rows'
is 'both are there' '3 2 1 1' "$(nums t) $(nums v)"
is 'rows that another user made belong to the mount all the same' 0:0 "$(stat -c %u:%g "$T/v/rows")"

is 'failure is an abort for other users, too' '3 2 1 | 3 2 1' "$(
    as_nobody 'exec 3>> t/rows; /bin/cat v/rows >&3; exit 3'
    first=$(nums t)
    as_nobody 'exec 3> t/rows; /bin/cat v/rows >&3; kill -9 $$' 2>/dev/null
    echo "$first | $(nums t)"
)"
mine=$(refusals)
as_nobody 'echo "$BAD" | cat >> t/rows' 2>/dev/null
is 'a refusal is in the errors of the caller' EINVAL \
    "$(as_nobody 'tail -n 1 ../errors | jq -r .errno')"
is 'and in nobody else'"'"'s' "$mine" "$(refusals)"
theirs=$(as_nobody 'wc -l < ../errors')
run 'echo "$BAD" | cat >> t/rows' 2>/dev/null
is 'root has its own' $((mine + 1)) "$(refusals)"
is 'that others do not see' "$theirs" "$(as_nobody 'wc -l < ../errors')"
is 'each sees the size of what it can read' "$(as_nobody 'wc -c < ../errors')" "$(as_nobody 'cat ../errors | wc -c')"

run 'echo secret > t/draft'
is 'a scratch file is listed for who made it' 'draft rows schema' "$(ls -A "$T/t" | paste -sd' ')"
is 'for nobody else' 'rows schema' "$(as_nobody 'ls -A t' | paste -sd' ')"
fails 'nobody else can read it' as_nobody 'cat t/draft'
fails 'nor remove it' as_nobody 'rm t/draft'
fails 'nor make it the rows' as_nobody 'mv t/draft t/rows'
ok 'another user may have one of the same name' as_nobody 'echo "$R3" > t/draft && grep -q 3 t/draft'
is 'the first is what it was' secret "$(cat "$T/t/draft")"
ok 'each renames its own' as_nobody 'mv t/draft t/rows'
is 'with its contents' 3 "$(nums t)"
is 'the other one is still there' secret "$(cat "$T/t/draft")"
done_testing
