#!/bin/bash
# SPDX-License-Identifier: MIT
# Schemas, selections, patches and CSV in a transaction.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export D=$T_DIR X=$MNT/tx
in_tx() { run "cd ../tx/$1/tables && $2" "${@:3}"; } # ID SNIPPET [ARG...]
ids() { jq .id "$1" | paste -sd' '; }                 # FILE

run 'mkdir t && echo "$1" > t/schema' '{"columns":{"id":"int64","s":"string","n":"int64"},"key":"id"}'
add t '{"id":1,"s":"a"}' '{"id":2,"s":"b"}' '{"id":3,"s":"b"}'
mkdir "$X/a"
before=$(commits)
ok 'rows are appended, replaced, patched and deleted by selection' in_tx a \
    'echo "{\"id\":4}" >> t/by/s/c/rows && echo "{\"s\":\"A\"}" > t/by/id/1/rows && echo "{\"n\":7}" > t/by/s/b/patch && rm t/by/id/2/rows && printf "id,s\n5,csv\n" >> t/rows.csv'
is 'which the transaction sees' '4 1 3 5' "$(ids "$X/a/tables/t/rows")"
is 'in its selections' '3|4|' "$(ids "$X/a/tables/t/by/n/7/rows")|$(ids "$X/a/tables/t/by/s/c/rows")|$(ids "$X/a/tables/t/by/s/a/rows")"
is 'and lists' 'c A b csv' "$(ls -U "$X/a/tables/t/by/s" | paste -sd' ')"
is 'as CSV' '4,c,|1,A,|3,b,7|5,csv,' "$(tail -n +2 "$X/a/tables/t/rows.csv" | tr -d '\r' | paste -sd'|')"
is 'at the right size' "$(wc -c <"$X/a/tables/t/rows.csv" | tr -d ' ')" "$(stat -c %s "$X/a/tables/t/rows.csv")"
is 'as TSV' 'id s n' "$(head -n 1 "$X/a/tables/t/rows.tsv" | tr '\t' ' ')"
is 'info counts' '1 by/n/7' "$(jq -r '"\(.rows) \(.selection)"' "$X/a/tables/t/by/n/7/info")"
is 'nobody else sees any of it' "1 2 3, $before" "$(ids "$T/t/rows"), $(commits)"
tx_refuses() { # ERRNO SENTENCE TEXT SNIPPET
    refuses "$1" "$2" "$3" "cd ../tx/a/tables && $4"
}
tx_refuses EEXIST 'there is a row with id 4 (line 1)' 'a key of its own rows is taken' 'echo "{\"id\":4}" >> t/rows'
tx_refuses EEXIST 'there is a row with id 3 (line 1)' 'and one of the base' 'echo "{\"id\":3}" >> t/rows'
tx_refuses EINVAL 'column id: "x" is not a whole number (line 1)' 'the schema holds' 'echo "{\"id\":\"x\"}" >> t/rows'
tx_refuses EINVAL 'column s is "x", and the path says c (line 1)' 'and the path' 'echo "{\"id\":9,\"s\":\"x\"}" >> t/by/s/c/rows'
tx_refuses EEXIST 'row 1, patched: there is a row with id 3' 'and keys for patches' 'echo "{\"id\":3}" > t/by/id/4/patch'
tx_refuses EINVAL 'column id: x is not a whole number (line 2)' 'and the schema for CSV' 'printf "id\nx\n" >> t/rows.csv'
is 'errors has its path' tx/a/tables/t/rows.csv "$(last_refusal path)"
ok 'a key that the transaction has deleted is free' in_tx a 'echo "{\"id\":2,\"s\":\"new\"}" >> t/rows'
ok 'a patch of a patch' in_tx a 'echo "{\"n\":8}" > t/by/id/3/patch && echo "{\"n\":9}" > t/by/id/3/patch'
ok 'sed -i of a selection' in_tx a 'sed -i s/c/c/\;s/:4/:4/ t/by/id/4/rows'
is 'commits' 0 "$(run 'echo 1 > ../tx/a/commit'; echo $?)"
is 'in one version, with the same rows' "$((before + 1)), 1 2 3 4 5" "$(commits), $(ids "$T/t/rows" | tr ' ' '\n' | sort -n | paste -sd' ')"
is 'the last of it counts' 9 "$(jq .n "$T/t/by/id/3/rows")"

