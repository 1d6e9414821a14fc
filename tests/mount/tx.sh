#!/bin/bash
# SPDX-License-Identifier: MIT
# A transaction is a directory: the whole tree as it was, and what is written in it.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u'
add t "$R1" "$R2"
export X=$MNT/tx D=$T_DIR
in_tx() { run "cd ../tx/$1/tables && $2"; } # ID SNIPPET
tx_nums() { (T=$X/$1/tables nums "$2"); }    # ID TABLE
state() { jq -r "${2:-.state}" "$X/$1/status"; } # ID [FILTER]

# --- begin, read, write, commit

ok 'mkdir begins' mkdir "$X/a"
is 'it is open' "open $(commits)" "$(state a '"\(.state) \(.base)"')"
is 'and is listed' a "$(ls "$X")"
is 'its directory lists nothing, so that rm -r is rmdir and a copy has each row once' '' "$(ls -A "$X/a")"
is 'the whole tree is in it' 't u' "$(ls "$X/a/tables" | paste -sd' ')"
is 'with its rows' '1 2' "$(tx_nums a t)"
before=$(commits)
ok 'rows are appended' in_tx a 'echo "$R3" >> t/rows && rows() { seq -f "{\"n\":%.0f}" "$@"; }; rows 4 6 | cat >> t/rows'
is 'and read back in order' '1 2 3 4 5 6' "$(tx_nums a t)"
is 'at their exact size' "$(wc -c <"$X/a/tables/t/rows" | tr -d ' ')" "$(stat -c %s "$X/a/tables/t/rows")"
is 'nobody else sees them' '1 2' "$(nums t)"
is 'nothing is committed' "$before" "$(commits)"
is 'status counts them' '{"table":"t","rows_appended":4,"rows_deleted":0}' "$(jq -c .tables[0] "$X/a/status")"
add t '{"n":100}'
is 'what others commit is not seen' '1 2 3 4 5 6' "$(tx_nums a t)"
add u '{"n":200}'
is 'in no table' 0 "$(lines "$X/a/tables/u/rows")"
is 'info tells the rows of the view' 6 "$(jq .rows "$X/a/tables/t/info")"
is 'which have no version yet' null "$(jq .version "$X/a/tables/t/info")"
fails_with EBUSY 'a file that is open for writing is in the way of a commit' run \
    'exec 5>>../tx/a/tables/t/rows; printf "{\"n\":" >&5; cat ../tx/a/status > $D/st; echo 1 | tee ../tx/a/commit; rc=$?; echo "7}" >&5; exec 5>&-; exit $rc'
is 'status names the process' 1 "$(jq '.writers | length' "$D/st")"
is 'it is open still' open "$(state a)"
ok 'commit' run 'echo 1 > ../tx/a/commit'
is 'the rows come behind those of others' '1 2 100 3 4 5 6 7' "$(nums t)"
is 'in one version' "committed $(tail -n 1 "$MNT/log" | jq .version)" "$(state a '"\(.state) \(.version)"')"
is 'which was rebased' 1 "$(state a .rebases)"
is 'log has its id' a "$(tail -n 1 "$MNT/log" | jq -r .id)"
is 'it is not listed any more' '' "$(ls "$X")"
is 'it keeps only its status' 'ENOENT ENOENT ok' "$(sys stat "$X/a/tables" stat "$X/a/commit" stat "$X/a/status" | sed 's/stat=//g')"

# --- ids

fails_with EEXIST 'an id that has committed is taken' mkdir "$X/a"
mnt_start two
is 'in every mount' 'mkdir=EEXIST' "$(sys mkdir "$T_DIR/two/tx/a")"
is 'where its status is known, too' "committed $(commits)" "$(jq -r '"\(.state) \(.version)"' "$T_DIR/two/tx/a/status")"
MNT=$T_DIR/mnt T=$MNT/tables
mkdir "$X/b"
fails_with EEXIST 'an open one is taken' mkdir "$X/b"
is 'and says that it is open' open "$(state b)"
ok 'the same id in another mount can be begun' mkdir "$T_DIR/two/tx/b"
in_tx b 'echo "$R1" >> u/rows'
run 'echo "$R2" >> ../../two/tx/b/tables/u/rows'
ok 'one of them commits' run 'echo 1 > ../tx/b/commit'
fails_with ECANCELED 'the other one does not' run 'echo 1 > ../../two/tx/b/commit'
like 'and says why' 'committed before' "$(jq -r .reason "$T_DIR/two/tx/b/status")"
is 'to try again is no use' false "$(jq -r .retry "$T_DIR/two/tx/b/status")"
is 'its row is there once' '200 1' "$(nums u)"
id=$(cat "$X/new")
like 'reading tx/new begins one with a fresh id' '^[0-9a-f]{16}$' "$id"
is 'which is open' open "$(state "$id")"
isnt 'and another one each time' "$id" "$(cat "$X/new")"
is 'its size is known before' 17 "$(stat -c %s "$X/new")"
ok 'rmdir aborts' rmdir "$X/$id"
is 'and forgets' 'stat=ENOENT' "$(sys stat "$X/$id")"
for id in $(ls "$X"); do rmdir "$X/$id"; done
is 'a bad name is no id' 'mkdir=EINVAL' "$(sys mkdir "$X/a"$'\t'b)"
is 'nor is new' 'mkdir=EEXIST' "$(sys mkdir "$X/new")"

