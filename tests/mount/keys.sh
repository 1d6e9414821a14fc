#!/bin/bash
# SPDX-License-Identifier: MIT
# Keys are unique, whoever writes, on whatever mount.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export D=$T_DIR
keyed() { # TABLE [KEY [COLUMNS]]
    run 'mkdir "$1" && echo "{\"columns\":{\"id\":\"int64\",\"by\":\"string\"$3},\"key\":$2}" > "$1/schema"' \
        "$1" "${2:-\"id\"}" "${3:-}"
}
ids() { jq .id "$T/$1/rows" | sort -n | paste -sd' '; }

# --- one client

keyed t
add t '{"id":1,"by":"a"}' '{"id":2,"by":"b"}'
refuses EEXIST 'there is a row with id 2 (line 1)' 'a key that is there is refused' 'echo "{\"id\":2}" >> t/rows'
refuses EEXIST 'there is a row with id 1 (line 2)' 'with its line' 'printf "%s\n" "{\"id\":3}" "{\"id\":1}" >> t/rows'
refuses EEXIST 'two of the rows have id 4 (line 3)' 'so is one that comes twice' 'printf "{\"id\":%d}\n" 4 5 4 >> t/rows'
is 'nothing of them is there' '1 2' "$(ids t)"
is 'the shell is told by its own echo' 1 "$(run 'echo "{\"id\":2}" >> t/rows' 2>/dev/null; echo $?)"
ok 'a replacement may have the old keys' run 'printf "{\"id\":%d}\n" 2 1 3 > t/rows'
refuses EEXIST 'two of the rows have id 6 (line 2)' 'but each once' 'printf "{\"id\":%d}\n" 6 6 > t/rows'
ok 'a key that was deleted is free' run ': > t/by/id/2/rows && echo "{\"id\":2}" >> t/rows'
ok 'so are all, when all rows are' run ': > t/rows && printf "{\"id\":%d}\n" 1 2 3 >> t/rows'
is 'sed -i may not make a double one' '1 2 3' "$(run 'sed -i s/3/2/ t/rows' 2>/dev/null; ids t)"
run 'rm -f t/sed*'
ok 'numbers are equal however written' run 'mkdir f && echo "{\"columns\":{\"id\":\"float64\"},\"key\":\"id\"}" > f/schema && echo "{\"id\":1}" > f/rows'
refuses EEXIST 'there is a row with id 1.0 (line 1)' '1 and 1.0' 'echo "{\"id\":1.0}" >> f/rows'
keyed p '["by","id"]'
add p '{"id":1,"by":"a"}' '{"id":1,"by":"b"}' '{"id":2,"by":"a"}'
refuses EEXIST 'there is a row with by "b", id 1 (line 1)' 'a key of two columns' 'echo "{\"id\":1,\"by\":\"b\"}" >> p/rows'
refuses EINVAL 'column by is missing (line 1)' 'which both are required' 'echo "{\"id\":1}" >> p/rows'
is 'its rows are found by both' 1 "$(jq .rows "$T/p/by/by/a/by/id/1/info")"

keyed big
seq -f '{"id":%.0f,"by":"0123456789012345678901234567890123456789"}' 100000 | cat >>"$T/big/rows"
is 'a hundred thousand rows' 100000 "$(jq .rows "$T/big/info")"
refuses EEXIST 'there is a row with id 77777 (line 2)' 'are unique, too' 'printf "{\"id\":%d}\n" 0 77777 >> big/rows'
refuses EEXIST 'there is a row with id 100000 (line 50001)' 'also against as many' \
    'seq -f "{\"id\":%.0f,\"by\":\"0123456789012345678901234567890123456789\"}" 150000 -1 1 >> big/rows'
is 'a row is found by its key' '{"id":4711,"by":"0123456789012345678901234567890123456789"}' "$(cat "$T/big/by/id/4711/rows")"
mnt_stop
mnt_start
refuses EEXIST 'there is a row with id 5 (line 1)' 'also on another day' 'echo "{\"id\":5}" >> big/rows'

# --- two mounts, many clients

# Who loses a race learns of it at the close, which a shell's own echo does not look at. A program that
# bash starts does; the write to a stream tells everybody.

mnt_start two
MNT=$T_DIR/mnt T=$MNT/tables
keyed u
race() { # SHELL SNIPPET KEY: eight clients insert it, on one mount or the other; prints who did
    seq 8 | xargs -P 8 -I{} "$1" -c 'm=mnt; [ $(($3 % 2)) = 0 ] && m=two
        cd "$1/$m/tables/u" && '"$2"' 2>/dev/null && echo $3' sh "$T_DIR" "$3" {}
}
wrong=
for key in $(seq 8); do
    if [ "$key" -lt 6 ]; then
        won=$(race bash 'env echo "{\"id\":$2,\"by\":\"$3\"}" >> rows' "$key")
    else
        won=$(race dash 'echo "{\"id\":$2,\"by\":\"$3\"}" >> stream' "$key")
    fi
    [ "$(jq -r "select(.id == $key) | .by" "$T/u/rows")" = "$won" ] || wrong="$wrong $key:$won"
done
is 'of eight clients exactly one gets each key, and knows' '' "$wrong"
is 'and no key is there twice' '1 2 3 4 5 6 7 8' "$(ids u)"
like 'the others are told why' 'EEXIST (there is a row with id 8|somebody has just added a row with id 8|two of the rows.*)' \
    "$(cat "$MNT/errors" "$T_DIR/two/errors" | jq -r '"\(.errno) \(.reason)"' | grep 'id 8' | head -n 1)"

keyed v
cat >"$D/client" <<'END'
cd "$1" || exit
for i in $(seq 25); do
    m=mnt; [ $((($2 + i) % 2)) = 0 ] && m=two
    env echo "{\"id\":$i,\"by\":\"$2\"}" 2>/dev/null >> $m/tables/v/rows && echo "$i $2"
done
END
seq 6 | xargs -P 6 -I{} bash "$D/client" "$T_DIR" {} >"$D/won"
is 'six clients that all insert the same 25 keys get 25 rows' "$(seq 25 | paste -sd' ')" "$(ids v)"
is 'each of which is that of the one that was told so' "$(sort -n "$D/won")" "$(jq -r '"\(.id) \(.by)"' "$T/v/rows" | sort -n)"

keyed w
add w '{"id":0,"by":""}'
seq 120 | xargs -P 6 -I{} bash -c 'm=mnt; [ $(($2 % 2)) = 0 ] && m=two; cd "$1/$m/tables/w" || exit
    env echo "{\"by\":\"$2\"}" > by/id/0/patch || echo "patch $2"
    env echo "{\"id\":$2,\"by\":\"x\"}" >> rows || echo "insert $2"' sh "$T_DIR" {} >"$D/said" 2>&1
is 'patches of a hot row are never refused, nor are inserts beside them' '' "$(cat "$D/said")"
is 'each row is there once' "$(seq 0 120 | paste -sd' ')" "$(ids w)"
run 'for i in 1 2 3 4 5 6; do echo "{\"id\":0,\"by\":\"$i\"}" > w/by/id/0/rows & done; wait'
is 'a hot row that is replaced stays one row' 1 "$(jq .rows "$T/w/by/id/0/info")"

run 'mkdir ../tx/a ../tx/b'
echo '{"id":500}' >>"$MNT/tx/a/tables/w/rows"
echo '{"id":500}' >>"$MNT/tx/b/tables/w/rows"
ok 'two transactions insert a key: the first' run 'echo 1 > ../tx/a/commit'
fails_with ECANCELED 'the second does not' run 'echo 1 > ../tx/b/commit'
like 'and says why' 'key of one that this transaction adds' "$(jq -r .reason "$MNT/tx/b/status")"
done_testing
