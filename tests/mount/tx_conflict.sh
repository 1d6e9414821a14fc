#!/bin/bash
# SPDX-License-Identifier: MIT
# Two transactions at once: who wins, who loses, and what the loser is told.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
mnt_start two
MNT=$T_DIR/mnt T=$MNT/tables
run 'mkdir acc log'
export X=$MNT/tx X2=$T_DIR/two/tx
begin() { mkdir "$X/$1" "$X2/$1.2"; }                     # ID: one in each mount
one() { (cd "$X/$N/tables" && timeout 20 bash -c "$1"); } # SNIPPET
two() { (cd "$X2/$N.2/tables" && timeout 20 bash -c "$1"); }
commit_one() { sh -c 'echo 1 > "$1"' sh "$X/$N/commit" 2>/dev/null && echo ok || echo no; }
commit_two() { sh -c 'echo 1 > "$1"' sh "$X2/$N.2/commit" 2>/dev/null && echo ok || echo no; }
why() { jq -r "$1" "$X2/$N.2/status"; }

# WHAT, snippet of the first, snippet of the second, verdict of the second
while IFS='|' read -r what first second verdict; do
    N=$((${N:-0} + 1))
    run 'rm -rf acc log b c; mkdir acc log; printf "%s\n" "$R1" "$R2" > acc/rows' >/dev/null 2>&1
    begin "$N"
    one "$first"
    two "$second"
    is "$what" "ok $verdict" "$(commit_one) $(commit_two)"
    if [ "$verdict" = no ]; then
        is '  the loser is told the winner' "$(tail -n 1 "$MNT/log" | jq .version)" "$(why .conflict.version)"
        is '  and that it can try again' true "$(why .retry)"
    fi
done <<'EOT'
two appends to one table|echo "$R1" >> acc/rows|echo "$R2" >> acc/rows|ok
a replacement and an append|echo "$R3" > acc/rows|echo "$R2" >> acc/rows|ok
an append and a replacement|echo "$R3" >> acc/rows|echo "$R2" > acc/rows|ok
two replacements|echo "$R3" > acc/rows|echo "$R2" > acc/rows|no
a deletion and a replacement|rm acc/rows|echo "$R2" > acc/rows|no
two deletions|: > acc/rows|rm acc/rows|no
replacements of different tables|echo "$R3" > acc/rows|echo "$R3" > log/rows|ok
two tables of one name|mkdir b|mkdir b|no
a table that one renames and one appends to|mv acc b|echo "$R3" >> acc/rows|no
a table that one appends to and one renames|echo "$R3" >> acc/rows|mv acc b|no
a table that one drops and one appends to|rm -r acc|echo "$R3" >> acc/rows|no
a table that one appends to and one drops|echo "$R3" >> log/rows|rmdir log|no
two renames of one table|mv acc b|mv acc c|no
two tables that are renamed to one name|mv acc b|mv log b|no
moved rows that were replaced|echo "$R3" > acc/rows|mv acc/rows log/rows|no
reading what another changes|echo "$R3" > acc/rows|cat acc/rows >> log/rows|ok
serializable: reading what another changes|echo "$R3" >> acc/rows|echo serializable > ../isolation; cat acc/rows >> log/rows|no
serializable: reading the info of what another changes|echo "$R3" >> acc/rows|echo serializable > ../isolation; cat acc/info > /dev/null; echo "$R1" >> log/rows|no
serializable: reading another table|echo "$R3" >> acc/rows|echo serializable > ../isolation; cat log/rows >> acc/rows|ok
serializable: listing tables that another makes|mkdir b|echo serializable > ../isolation; ls > /dev/null; echo "$R1" >> log/rows|no
serializable: listing tables that stay|echo "$R3" >> acc/rows|echo serializable > ../isolation; ls > /dev/null; echo "$R1" >> log/rows|ok
serializable: blind writes|echo "$R3" >> acc/rows|echo serializable > ../isolation; echo "$R1" >> acc/rows|ok
serializable: a transaction that only reads|echo "$R3" >> acc/rows|echo serializable > ../isolation; cat acc/rows > /dev/null|ok
EOT

N=rows
run 'rm -r acc; mkdir acc; seq -f "{\"n\":%.0f}" 5 > acc/rows'
begin "$N"
one 'grep -v 3 acc/rows | cat > acc/rows'
two 'echo "{}" > acc/rows'
echo "$(commit_one) $(commit_two)" >/dev/null
is 'the conflict names table and rows' '{"table":"acc","rows":5,"samples":["{\"n\":1}","{\"n\":2}","{\"n\":3}"]}' \
    "$(jq -c '.conflict | {table, rows, samples}' "$X2/$N.2/status")"
like 'in a sentence' 'with version [0-9]+: table acc has lost rows' "$(why .reason)"
is 'nothing of the loser stays' '1 2 4 5' "$(nums acc)"
is 'the reason is in errors, too' "$(why .reason)" "$(tail -n 1 "$T_DIR/two/errors" | jq -r .reason)"
fails_with ECANCELED 'and every further use is refused' cat "$X2/$N.2/tables/acc/rows"
ok 'until it is removed' rmdir "$X2/$N.2"
ok 'its id can be begun again' mkdir "$X2/$N.2"

# --- write skew: what snapshot isolation lets happen and serializable does not

skew() { # ISOLATION: two transactions read both tables, each replaces one
    N=skew$1
    run 'for t in a b; do mkdir -p $t; echo "{\"on_call\":true}" > $t/rows; done'
    begin "$N"
    one "echo $1 > ../isolation; cat a/rows b/rows >/dev/null; echo '{\"on_call\":false}' > a/rows"
    two "echo $1 > ../isolation; cat a/rows b/rows >/dev/null; echo '{\"on_call\":false}' > b/rows"
    echo "$(commit_one) $(commit_two) $(cat "$T"/[ab]/rows | grep -c true)"
}
is 'snapshot isolation lets a write skew happen' 'ok ok 0' "$(skew snapshot)"
is 'serializable does not' 'ok no 1' "$(skew serializable)"

# --- the loop that the README shows, from many processes at once

run 'mkdir bank; echo "{\"balance\":0}" > bank/rows'
cat >"$T_DIR/deposit" <<'EOT'
#!/bin/bash
# deposit MOUNT TIMES
for ((i = 0; i < $2; i++)); do
    until tx=$(cat "$1/tx/new") && cd "$1/tx/$tx/tables" &&
        jq -c '.balance += 1' bank/rows | cat > "$1/tx/$tx/tables/bank/next" && mv bank/next bank/rows &&
        echo 1 2>/dev/null >../commit; do
        rmdir "$1/tx/$tx" 2>/dev/null
    done
done
EOT
for i in 1 2 3 4; do
    timeout 60 bash "$T_DIR/deposit" "$T_DIR/$([ $((i % 2)) = 0 ] && echo mnt || echo two)" 10 2>"$T_DIR/deposit.$i" &
done
wait
is 'forty deposits by four processes over two mounts are all there' '{"balance":40}' "$(cat "$T/bank/rows")"
done_testing
