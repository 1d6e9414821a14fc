#!/bin/bash
# SPDX-License-Identifier: MIT
# Random transactions of eight clients on two mounts; clients are killed. Each
# history is checked against what tests/history/check.h says of the isolation.
T_LIMIT=100 # it takes about 35 s; no run begins transactions for longer than 5
. "$(dirname "$0")/../lib/mount.sh"

HISTORY=$(realpath -m "${HISTORY:-$T_LIB/../../build/tests/history-run}")
[ -x "$HISTORY" ] || t_bail "there is no $HISTORY"
A=$T_DIR/a B=$T_DIR/b
seed=$(date +%s)

fresh() { # NAME: both mounts, on a new store
    STORE=$T_DIR/store-$1
    mnt_start a
    mnt_start b
}

stop() {
    mnt_stop a
    mnt_stop b
}

# What clients have seen is kept if it was wrong; the seed alone does not bring it back.
checked() { # TEXT NAME ARGUMENT...
    local logs=$T_DIR/logs-$2 kept
    kept=$(dirname "$T_DIR")/rowfs-history-$2-$seed.ndjson
    fresh "$2"
    mkdir "$logs"
    ok "$1" timeout -k 5 60 "$HISTORY" "${@:3}" -s "$seed" -d "$logs"
    grep -E '^# [0-9]+ transactions' "$T_DIR/.out"
    if [ -e "$logs/history.ndjson" ]; then
        cp "$logs/history.ndjson" "$kept" && echo "# the history is kept in $kept"
    fi
    stop
}

echo '# step by step'
fresh steps
for isolation in snapshot serializable; do
    case $isolation in
        snapshot) what='write skew happens, a lost update does not' ;;
        *) what='neither write skew nor a lost update happens' ;;
    esac
    ok "$isolation: $what" timeout -k 5 30 "$HISTORY" skew -i $isolation "$A" "$B"
done

echo '# a commit of two tables, through cat'
mkdir "$A/tables/one" "$A/tables/two"
for n in $(seq 40); do
    mkdir "$A/tx/w$n" || break
    echo "{\"n\":$n}" >>"$A/tx/w$n/tables/one/rows" || break
    echo "{\"n\":$n}" >>"$A/tx/w$n/tables/two/rows" || break
    echo 1 >"$A/tx/w$n/commit" || break
    echo "$n"
done >"$T_DIR/written" &
writer=$!
different=0 between=0 n=0
while kill -0 $writer 2>/dev/null; do
    n=$((n + 1))
    mkdir "$B/tx/r$n" || break
    cat "$B/tx/r$n/tables/one/rows" >"$T_DIR/one"
    cat "$B/tx/r$n/tables/two/rows" >"$T_DIR/two"
    rmdir "$B/tx/r$n"
    cmp -s "$T_DIR/one" "$T_DIR/two" || different=$((different + 1))
    [ -s "$T_DIR/one" ] && [ "$(lines "$T_DIR/one")" -lt 40 ] && between=$((between + 1))
done
wait $writer
same 'all were acknowledged' <(seq 40) "$T_DIR/written"
is 'both tables are seen with it or without it' 0 $different
isnt '  by some that read meanwhile' 0 $between
stop

# By the clock: what one mount has shown, the other shows to whoever asks later.
echo '# at random, on two mounts'
for isolation in snapshot serializable; do
    checked "$isolation: lists of appended rows" lists-$isolation \
        lists -i $isolation -n 1200 -t 5 "$A" "$B"
    checked "$isolation: a bank" bank-$isolation bank -i $isolation -n 1200 -t 5 "$A" "$B"
    checked "$isolation: people on call" oncall-$isolation \
        oncall -i $isolation -n 1200 -t 5 "$A" "$B"
done
echo '# at random, on one mount, by the clock'
checked 'lists, and every snapshot is by the clock' one-lists lists -n 1000 -t 5 "$A" "$A"
checked 'a bank, and every snapshot is by the clock' one-bank bank -n 1000 -t 5 "$B" "$B"
done_testing
