#!/bin/bash
# SPDX-License-Identifier: MIT
# log and info: what they say is what happened.
. "$(dirname "$0")/../lib/mount.sh"

tables() { jq '.tables | if type == "number" then . else length end' "$MNT/info"; }

mnt_start
run 'mkdir t'
add t "$R1" "$R2"
run 'mv t u; echo "$R3" > u/rows; : > u/rows; rmdir u'

log=$(cat "$MNT/log")
is 'one line a commit' 6 "$(wc -l <<<"$log")"
is 'versions count from 1' '1 2 3 4 5 6' "$(jq .version <<<"$log" | paste -sd' ')"
is 'nobody interfered: the base is the version before' '0 1 2 3 4 5' "$(jq .base <<<"$log" | paste -sd' ')"
is 'and nothing was rebased' '0 0 0 0 0 0' "$(jq .rebases <<<"$log" | paste -sd' ')"
is 'the commits are what was done' $'create\nappend\nrename\nclear,append\nclear\ndrop' \
    "$(jq -r '[.tables[].op] | join(",")' <<<"$log")"
is 'they name the table' $'t\nt' "$(jq -r '.tables[0].table' <<<"$log" | head -n 2)"
is 'the last one by its new name' $'u\nu\nu' "$(jq -r '.tables[0].table' <<<"$log" | tail -n 3)"
is 'an append says how many rows and bytes' '2 16' \
    "$(jq -r 'select(.version == 2).tables[0] | "\(.rows) \(.bytes)"' <<<"$log")"
is 'transactions have a uuid each' 6 \
    "$(jq -r .transaction <<<"$log" | grep -xE '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' | sort -u | wc -l)"
is 'times are RFC 3339 with microseconds' 6 \
    "$(jq -r .time <<<"$log" | grep -cxE '20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{6}Z')"
is 'times never go back' "$(jq -r .time <<<"$log")" "$(jq -r .time <<<"$log" | sort)"
is 'the time is now' "$(date -u +%Y)" "$(jq -r '.time[:4]' <<<"$log" | tail -n 1)"
is 'the host is this host' "$(uname -n)" "$(jq -r .host <<<"$log" | sort -u)"
is 'its size is its length' "$(wc -c <"$MNT/log")" "$(stat -c %s "$MNT/log")"

is 'info: the version is the last' 6 "$(jq .version "$MNT/info")"
is 'info: no tables are left' 0 "$(tables)"
ok 'info: the pid is a process' test -d "/proc/$(jq .pid "$MNT/info")"
is 'info: operations are counted' 'get head list put remove' \
    "$(jq -r '.operations | to_entries[] | select(.value | type == "number").key' "$MNT/info" |
        grep -xE 'get|head|list|put|remove' | sort | paste -sd' ')"
puts=$(jq .operations.put "$MNT/info")
is 'an idle daemon puts nothing' "$puts" "$(jq .operations.put "$MNT/info")"
run 'mkdir a b'
is 'a commit puts at least one object' true "$(jq ".operations.put >= $puts + 2" "$MNT/info")"
is 'info: two tables' 2 "$(tables)"

add a "$R1" "$R2"
fat_rows 100 | cat >>"$T/a/rows"
add b "$R3"
is "info of a table: rows, bytes, version" "a 102 $(wc -c <"$T/a/rows") 10" \
    "$(jq -r '"\(.table) \(.rows) \(.bytes) \(.version)"' "$T/a/info")"
is 'info of a table: segments' number "$(jq -r '.segments | type' "$T/a/info")"
is 'info of the other one' "b 1 8 11" \
    "$(jq -r '"\(.table) \(.rows) \(.bytes) \(.version)"' "$T/b/info")"
is 'the size of info is its length' "$(wc -c <"$T/a/info")" "$(stat -c %s "$T/a/info")"
is 'info is whole lines' '' "$(tail -c 1 "$T/a/info" | tr -d '\n')"
done_testing
