#!/bin/bash
# SPDX-License-Identifier: MIT
# Two mounts, four writers each, 1,000 appends each: 8,000 rows, each once.
T_LIMIT=180
. "$(dirname "$0")/../lib/mount.sh"

mnt_start a
A=$T
mnt_start b
B=$T
mkdir "$A/t" "$A/u"

for n in 1 2 3 4; do
    perl "$T_LIB/appender.pl" "$A/t/rows" "a$n" 1000 >"$T_DIR/a$n" 2>&1 &
    perl "$T_LIB/appender.pl" "$B/t/rows" "b$n" 1000 >"$T_DIR/b$n" 2>&1 &
done
wait
for writer in {a,b}{1,2,3,4}; do
    same "writer $writer was acknowledged 1,000 times" <(seq 1000) "$T_DIR/$writer"
    same '  and its rows are in its order' <(seq 1000) \
        <(jq -c "select(.w == \"$writer\").n" "$A/t/rows")
done
is 'there are 8,000 rows' 8000 "$(lines "$A/t/rows")"
is 'each once' 8000 "$(sort -u "$A/t/rows" | wc -l)"
same 'both mounts show the same bytes' "$A/t/rows" "$B/t/rows"
same 'and the same log' "$A/../log" "$B/../log"
is 'versions are without a gap' "$(seq "$(lines "$A/../log")")" "$(jq .version "$A/../log")"
is 'the commits have as many' 8000 \
    "$(jq -s 'map(.tables[] | select(.op == "append").rows) | add' "$A/../log")"
is 'no transaction is in the log twice' '' "$(jq -r .transaction "$A/../log" | sort | uniq -d)"

# The same with a shell's builtin echo, in two shells.
writer() { # SHELL NAME
    $1 -c 'for n in $(seq 200); do echo "{\"w\":\"$1\",\"n\":$n}" >> u/rows || exit; done' - "$2"
}
for n in 1 2; do
    for shell in bash dash; do
        (cd "$A" && writer $shell "a$shell$n") &
        writers+=($!)
        (cd "$B" && writer $shell "b$shell$n") &
        writers+=($!)
    done
done
for pid in "${writers[@]}"; do
    wait "$pid"
    is 'a shell has written 200 rows' 0 $?
done
is 'all of them are there' 1600 "$(lines "$B/u/rows")"
is 'each once' 1600 "$(sort -u "$B/u/rows" | wc -l)"
mnt_stop a
mnt_stop b
mnt_start a
is 'a fresh mount shows them, too' '8000 1600' "$(lines "$T/t/rows") $(lines "$T/u/rows")"
done_testing
