#!/bin/bash
# SPDX-License-Identifier: MIT
# The daemon ends under the load of four appenders: every row that was
# acknowledged is there after a remount, none is there twice or in part.
T_LIMIT=120
. "$(dirname "$0")/../lib/mount.sh"

load() { # four appenders in the background
    local n
    for n in 1 2 3 4; do
        perl "$T_LIB/appender.pl" "$T/t/rows" "w$n" 1000000 >"$T_DIR/w$n" 2>"$T_DIR/w$n.end" &
        appenders[n]=$!
    done
    for n in 1 2 3 4; do
        wait_until "appender $n has written 50 rows" eval '[ "$(lines "$T_DIR/w$n")" -ge 50 ]'
    done
}

check() { # HOW: after the remount
    local n acknowledged there
    for n in 1 2 3 4; do
        acknowledged=$(lines "$T_DIR/w$n")
        there=$(jq "select(.w == \"w$n\").n" "$T/t/rows")
        is "$1: rows of appender $n are 1, 2, 3, ..., each once" "$(seq "$(wc -l <<<"$there")")" "$there"
        # The one whose acknowledgement was lost may be there or not.
        like '  all of the acknowledged, at most one more' "^[01]\$" $(($(wc -l <<<"$there") - acknowledged))
    done
    is '  every line is a row' "$(lines "$T/t/rows")" "$(jq -c . "$T/t/rows" | wc -l)"
    is '  log and rows agree' "$(lines "$T/t/rows")" \
        "$(jq -s 'map(.tables[] | if .op == "append" then .rows else 0 end) | add' "$MNT/log")"
}

for how in TERM INT KILL; do
    STORE=$T_DIR/store.$how
    mnt_start
    run 'mkdir t'
    load
    pid=$(mnt_pid)
    kill -$how "$pid"
    wait_until "SIG$how ends the daemon" t_is_gone "$pid"
    if [ $how = KILL ]; then t_detach "$MNT"; fi
    wait "${appenders[@]}"
    is "SIG$how: nothing is mounted any more" '' "$(t_mounts)"
    is "SIG$how: every appender has seen an error" 4 "$(cat "$T_DIR"/w?.end | grep -c 'row [0-9]*: ')"
    mnt_start
    check "SIG$how"
    ok '  the store can be written' run 'echo "{\"w\":\"after\",\"n\":1}" >> t/rows'
    mnt_stop
done

# rowfs unmount under load either says busy or loses nothing.
STORE=$T_DIR/store.unmount
mnt_start
run 'mkdir t'
load
for _ in $(seq 50); do
    timeout 30 "$ROWFS" unmount "$MNT" >"$T_DIR/.said" 2>&1 && break
done
if mnt_is "$MNT"; then
    like 'unmount under load says busy' 'busy' "$(cat "$T_DIR/.said")"
    kill -TERM "$(mnt_pid)"
    wait_until 'SIGTERM unmounts' eval '! mnt_is "$MNT"'
fi
wait "${appenders[@]}"
mnt_start
check 'unmount'
done_testing
