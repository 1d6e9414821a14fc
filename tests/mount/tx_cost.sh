#!/bin/bash
# SPDX-License-Identifier: MIT
# What a transaction asks of the store: the same with a hundred statements as with one.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u'
add t "$R1"
export X=$MNT/tx
ops() { jq -c .operations "$MNT/info"; }
difference() { jq -cn --argjson a "$1" --argjson b "$2" '$b | with_entries(.value -= $a[.key])'; }

cost() { # STATEMENTS: the operations of a transaction with that many, from begin to commit
    local before after
    before=$(ops)
    # One process, and builtins alone, so that nothing else is asked.
    timeout 30 bash -c 'mkdir "$X/$1" && cd "$X/$1/tables" || exit
        for ((i = 0; i < $1; i++)); do echo "{\"i\":$i}" >> t/rows; echo "{\"i\":$i}" >> u/rows; done
        echo 1 > ../commit' sh "$1"
    after=$(ops)
    difference "$before" "$after"
}
nothing=$(difference "$(ops)" "$(ops)")
one=$(cost 1)
is 'a hundred statements cost the store what one does' "$one" "$(cost 100)"
is 'which is one put' 1 "$(jq .put <<<"$one")"
is 'and nothing is read but for freshness' 0 "$(jq .get <<<"$one")"
is 'or listed' 0 "$(jq .list <<<"$one")"
like 'looking, too, is bounded' '^[0-9]$' "$(difference "$nothing" "$one" | jq .head)"

before=$(commits)
mkdir "$X/big"
fat_rows 3000 | timeout 30 tee -a "$X/big/tables/t/rows" >/dev/null
fat_rows 2000 u | timeout 30 tee -a "$X/big/tables/t/rows" >/dev/null
is 'past its bound what was written is in data objects' 5102 "$(lines "$X/big/tables/t/rows")"
is 'that no one sees' 102 "$(lines "$T/t/rows")"
echo 1 >"$X/big/commit"
is 'until the commit names them' "5102, 1 commit" "$(lines "$T/t/rows"), $(($(commits) - before)) commit"
mnt_stop
mnt_start mnt tx_limit=10K
mkdir "$X/l"
fat_rows 8 | cat >>"$X/l/tables/t/rows"
fails_with EFBIG 'a transaction has a limit' run 'cat "$1" | tee -a ../tx/l/tables/t/rows >/dev/null' <(fat_rows 8)
is 'of which the refused statement leaves nothing' 5110 "$(lines "$X/l/tables/t/rows")"
ok 'and the rest can be committed' run 'echo 1 > ../tx/l/commit'
done_testing