mkdir "$X/b"
add t '{"id":6,"s":"b"}'
ok 'a patch in a transaction is of its base' in_tx b 'echo "{\"n\":1}" > t/by/s/b/patch'
ok 'and commits beside rows that came meanwhile' run 'echo 1 > ../tx/b/commit'
is 'which it does not touch' null "$(jq .n "$T/t/by/id/6/rows")"
mkdir "$X/c" "$X/d" "$X/e"
for x in c d; do in_tx $x 'echo "{\"n\":2}" > t/by/id/1/patch'; done
in_tx e 'echo "{\"n\":2}" > t/by/id/2/patch'
ok 'of two that patch one row the first commits' run 'echo 1 > ../tx/c/commit'
fails_with ECANCELED 'the second does not' run 'echo 1 > ../tx/d/commit'
ok 'one that patches another row does' run 'echo 1 > ../tx/e/commit'
mkdir "$X/f"
in_tx f 'echo "{\"n\":3}" > t/by/id/1/patch'
run 'echo "{\"n\":4}" > t/by/id/1/patch'
fails_with ECANCELED 'nor one whose row was patched outside' run 'echo 1 > ../tx/f/commit'
mkdir "$X/g"
in_tx g 'echo "{\"id\":70}" >> t/rows'
add t '{"id":70}'
fails_with ECANCELED 'nor one whose key was taken' run 'echo 1 > ../tx/g/commit'
like 'status says why' 'key' "$(jq -r .reason "$X/g/status")"

# --- schemas

mkdir "$X/h"
ok 'a table with schema and rows is made in it' in_tx h \
    'mkdir u && echo "{\"columns\":{\"k\":\"string\"},\"key\":\"k\"}" > u/schema && echo "{\"k\":\"x\"}" >> u/rows'
tx_refuses_h() { refuses "$1" "$2" "$3" "cd ../tx/h/tables && $4"; }
tx_refuses_h EEXIST 'there is a row with k "x" (line 1)' 'where they hold' 'echo "{\"k\":\"x\"}" >> u/rows'
ok 'and a column is added to another one' in_tx h 'jq ".columns.m = \"string\"" t/schema > $D/s && cat $D/s > t/schema && echo "{\"m\":\"x\"}" > t/by/id/1/patch'
is 'nobody sees it' 'stat=ENOENT 3' "$(sys stat "$T/u") $(jq '.columns | length' "$T/t/schema")"
ok 'it commits' run 'echo 1 > ../tx/h/commit'
is 'as a whole' 'x x 4' "$(jq -r .k "$T/u/rows") $(jq -r .m "$T/t/by/id/1/rows") $(jq '.columns | length' "$T/t/schema")"
mkdir "$X/i" "$X/j"
in_tx i 'jq "del(.columns.m)" t/schema > $D/s && cat $D/s > t/schema'
is 'a column goes in it' '0 1' "$(grep -c '"m"' "$X/i/tables/t/rows") $(grep -c '"m"' "$T/t/rows")"
rmdir "$X/i"
is 'and not, if it is aborted' 1 "$(grep -c '"m"' "$T/t/rows")"
in_tx j 'echo "{\"id\":90,\"m\":\"gone\"}" >> t/rows'
run 'jq "del(.columns.m)" t/schema > $D/s && cat $D/s > t/schema'
fails_with ECANCELED 'rows of a schema that is no more do not commit' run 'echo 1 > ../tx/j/commit'
like 'and status says so' 'schema' "$(jq -r .reason "$X/j/status")"
mkdir "$X/k"
echo serializable >"$X/k/isolation"
in_tx k 'cat t/by/id/5/rows >/dev/null && echo "{\"k\":\"read\"}" >> u/rows'
run 'echo "{\"n\":5}" > t/by/id/5/patch'
fails_with ECANCELED 'serializable: a selection that was read has changed' run 'echo 1 > ../tx/k/commit'
mkdir "$X/l"
run '(cd ../tx/l/tables && exec 5> t/by/id/1/patch && printf "{" >&5 && echo 1 > ../commit)' 2>"$D/said"
like 'a commit while a patch is unfinished is refused' 'busy' "$(cat "$D/said")"
rmdir "$X/l"
for id in $(ls "$X"); do rmdir "$X/$id"; done

# --- what is over, what was looked at

run 'mkdir ../tx/over'
echo 1 >"$MNT/tx/over/commit"
fails_with ENOENT 'a transaction that has committed has no commit' run 'echo 1 > ../tx/over/commit'
ok '  and that is told' grep -q 'has committed' <(tail -n 1 "$MNT/errors")
run 'mkdir info other ../tx/info'
printf '%s\n' '{"c":"a"}' '{"c":"b"}' >"$T/info/rows"
rmdir "$MNT/tx/info"
mkdir "$MNT/tx/info"
echo serializable >"$MNT/tx/info/isolation"
cat "$MNT/tx/info/tables/info/by/c/a/info" >/dev/null
echo '{"x":1}' >>"$MNT/tx/info/tables/other/rows"
echo '{"c":"b"}' >>"$T/info/rows"
ok 'the info of a selection is a reading of its rows only' run 'echo 1 > ../tx/info/commit'
done_testing
