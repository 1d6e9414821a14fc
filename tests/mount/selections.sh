#!/bin/bash
# SPDX-License-Identifier: MIT
# by/<column>/<value>/: the rows where the column has that value, a table in small.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export D=$T_DIR
ids() { jq -c .id "$1" | paste -sd' '; }                      # FILE
found() { is "by/$1 has $2" "$2" "$(ids "$T/t/by/$1/rows")"; } # SELECTION IDS
no() { is "there is no by/$1" 'stat=ENOENT' "$(sys stat "$T/t/by/$1")"; }

run 'mkdir t'
add t '{"id":1,"s":"a","n":1,"w":"x"}' '{"id":2,"s":"b","n":1.0}' '{"id":3,"s":"b","n":"1","w":null}' \
    '{"id":4,"s":"","n":10,"w":true}' '{"id":5,"s":"a/b","n":-3}' '{"id":6,"s":"..","n":2e1}' \
    '{"id":7,"s":"100%","n":9,"w":{"k":[1,2]}}' '{"id":8,"s":"ä\u0062","n":false}' '{"id":9,"s":"1..2"}'

# --- without a schema

found s/a 1
found s/b '2 3'
found n/1 '1 2 3'
found n/1.00 '1 2'
found n/20 6
found n/false 8
found w/true 4
found w/%null 3
found w/%missing '2 5 6 8 9'
found s/%empty 4
found s/a%2Fb 5
found s/%2E%2E 6
found s/100%25 7
found s/äb 8
found s/1%2E.2 9
found 'w/{"k":[1,2]}' 7
found n/1..9 '1 2 7'
found n/..1 '1 2 5'
found n/2.. '4 6 7'
found s/a.. '1 2 3 5 8'
found s/a..b '1 2 3 5'
found n/1..9/by/s/a..b '1 2'
found s/b/by/n/1 '2 3'
found id/1../by/id/..3 '1 2 3'
found s/nobody ''
found nocolumn/x ''
found nocolumn/%missing '1 2 3 4 5 6 7 8 9'
no s/%zz
no s/%
no s/1..2..3
no s/a...b
is '.. is the directory above' 'by' "$(run 'cd t/by/s/.. && basename "$PWD"')"
is 'a selection is a directory with its rows' rows "$(ls -A "$T/t/by/s/b")"
is 'without a schema of its own' 'stat=ENOENT stat=ENOENT' "$(sys stat "$T/t/by/s/b/schema" stat "$T/t/by/s/b/stream")"
is 'by is not listed' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
is 'sizes are exact' "$(wc -c <"$T/t/by/s/b/rows" | tr -d ' ')" "$(stat -c %s "$T/t/by/s/b/rows")"
is 'info counts' '2 by/s/b' "$(jq -r '"\(.rows) \(.selection)"' "$T/t/by/s/b/info")"
is 'as CSV' 'id,s,n,w|2,b,1.0,|3,b,"1",|' "$(tr -d '\r' <"$T/t/by/s/b/rows.csv" | paste -sd'|')|"
is 'as TSV, with the columns of these rows' $'id\ts\tn|5\ta/b\t-3' "$(paste -sd'|' "$T/t/by/id/5/rows.tsv")"

# --- rows are appended, replaced and removed through it