# --- abort

mkdir "$X/c"
in_tx c 'echo "$R1" >> u/rows; mkdir v; echo "$R1" >> v/rows'
ok 'rm -r aborts, too' rm -r "$X/c"
is 'nothing of it is left' '200 1, t u' "$(nums u), $(ls "$T" | paste -sd' ')"
ok 'its id is free' mkdir "$X/c"
exec 5>>"$X/c/tables/u/rows"
rmdir "$X/c"
fails 'who has a file in it open is told' run 'echo "$R1" >&5'
exec 5>&-
mkdir "$X/c"
(cd "$X/c/tables" && rmdir "$X/c" && cat u/rows) >"$T_DIR/out" 2>&1
like 'so is who stands in it' 'canceled' "$(cat "$T_DIR/out")"

# --- tables

mkdir "$X/d"
ok 'tables are made, renamed and dropped' in_tx d \
    'mkdir v w; echo "$R1" >> v/rows; mv v v2; cp t/rows w/rows; rm -r u; mkdir u; echo "$R3" > u/rows'
is 'as the transaction sees it' 't u v2 w' "$(ls "$X/d/tables" | paste -sd' ')"
is 'and nobody else' 't u' "$(ls "$T" | paste -sd' ')"
before=$(commits)
ok 'they are committed' run 'echo 1 > ../tx/d/commit'
is 'in one commit' 1 "$(($(commits) - before))"
is 'all of them' 't u v2 w' "$(ls "$T" | paste -sd' ')"
is 'with their rows' '3|1|1 2 100 3 4 5 6 7' "$(nums u)|$(nums v2)|$(nums w)"

mkdir "$X/e"
ok 'programs work in it as outside' in_tx e \
    'sed -i s/100/101/ t/rows && sort -o u/rows t/rows && mv v2/rows w/rows && grep -v 4 t/rows > $D/x && cp $D/x t/rows && truncate -s 0 v2/rows'
echo 1 >"$X/e/commit"
is 'with the same result' '1 2 101 3 5 6 7|101 1 2 3 4 5 6 7|1|' "$(nums t)|$(nums u)|$(nums w)|$(nums v2)"
mkdir "$X/f"
is 'nothing is moved out of it or in' 'rename=EPERM rename=EPERM' \
    "$(sys rename "$X/f/tables/t/rows" "$T/t/rows" rename "$T/t" "$X/f/tables/t9")"
ok 'but copied' run 'cp t/rows ../tx/f/tables/u/rows'
is 'scratch files are private to it' 'open=ok stat=ENOENT stat=ok' \
    "$(sys open w "$X/f/tables/t/scr" stat "$T/t/scr" stat "$X/f/tables/t/scr")"
rmdir "$X/f"

# --- what is refused

mkdir "$X/g"
fails_with EINVAL 'another word is no commit' run 'echo yes > ../tx/g/commit'
is 'nor is the close behind it' open "$(state g)"
is 'commit cannot be read' 'open=EACCES' "$(sys open r "$X/g/commit")"
is 'isolation is snapshot' snapshot "$(cat "$X/g/isolation")"
fails_with EINVAL 'or serializable' run 'echo strict > ../tx/g/isolation'
ok 'which it can be made' run 'echo serializable > ../tx/g/isolation'
is 'and then is' serializable "$(cat "$X/g/isolation")"
fails 'bad rows are refused as outside' in_tx g 'echo "$BAD" >> t/rows'
is 'with the path in errors' tx/g/tables/t/rows "$(last_refusal path)"
is 'other names cannot be made' 'open=EPERM mkdir=EPERM unlink=EPERM' \
    "$(sys open w "$X/g/x" mkdir "$X/g/x" unlink "$X/g/status")"
ok 'a transaction that changed nothing commits' run 'before=$(wc -l < ../log); echo 1 > ../tx/g/commit && [ "$before" = "$(wc -l < ../log)" ]'
is 'without a version of its own' 'committed' "$(state g)"

mkdir "$X/h"
printf '%s\n' "$R1" >>"$X/h/tables/t/rows"
mnt_stop two
mnt_stop
mnt_start
is 'the end of the daemon aborts' "stat=ENOENT, $((0)) h" "$(sys stat "$MNT/tx/h"), $(grep -c '"id":"h"' "$MNT/log") h"
is 'what has committed is known' committed "$(jq -r .state "$MNT/tx/d/status")"
done_testing
