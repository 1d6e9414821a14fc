#!/bin/bash
# SPDX-License-Identifier: MIT
# patch: a JSON merge patch, for each row of the table or of a selection. The UPDATE.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export D=$T_DIR
all() { paste -sd'|' "$T/${1:-t}/rows"; }

run 'mkdir t k'
add t '{"id":1,"a":{"x":1,"y":2},"n":1.00}' '{ "id" : 2, "tags":["p","q"] }' '{"id":3}'
ok 'one row' run 'echo "{\"a\":{\"x\":null,\"z\":[3]},\"name\":\"B\"}" > t/by/id/1/patch'
is 'what the patch does not name stays as it is written; the row goes to the end' \
    '{ "id" : 2, "tags":["p","q"] }|{"id":3}|{"id":1,"a":{"y":2,"z":[3]},"n":1.00,"name":"B"}' "$(all)"
is 'a delete and an append' '["delete","append"]' "$(tail -n 1 "$MNT/log" | jq -c '[.tables[].op]')"
ok 'all rows' run 'echo "{\"new\":true}" > t/patch'
is 'each of them' '{ "id" : 2, "tags":["p","q"],"new":true }|{"id":3,"new":true}|{"id":1,"a":{"y":2,"z":[3]},"n":1.00,"name":"B","new":true}' "$(all)"
ok 'null takes a member away' run 'echo "{\"new\":null}" > t/patch'
is 'wherever it is' 0 "$(grep -c new "$T/t/rows")"
is 'a row that it leaves as it is stays where it is' '0 2 3 1' \
    "$(commits_of 'echo "{\"id\":2}" > t/by/id/2/patch; echo "{}" > t/patch; echo "{\"no\":null}" > t/patch') $(jq .id "$T/t/rows" | paste -sd' ')"
is 'where no row is, there is nothing to do' 0 "$(commits_of 'echo "{\"x\":1}" > t/by/id/77/patch')"
is '>> is the same as >' 5 "$(run 'echo "{\"m\":5}" >> t/by/id/3/patch'; jq .m "$T/t/by/id/3/rows")"
is 'as are several lines, and several writes' 6 "$(run '{ echo "{"; sleep 0.01; printf "\"m\":\n6"; echo; echo "}"; } > t/by/id/3/patch'; jq .m "$T/t/by/id/3/rows")"
is 'numbers keep their digits' '12345678901234567890.10' "$(run 'echo "{\"m\":12345678901234567890.10}" > t/by/id/3/patch; grep -o "[0-9.]*10" t/by/id/3/rows')"
is 'a patch may take rows out of its selection' ' 30' \
    "$(run 'echo "{\"id\":30}" > t/by/id/3/patch'; jq .id "$T/t/by/id/3/rows" "$T/t/by/id/30/rows" | sed 's/^/ /')"
is 'a writer that fails patches nothing' 0 "$(commits_of '(echo "{\"m\":9}"; exit 1) > t/patch')"
is 'opened and closed it does nothing' 0 "$(commits_of ': > t/patch; : >> t/patch; truncate -s 0 t/patch; cat /dev/null > t/patch')"
is 'cp of a patch' '1 1' "$(commits_of 'echo "{\"m\":10}" > $D/p; cp $D/p t/patch') $(commits_of 'echo "{\"m\":11}" | tee t/patch')"
is 'jq can make it' 12 "$(run 'jq -n "{m: 12}" > t/by/id/30/patch'; jq .m "$T/t/by/id/30/rows")"

# --- what is refused

run 'echo "$1" > k/schema' '{"columns":{"id":"int64","s":{"type":"string","required":true},"n":"int64"},"key":"id"}'
add k '{"id":1,"s":"a"}' '{"id":2,"s":"b"}' '{"id":3,"s":"c"}'
cat "$T/k/rows" >"$D/before"
patch() { # ERRNO SENTENCE SELECTION TEXT
    refuses "$1" "$2" "refused: ${3:-all} $4" 'echo "$2" > "k/$1patch"' "$3" "$4"
}
patch EINVAL 'row 1, patched: column s: 5 is not a string' by/id/1/ '{"s":5}'
patch EINVAL 'row 1, patched: column s is missing' by/id/1/ '{"s":null}'
patch EINVAL 'row 1, patched: column x is not in the schema' '' '{"x":1}'
patch EINVAL 'row 1, patched: column id is missing' '' '{"id":null}'
patch EEXIST 'row 1, patched: there is a row with id 2' by/id/1/ '{"id":2}'
patch EEXIST 'row 2, patched: two of the rows have id 9' '' '{"id":9}'
patch EINVAL "a JSON object is expected, it begins with '{'" '' '[{"s":"x"}]'
patch EINVAL "a JSON object is expected, it begins with '{'" '' 'null'
patch EINVAL 'something follows the JSON object: one is written at a time' '' '{"s":"x"} {"s":"y"}'
patch EINVAL 'byte 10: the name "s" is in the object already' '' '{"s":"1","s":"2"}'
refuses EINVAL 'the JSON object is unfinished' 'half a patch' 'printf "{\"s\":" | cat > k/patch'
is 'two lines in two writes' 'open=ok write=ok write=EINVAL close=EINVAL' \
    "$(sys open a "$T/k/patch" write '{"n":1}\n' write '{"n":2}\n' close)"
same 'the rows are what they were' "$D/before" "$T/k/rows"
is 'a patch cannot be read' 'open=EACCES open=EACCES' "$(sys open r "$T/k/patch" open rw "$T/k/by/id/1/patch")"
is 'is no file' 'stat=ok' "$(sys stat "$T/k/patch")"
is 'is not removed, moved or made' 'unlink=EPERM rename=EPERM mkdir=EEXIST' \
    "$(sys unlink "$T/k/patch" rename "$T/k/patch" "$T/k/x" mkdir "$T/k/patch")"
is 'the key can be patched where it stays unique' '2 3 7' "$(run 'echo "{\"id\":7}" > k/by/id/1/patch'; jq .id "$T/k/rows" | sort | paste -sd' ')"
is 'the old one is free' '1 2 3 7' "$(add k '{"id":1,"s":"x"}'; jq .id "$T/k/rows" | sort | paste -sd' ')"

# --- many rows, many clients

seq -f '{"id":%.0f,"s":"s","n":0}' 1000 21000 | cat >>"$T/k/rows"
ok 'twenty thousand rows' run 'echo "{\"n\":1}" > k/by/s/s/patch'
is 'all of them' 20001 "$(jq .rows "$T/k/by/n/1/info")"
ok 'every tenth' run 'echo "{\"s\":\"t\"}" > k/by/id/1000..3000/patch && echo "{\"n\":2}" > k/by/s/t/patch'
is 'those' '2001 18000' "$(jq .rows "$T/k/by/n/2/info") $(jq .rows "$T/k/by/n/1/info")"
is 'the key holds' 20005 "$(jq .id "$T/k/rows" | sort -u | wc -l)"
mnt_start two
seq 100 | xargs -P 6 -I{} sh -c 'm=mnt; [ $(($3 % 2)) = 0 ] && m=two
    echo "{\"c$3\":$3}" > "$1/$m/tables/$2/by/id/1/patch"' sh "$T_DIR" t {} 2>"$D/said"
MNT=$T_DIR/mnt T=$MNT/tables
is 'no patch of a hot row is refused' '' "$(cat "$D/said")"
is 'nor lost: those of two mounts are all in it' 100 "$(jq 'keys | map(select(test("^c[0-9]"))) | length' "$T/t/by/id/1/rows")"
is 'and the row is there once' 1 "$(jq .rows "$T/t/by/id/1/info")"
done_testing
