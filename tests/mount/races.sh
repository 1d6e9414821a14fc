#!/bin/bash
# SPDX-License-Identifier: MIT
# Races: of two mkdir one wins, of two appends both survive.
T_LIMIT=120
. "$(dirname "$0")/../lib/mount.sh"

mnt_start a
A=$T
mnt_start b
B=$T

# Two writers that have both written before either closes.
both() { # ROWS-OF-THE-ONE ROWS-OF-THE-OTHER
    local one other
    rm -f "$T_DIR"/{one,other,go}
    sys open a "$1" write "$R1\n" mark "$T_DIR/one" await "$T_DIR/go" close >"$T_DIR/one.out" &
    one=$!
    sys open a "$2" write "$R2\n" mark "$T_DIR/other" await "$T_DIR/go" close >"$T_DIR/other.out" &
    other=$!
    wait_until 'both have written' test -e "$T_DIR/one" -a -e "$T_DIR/other"
    is '  nothing is visible yet' 0 "$(stat -c %s "$1")"
    touch "$T_DIR/go"
    wait "$one" "$other"
    is '  both were acknowledged' 2 "$(cat "$T_DIR/one.out" "$T_DIR/other.out" | grep -c 'close=ok$')"
    is '  and both rows are there' '1 2' "$(jq .n "$1" | sort | paste -sd' ')"
}
mkdir "$A/t"
echo '# two writers on one mount race'
both "$A/t/rows" "$A/t/rows"
: >"$A/t/rows"
echo '# two writers on two mounts race'
both "$A/t/rows" "$B/t/rows"

made=0
for n in $(seq 50); do
    mkdir "$A/race$n" 2>/dev/null &
    one=$!
    mkdir "$B/race$n" 2>/dev/null &
    other=$!
    wait $one && made=$((made + 1))
    wait $other && made=$((made + 1))
done
is 'of two mkdir of a name exactly one wins, 50 times' 50 $made
is 'and there are 50 tables' 50 "$(find "$B" -name 'race*' | wc -l)"
is 'one create each in the log' 50 "$(jq -r '.tables[] | select(.op == "create").table' "$A/../log" | grep race | sort -u | wc -l)"
is 'and no second one' '' "$(jq -r '.tables[] | select(.op == "create").table' "$A/../log" | sort | uniq -d)"

moved=0
for n in $(seq 25); do
    mv -T "$A/race$n" "$A/won$n" 2>/dev/null &
    one=$!
    mv -T "$B/race$n" "$B/lost$n" 2>/dev/null &
    other=$!
    wait $one && moved=$((moved + 1))
    wait $other && moved=$((moved + 1))
done
is 'of two mv of a table exactly one wins, 25 times' 25 $moved
is 'and there are 25 with a new name' 25 "$(find "$A" -name 'won*' -o -name 'lost*' | wc -l)"

dropped=0
for n in $(seq 26 50); do
    rmdir "$A/race$n" 2>/dev/null &
    one=$!
    rmdir "$B/race$n" 2>/dev/null &
    other=$!
    wait $one && dropped=$((dropped + 1))
    wait $other && dropped=$((dropped + 1))
done
is 'of two rmdir exactly one wins, 25 times' 25 $dropped

# A table that is dropped while somebody appends: refused, or the row is there.
wrong=0
for n in $(seq 25); do
    mkdir "$A/drop$n"
    perl "$T_LIB/appender.pl" "$B/drop$n/rows" w 1 >/dev/null 2>&1 &
    one=$!
    rmdir "$A/drop$n" 2>/dev/null &
    other=$!
    wait $one
    appended=$?
    wait $other
    gone=$?
    # 0 is success: both cannot have succeeded, and no acknowledged row is lost.
    [ $appended$gone = 00 ] && wrong=$((wrong + 1))
    [ $appended = 0 ] && [ "$(lines "$A/drop$n/rows")" != 1 ] && wrong=$((wrong + 1))
done
is 'an append and an rmdir never both succeed' 0 $wrong

# Replaces are blind: the last one wins whole, whoever it is.
wrong=0
rows 1 50 >"$T_DIR/small"
rows 101 300 >"$T_DIR/large"
for _ in $(seq 25); do
    cp "$T_DIR/small" "$A/t/rows" &
    cp "$T_DIR/large" "$B/t/rows" &
    wait
    cmp -s "$A/t/rows" "$T_DIR/small" || cmp -s "$A/t/rows" "$T_DIR/large" || wrong=$((wrong + 1))
    cmp -s "$A/t/rows" "$B/t/rows" || wrong=$((wrong + 1))
done
is 'of two replaces one is there whole, on both mounts' 0 $wrong
done_testing
