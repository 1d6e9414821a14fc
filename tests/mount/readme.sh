#!/bin/bash
# SPDX-License-Identifier: MIT
# The transcript of README.md, run again: every line of it is what a shell prints.
. "$(dirname "$0")/../lib/mount.sh"

readme=$(cd "$(dirname "$0")/../.." && pwd)/README.md
work=$T_DIR/readme
mkdir -p "$work/mnt" "$work/bin"
ln -s "$ROWFS" "$work/bin/rowfs"

# What stands between ```console and ```.
sed -n '/^```console$/,/^```$/p' "$readme" | grep -v '^```' >"$T_DIR/expected"
ok 'the README has a transcript' test -s "$T_DIR/expected"

# One bash, named as in the transcript, runs its commands; a group that exits is its own.
sed -n 's/^\$ //p' "$T_DIR/expected" >"$T_DIR/commands"
(
    cd "$work" || exit 1
    PATH=$work/bin:$PATH
    while IFS= read -r command <&3; do
        printf '$ %s\n' "$command"
        timeout 30 bash -c "$command" bash 2>&1 | sed 's/^bash: line [0-9]*: /bash: /'
    done
) 3<"$T_DIR/commands" >"$T_DIR/printed"
diff "$T_DIR/expected" "$T_DIR/printed" | sed 's/^/# /'
same 'it prints what the README says' "$T_DIR/expected" "$T_DIR/printed"
# The function that it shows, used by four processes at once.
sed -n '/^```bash$/,/^```$/p' "$readme" | sed '1d;$d' >"$T_DIR/transfer"
ok 'the README shows a loop' test -s "$T_DIR/transfer"
(
    PATH=$work/bin:$PATH
    cd "$work" && rowfs mount store mnt && . "$T_DIR/transfer" || exit
    for i in 1 2 3 4; do
        for ((n = 0; n < 5; n++)); do transfer ann bob 1 || echo "transfer $i.$n failed"; done &
    done
    wait
    cat mnt/tables/accounts/rows
    transfer ann bob '"no number"' 2>/dev/null || echo refused
    rowfs unmount mnt
) >"$T_DIR/printed" 2>"$T_DIR/said"
is 'no transfer of twenty is lost' '{"name":"ann","euro":50} {"name":"bob","euro":50} refused' "$(paste -sd' ' "$T_DIR/printed")"
is 'and left no mount behind' '' "$(t_mounts)"
done_testing
