#!/bin/bash
# SPDX-License-Identifier: MIT
# A script that holds `commit` open: its end is the verdict.
T_LIMIT=120
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t'
export X=$MNT/tx D=$T_DIR SYS=$T_LIB/sys.pl
state() { jq -r .state "$X/$1/status"; }

verdict() { # SCRIPT: runs it in a new transaction; prints its state and whether its rows are seen
    local before
    before=$(nums t)
    N=$(cat "$X/new")
    rmdir "$X/$N"
    echo "$N" >"$T_DIR/last"
    mkdir "$X/$N"
    (cd "$X/$N/tables" && timeout 20 ${SH:-bash} -c "$1" >/dev/null 2>&1 </dev/null) 2>/dev/null
    echo "$(state $N)$( [ "$(nums t)" = "$before" ] || echo ' seen')"
}

for SH in bash dash 'busybox sh' ksh zsh; do
    have "${SH%% *}" "$SH" || continue
    is "$SH: the end of the script commits" 'committed seen' "$(verdict 'set -e; exec 9> ../commit; echo "$R1" >> t/rows')"
    is "$SH: so does closing it" 'committed seen' "$(verdict 'exec 9> ../commit; echo "$R1" >> t/rows; exec 9>&-; sleep 0')"
    is "$SH: what is asked next sees it" 'committed seen' \
        "$(verdict 'exec 9> ../commit; echo "$R1" >> t/rows; exec 9>&-; [ "$(grep -c committed ../status)" = 1 ] || kill -9 $$')"
    is "$SH: with children that have copies" 'committed seen' "$(verdict 'exec 9> ../commit; cat t/rows | grep -c x; (true); ls | wc -l; echo "$R1" >> t/rows')"
    is "$SH: set -e aborts" aborted "$(verdict 'set -e; exec 9> ../commit; echo "$R1" >> t/rows; false; echo "$R2" >> t/rows')"
    is "$SH: so does exit 3" aborted "$(verdict 'exec 9> ../commit; echo "$R1" >> t/rows; exit 3')"
    is "$SH: and a signal" aborted "$(verdict 'exec 9> ../commit; echo "$R1" >> t/rows; kill -9 $$')"
    is "$SH: and a refused row under set -e" aborted "$(verdict 'set -e; exec 9> ../commit; echo "$BAD" >> t/rows')"
    is "$SH: so does a row that a close has dropped, whatever the shell tells" aborted \
        "$(verdict 'set -e; exec 9> ../commit; echo "$R1" >> t/rows; printf "%s\n{\"bad\":" "$R2" >> t/rows || true; echo "$R3" >> t/rows || true')"
    is "$SH: also of a program" aborted \
        "$(verdict 'exec 9> ../commit; echo "$R1" >> t/rows; /usr/bin/printf "%s\n{\"bad\":" "$R2" >> t/rows; true')"
    is "$SH: a script that ends with a write is told" 'aborted 1' \
        "$(verdict 'exec 9> ../commit; printf "{" >> t/rows; echo 1 >&9; echo $? > "$D/told"') $(cat "$D/told")"
    is "$SH: and one that fails before has not committed" aborted \
        "$(verdict 'set -e; exec 9> ../commit; echo "$R1" >> t/rows; jq . /nonexistent >> t/rows; echo 1 >&9')"
    is "$SH: a commit by a write is not undone by an exit" 'committed seen' \
        "$(verdict 'exec 9> ../commit; echo "$R1" >> t/rows; echo 1 > ../commit; exit 3')"
    is "$SH: a write through the held descriptor commits" 'committed seen' \
        "$(verdict 'exec 9> ../commit; echo "$R1" >> t/rows; echo 1 >&9; exit 3')"
done
unset SH
is 'a child that fails does not decide' 'committed seen' "$(verdict 'exec 9> ../commit; echo "$R1" >> t/rows; (exit 3); sh -c "kill -9 \$\$"; true')"
is 'a child that outlives the script does not, either' 'committed seen' "$(verdict 'exec 9> ../commit; echo "$R1" >> t/rows; sleep 0.3 & true')"
is 'a program that ends with a status aborts' aborted "$(verdict 'perl "$SYS" open wo ../commit exit 1')"
is 'one that ends well commits' committed "$(verdict 'perl "$SYS" open wo ../commit exit 0')"
is 'open and close alone commit' 'committed seen' "$(verdict 'echo "$R1" >> t/rows; : > ../commit')"
like 'an abort says why' 'exit status 3' "$(verdict 'exec 9> ../commit; exit 3' >/dev/null; jq -r .reason "$X/$(cat "$D/last")/status")"
is 'in errors, too' "tx/$(cat "$D/last")/commit" "$(last_refusal path)"
is 'a conflict is reported by the close' 'open=ok close=ECANCELED' "$(
    mkdir "$X/p" "$X/q"
    for id in p q; do echo "$R2" >"$X/$id/tables/t/rows"; done
    echo 1 >"$X/p/commit"
    sys open wo "$X/q/commit" close
)"
is 'and by the write' 'open=ok write=ECANCELED close=ok' "$(
    mkdir "$X/r" "$X/s"
    for id in r s; do echo "$R2" >"$X/$id/tables/t/rows"; done
    echo 1 >"$X/r/commit"
    sys open wo "$X/s/commit" write '1\n' close
)"
is 'a row that a write has refused is known to the writer' 'committed seen' \
    "$(verdict 'echo "$R1" >> t/rows; echo "$BAD" >> t/rows || echo "$R2" >> t/rows; echo 1 > ../commit')"
is 'so is a draft that is refused by its rename' 'committed seen' \
    "$(verdict 'echo "$BAD" > t/draft; mv t/draft t/rows || echo "$R2" >> t/rows; echo 1 > ../commit')"
is 'rows that are still being written abort it' 'aborted' "$(verdict 'exec 9> ../commit; (exec 9>&-; exec 8>> t/rows; printf "{\"n\":" >&8; touch $D/begun; sleep 1) & until [ -e $D/begun ]; do :; done; true')"

mkdir "$X/held"
perl "$SYS" open wo "$X/held/commit" mark "$T_DIR/m" await "$T_DIR/go" >/dev/null &
pid=$!
wait_until 'it is held' test -e "$T_DIR/m"
fails_with EBUSY 'unmount names who holds one' "$ROWFS" unmount "$MNT"
like '  by its pid' "$pid" "$("$ROWFS" unmount "$MNT" 2>&1)"
touch "$T_DIR/go"
wait
is 'whose end commits it' committed "$(state held)"
wait_until 'then it can be unmounted' "$ROWFS" unmount "$MNT"

mnt_start mnt tx_timeout=1
mkdir "$X/idle" "$X/held2"
exec 9>"$X/held2/commit"
echo "$R1" >>"$X/idle/tables/t/rows"
idle_is_aborted() { [ "$(state idle)" = aborted ]; }
# Reading its status is no use of it.
wait_until 'what nobody uses is aborted' idle_is_aborted
like 'and says why' 'tx_timeout' "$(jq -r .reason "$X/idle/status")"
sleep 1.2
is 'but not what is held' open "$(state held2)"
exec 9>&-
is 'which then commits' committed "$(state held2)"
done_testing
