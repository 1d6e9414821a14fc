#!/bin/bash
# SPDX-License-Identifier: MIT
# The same things in every shell.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
rows 1 3 >"$T_DIR/a"
rows 4 6 >"$T_DIR/b"
export A=$T_DIR/a B=$T_DIR/b
run 'mkdir t'

cases() { # reads lines of: what the rows 4 5 6 become|snippet
    local want snippet
    while IFS='|' read -r want snippet; do
        cp "$B" "$T/t/rows"
        run "$snippet" >/dev/null 2>&1 </dev/null
        is "$SH: $snippet" "$want" "$(nums t)"
    done
}

in_every_shell() {
    cases <<'EOT'
1|printf '%s\n' "$R1" > t/rows
4 5 6 2|printf '%s\n' "$R2" >> t/rows
4 5 6 3|echo "$R3" >> t/rows
|: > t/rows
|rm t/rows
1 2|{ echo "$R1"; echo "$R2"; } > t/rows
4 5 6 4 5 6|cat t/rows >> t/rows
6 5 4|sort -r t/rows > t/rows
4 5 6 3|x() { echo "$R3"; }; x >> t/rows
4 5 6 1 3|for r in "$R1" "$R3"; do echo "$r"; done >> t/rows
4 5 6 1 2 3 4 5 6|{ cat $A; cat $B; } >> t/rows
1 2 3|(cat $A) > t/rows
4 5 6 1 2|exec 3>> t/rows; echo "$R1" >&3; echo "$R2" >&3; exec 3>&-
1 2 3 1|exec > t/rows; cat $A; echo "$R1"
4 5 6 4 5 6|while read -r r; do echo "$r" >> t/rows; done < t/rows
4 5 6|{ echo "$BAD"; echo "$R1"; } >> t/rows
4 5 6|{ echo "$R1"; echo "$BAD"; } > t/rows
4 5 6|printf '%s' '{"n":' >> t/rows
4 5 6|set -e; exec >> t/rows; /bin/cat $A; false
4 5 6|set -e; exec > t/rows; /bin/cat $A; /bin/false; echo "$R1"
4 5 6|exec >> t/rows; /bin/cat $A; kill -9 $$
4 5 6|{ cat $A; sh -c 'cat $B; kill -9 $$'; cat $A; } >> t/rows
4 5 6|sh -c 'cat $B; kill -9 $$' >> t/rows; :
4 5 6|{ cat $A; perl -e '$| = 1; print "{}\n"; kill "KILL", $$'; cat $A; } >> t/rows
4 5 6|perl -e '$| = 1; print "{}\n"; kill "KILL", $$' >> t/rows; :
4 5 6|sh -c 'cat $A; exit 3' >> t/rows; :
4 5 6|bash -c 'set -e; cat $A; grep -q x $B; cat $B' >> t/rows; :
4 5 6|bash -c 'sh -c "sh -c \"cat $A; true\"; exit 1"; true' >> t/rows; :
4 5 6 1 2 3 4 5 6|{ cat $A; grep x $B; sh -c 'grep x $B; exit 1'; cat $B; } >> t/rows
EOT
}

# The other shells open and close the file themselves around a program, and
# around one that they do not find: then a failure looks like `: > rows`.
where_redirections_are_the_childs() {
    cases <<'EOT'
4 5 6|typo t/rows > t/rows
4 5 6|typo t/rows > t/rows; true
4 5 6|set -e; exec 3>> t/rows; /bin/cat $A >&3; false
4 5 6|set -e; exec 3> t/rows; /bin/cat $A >&3; /bin/false; exec 3>&-
4 5 6|exec 3>> t/rows; /bin/cat $A >&3; kill -9 $$
EOT
}

# A group in parentheses is a process of its own, whose exit status is seen; ksh makes none.
a_group_that_fails() {
    cases <<'EOT'
4 5 6|(cat $A; cat missing || exit 1) >> t/rows; true
4 5 6|(cat $A && cat missing || exit 1) > t/rows; true
4 5 6 1 2 3|(cat $A; cat /dev/null || exit 1) >> t/rows; true
EOT
}

for SH in bash 'bash --posix' dash 'busybox sh' zsh ksh; do
    have "${SH%% *}" "$SH" || continue
    in_every_shell
    case $SH in ksh) ;; *) a_group_that_fails ;; esac
    case $SH in bash* | zsh) where_redirections_are_the_childs ;; esac
    run 'echo "$R3" > t/rows'
    fails "$SH: a builtin echo of a bad row fails" run 'echo "$BAD" >> t/rows'
    fails "$SH: a builtin printf of one too" run 'printf "%s\n" "$BAD" >> t/rows'
    fails "$SH: after a bad row a good one fails, too" run '{ echo "$BAD"; echo "$R1"; } >> t/rows'
    fails "$SH: and through exec 3>>" run 'exec 3>> t/rows; echo "$BAD" >&3'
    fails "$SH: a failed open fails" run 'echo "$R1" >> missing/rows'
    is "$SH: one commit for a group" 1 "$(commits_of '{ cat $A; cat $B; } >> t/rows')"
    is "$SH: one for the builtin echos through exec 3>>" 1 \
        "$(commits_of 'exec 3>> t/rows; echo "$R1" >&3; echo "$R2" >&3')"
    is "$SH: one line in errors for a half row" 1 "$(refusals_of 'printf %s "{" >> t/rows')"
    is "$SH: one for a failure under set -e" 1 \
        "$(refusals_of 'set -e; exec >> t/rows; /bin/cat $A; false')"
    is "$SH: a shell that ends well with the file open has appended" 1 \
        "$(commits_of 'exec 3>> t/rows; /bin/cat $A >&3')"
    is "$SH: each row is there once" '3 1 2 3 4 5 6 1 2 1 2 3' "$(nums t)"
done
done_testing