is 'an append fills in what the path says' '{"s":"a","id":10}' "$(run 'echo "{\"id\":10}" >> t/by/s/a/rows && tail -n 1 t/rows')"
is 'of each condition, in the order of the path' '{"s":"a","n":5,"id":11}' \
    "$(run 'echo "{\"id\":11}" >> t/by/s/a/by/n/5/rows && tail -n 1 t/rows')"
is 'a row that has it is as it was written' '{ "n" : 5.0, "id":12,"s":"\u0061"}' \
    "$(run 'echo "$1" >> t/by/s/a/by/n/5/rows && tail -n 1 t/rows' '{ "n" : 5.0, "id":12,"s":"\u0061"}')"
is 'names are filled in as values' '{"s":"a/b","id":13}' "$(run 'echo "{\"id\":13}" >> t/by/s/a%2Fb/rows && tail -n 1 t/rows')"
is '%null is null' '{"s":null,"id":14}' "$(run 'echo "{\"id\":14}" >> t/by/s/%null/rows && tail -n 1 t/rows')"
is '%missing adds nothing' '{"id":15}' "$(run 'echo "{\"id\":15}" >> t/by/s/%missing/rows && tail -n 1 t/rows')"
refuses EINVAL 'column s is "b", and the path says a (line 2)' 'a row that contradicts its path is refused' \
    'printf "%s\n" "{\"id\":16}" "{\"id\":17,\"s\":\"b\"}" >> t/by/s/a/rows'
refuses EINVAL 'column n is 12, and the path says 1..9 (line 1)' 'so is one out of its range' 'echo "{\"n\":12}" >> t/by/n/1..9/rows'
refuses EINVAL 'column n is missing, and the path, by/.../1..9, does not say what it is (line 1)' 'or without the column' \
    'echo "{\"id\":18}" >> t/by/n/1..9/rows'
refuses EINVAL 'column s is 1, and the path says %missing (line 1)' 'or with one that is to be missing' 'echo "{\"s\":1}" >> t/by/s/%missing/rows'
is 'errors has the path' tables/t/by/s/%missing/rows "$(last_refusal path)"
is 'it commits nothing' 15 "$(lines "$T/t/rows")"

run 'echo "{\"id\":20}" > t/by/s/b/by/id/2../rows'
is '> replaces these rows and no others' '1 4 5 6 7 8 9 10 11 12 13 14 15 20' "$(ids "$T/t/rows")"
run 'printf "%s\n" "{\"id\":2}" "{\"id\":3}" > t/by/s/b/rows'
found s/b '2 3'
is 'in one commit' 1 "$(commits_of 'printf "%s\n" "{\"id\":2}" "{\"id\":3,\"n\":7}" > t/by/s/b/rows')"
is 'of a delete and an append' '["delete","append"]' "$(tail -n 1 "$MNT/log" | jq -c '[.tables[].op]')"
is ': > deletes them' ', 1' "$(run ': > t/by/s/b/rows'; ids "$T/t/by/s/b/rows"), $(jq .rows "$T/t/by/id/1/info")"
is 'truncate too' '' "$(run 'truncate -s 0 t/by/s/a%2Fb/rows'; ids "$T/t/by/s/a%2Fb/rows")"
is 'rm too' '' "$(run 'rm t/by/n/1..9/rows'; ids "$T/t/by/n/1..9/rows")"
is 'what is not there is deleted to no effect' 0 "$(commits_of ': > t/by/s/nobody/rows; rm t/by/s/nobody/rows')"
found s/a 10
is 'the rest stands' '4 6 8 9 10 14 15' "$(ids "$T/t/rows")"
is 'a program that reads what it replaces' '4 6 8 9 14 15 10' "$(run 'grep -v nothing t/by/s/a/rows > t/by/s/a/rows'; ids "$T/t/rows")"
is 'a replacement that is refused leaves all as it was' '4 6 8 9 14 15 10' \
    "$(run 'echo "{\"s\":\"q\"}" > t/by/s/a/rows' 2>/dev/null; run '(echo "{\"id\":1}"; exit 1) > t/by/s/a/rows'; ids "$T/t/rows")"

# --- what cannot be done

is 'in place' 'open=ok at=EINVAL' "$(sys open wo "$T/t/by/s/a/rows" at 0 '{}')"
is 'reading and writing at once' 'open=EACCES' "$(sys open rw "$T/t/by/s/a/rows")"
is 'other files and directories' 'mkdir=EPERM mkdir=EPERM open=EPERM open=EPERM open=EPERM' \
    "$(sys mkdir "$T/t/by/s/a/x" mkdir "$T/t/by/%x" open w "$T/t/by/s/x.txt" open w "$T/t/by/s/a/schema" open w "$T/t/by/s/a/stream" |
        sed 's/open=E[A-Z]*/open=EPERM/')"
is 'removing directories that are in the nature of it' 'rmdir=ENOTEMPTY rmdir=ENOTEMPTY rmdir=ENOTEMPTY' \
    "$(sys rmdir "$T/t/by/s/a" rmdir "$T/t/by/s" rmdir "$T/t/by")"
is 'errors has the paths' 'tables/t/by/s/a tables/t/by/s tables/t/by' "$(tail -n 3 "$MNT/errors" | jq -r .path | paste -sd' ')"
is 'moving' 'rename=EPERM rename=EPERM rename=EPERM' \
    "$(sys rename "$T/t/by/s/a/rows" "$T/t/by/s/b/rows" rename "$T/t/by/s/a" "$T/t/by/s/c" rename "$T/t/by/s/a/rows" "$T/t/rows")"
run 'echo "{\"id\":1,\"s\":\"a\"}" > t/by/s/a/draft'
is 'a draft is private to its selection' 'stat=ok stat=ENOENT stat=ENOENT' \
    "$(sys stat "$T/t/by/s/a/draft" stat "$T/t/by/s/b/draft" stat "$T/t/draft")"
is 'and stays in it' 'rename=EPERM rename=EPERM' "$(sys rename "$T/t/by/s/a/draft" "$T/t/rows" rename "$T/t/by/s/a/draft" "$T/t/by/s/b/rows")"
ok 'renamed to rows it replaces them' mv "$T/t/by/s/a/draft" "$T/t/by/s/a/rows"
found s/a 1
run 'echo "{\"id\":1,\"s\":\"b\"}" > t/by/s/a/draft'
refuses EINVAL 'column s is "b", and the path says a (line 1)' 'if they are of it' 'perl -e "rename q(t/by/s/a/draft), q(t/by/s/a/rows) or die \$!"'

# --- with a schema

run 'mkdir p'
run 'echo "$1" > p/schema' '{"columns":{"id":"int64","s":"string","m":{"type":"decimal(9,2)","default":5},"d":"date","w":"timestamp","f":"float64","b":"bool"},"key":"id"}'
add p '{"id":1,"s":"1","m":1.50,"d":"2026-01-31","w":"2026-01-01T00:00:00Z","f":0.1,"b":true}' \
    '{"id":2,"s":"01","m":"1.5","d":"2026-02-01","w":"2026-01-01T01:00:00+01:00","f":1e-1}' \
    '{"id":3,"s":"x","d":"2025-12-31","w":"2026-01-01T00:00:00.5Z","b":false}'
found() { is "by/$1 has $2" "$2" "$(ids "$T/p/by/$1/rows")"; }
no() { is "there is no by/$1" 'stat=ENOENT' "$(sys stat "$T/p/by/$1")"; }
found s/1 1
found m/1.5 '1 2'
found m/5 3
found d/2026-01-01..2026-12-31 '1 2'
found w/2026-01-01T00:00:00Z '1 2'
found w/2026-01-01T02:00:00+02:00 '1 2'
found w/2026-01-01T00:00:00Z.. '1 2 3'
found f/0.10 '1 2'
found f/%missing 3
found b/true 1
found id/2..3 '2 3'
found id/-9223372036854775808..1 1
found id/1/by/s/1 1
no nope/1
no id/x
no id/1.5
no id/%empty
no b/1
no d/2026-02-30
no w/2026-01-01
no m/x..2
no id/1..x
refuses EINVAL 'column id is missing, and the path, by/.../1..2, does not say what it is (line 1)' 'a range gives no key' \
    'echo "{\"s\":\"y\"}" >> p/by/id/1..2/rows'
refuses EINVAL 'column x is not in the schema (line 1)' 'the schema holds here, too' 'echo "{\"x\":1}" >> p/by/id/5/rows'
refuses EEXIST 'there is a row with id 3 (line 1)' 'so does the key' 'echo "{\"s\":\"y\"}" >> p/by/id/3/rows'
ok 'a row is replaced under its key' run 'echo "{\"s\":\"y\"}" > p/by/id/3/rows'
found s/y 3
ok 'is made under its key' run 'echo "{\"s\":\"z\"}" >> p/by/id/4/rows'
is 'and is of the types of the path' '{"m":7.25,"id":5,"b":true}|{"w":"2026-01-01T00:00:00Z","id":6}' \
    "$(run 'echo "{\"id\":5,\"b\":true}" >> p/by/m/7.25/rows; echo "{\"id\":6}" >> p/by/w/2026-01-01T00:00:00Z/rows; tail -n 2 p/rows' | paste -sd'|')"
refuses EEXIST 'two of the rows have id 4 (line 2)' 'two rows for one key' 'printf "{}\n{}\n" > p/by/id/4/rows'
is 'it stands' 4 "$(ids "$T/p/by/id/4/rows")"

# --- a long value, many rows, another mount

long=$(printf '%0300d' 0 | tr 0 y)
add t "{\"id\":100,\"s\":\"$long\"}" "{\"id\":101,\"s\":\"$long.\"}"
name=$(ls "$T/t/by/s" | grep '^yyy' | while read -r n; do grep -q :100, "$T/t/by/s/$n/rows" && echo "$n"; done)
like 'a value that is too long for a name ends in its hash' '^y+%~[0-9a-f]{16}$' "$name"
is 'under which it is found' 100 "$(ids "$T/t/by/s/$name/rows")"
fails_with ENAMETOOLONG 'not under itself' cat "$T/t/by/s/$long/rows"
refuses EINVAL "column s is missing, and the path, by/.../$name, does not say what it is (line 1)" 'and gives none' \
    "echo '{}' >> t/by/s/$name/rows"
seq -f '{"id":%.0f,"s":"k","pad":"0123456789012345678901234567890123456789"}' 1000 60000 | cat >>"$T/t/rows"
is 'of many' 59001 "$(jq .rows "$T/t/by/s/k/info")"
is 'ranges' '1000 1001 1002' "$(ids "$T/t/by/id/1000..1002/rows")"
is 'to the end, at the right size' "$(stat -c %s "$T/t/by/id/59000../rows") 1001" \
    "$(wc -c <"$T/t/by/id/59000../rows") $(lines "$T/t/by/id/59000../rows")"
ok 'every second one is deleted' run 'jq -c "select(.id % 2 == 0)" t/by/s/k/rows > $D/even; cat $D/even > t/by/s/k/rows'
is 'and gone' 29501 "$(jq .rows "$T/t/by/s/k/info")"
exec 5<"$T/t/by/s/k/rows"
run ': > t/by/s/k/rows'
is 'who had them open reads them to the end' 29501 "$(wc -l <&5)"
exec 5<&-
mnt_start two
run 'echo "{\"id\":200}" >> t/by/s/other/rows'
MNT=$T_DIR/mnt T=$MNT/tables
is 'another mount sees it at once' 200 "$(ids "$T/t/by/s/other/rows")"

# --- removing directories

run 'mkdir gone'
printf '%s\n' '{"c":"a"}' '{"c":"b"}' '{"c":"b"}' >"$T/gone/rows"
fails_with ENOTEMPTY 'a selection that has rows is not removed' run 'rmdir gone/by/c/b'
ok 'rm -r of one deletes its rows' run 'rm -r gone/by/c/b'
is 'and no others' '{"c":"a"}' "$(cat "$T/gone/rows")"
fails_with ENOTEMPTY 'nor is a column' run 'rmdir gone/by/c'
ok 'rm -r of a column deletes all that have a value of it' run 'rm -r gone/by/c'
is 'which is all' '' "$(cat "$T/gone/rows")"

# --- what is no value

run 'mkdir typed'
echo '{"columns":{"day":"date","n":"int64","price":"decimal(5,2)"}}' >"$T/typed/schema"
echo '{"day":"2026-01-02","n":4,"price":3}' >"$T/typed/rows"
reason() { tail -n 1 "$MNT/errors" | jq -r '"\(.path) \(.errno) \(.reason)"'; }
for path in 'day/2026-02' 'n/1.5' 'n/a..b'; do
    fails_with ENOENT "by/$path is nothing" run "cat typed/by/$path/rows"
    ok '  and the column, the value and the type are told' grep -q "^tables/typed/by/$path ENOENT by/${path%%/*}: ${path#*/} spells no [a-z0-9]*, nor" <(reason)
done
fails_with ENOENT 'nor is a column that the schema does not have' run 'ls typed/by/prize'
is '  which is told' 'tables/typed/by/prize ENOENT table typed has no column prize' "$(reason)"
for path in 'price/1..999999999999' 'price/1..1e9' 'n/1..4.5' 'n/-1e30..'; do
    is "the ends of a range may be any numbers: $path" '{"day":"2026-01-02","n":4,"price":3}' "$(cat "$T/typed/by/$path/rows")"
done
done_testing
