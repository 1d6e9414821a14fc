#!/bin/bash
# SPDX-License-Identifier: MIT
# The schema of a table: a file beside its rows, which are refused if they are not of it.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export D=$T_DIR
put_schema() { printf '%s\n' "$2" | cat >"$T/$1/schema"; } # TABLE TEXT
schema_of() { jq -c . "$T/$1/schema"; }

# --- none, one, another one

run 'mkdir t'
is 'a new table has an empty one' 0 "$(stat -c %s "$T/t/schema")"
is 'which is listed, as rows are' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
ok 'it is written' run 'echo "$1" > t/schema' \
    '{"columns":{"id":"int64","name":{"type":"string","required":true},"price":{"type":"decimal(10,2)","default":0.00}},"key":"id"}'
is 'and printed, a column a line' '{
  "columns": {
    "id": {"type": "int64", "required": true},
    "name": {"type": "string", "required": true},
    "price": {"type": "decimal(10,2)", "default": 0.00}
  },
  "key": ["id"]
}' "$(cat "$T/t/schema")"
is 'its size is exact' "$(wc -c <"$T/t/schema" | tr -d ' ')" "$(stat -c %s "$T/t/schema")"
is 'info tells the key' '["id"]' "$(jq -c .key "$T/t/info")"
is 'the log tells of it' '["schema"]' "$(tail -n 1 "$MNT/log" | jq -c '[.tables[].op]')"
is 'what is printed can be written again, to no effect' 0 "$(commits_of 'cat t/schema > $D/s; cat $D/s > t/schema')"
is 'also appended: a schema is one document' 0 "$(commits_of 'cat $D/s >> t/schema')"
is 'a file that is open reads the one that it opened' "$(cat "$T/t/schema")" \
    "$(exec 5<"$T/t/schema" && put_schema t '{"columns":{"x":"json"}}' && cat <&5)"
is 'an empty table can get any other' '{"columns":{"x":"json"}}' "$(schema_of t)"
ok 'truncate takes it away' run 'truncate -s 0 t/schema && [ ! -s t/schema ] && echo "{\"any\":1}" >> t/rows'
run ': > t/rows; cat $D/s > t/schema'
ok 'so does a redirection' run ': > t/schema && [ ! -s t/schema ]'
run 'cat $D/s > t/schema'
ok 'so does rm' run 'rm t/schema && [ ! -s t/schema ]'
same 'and it is there again' "$D/s" <(run 'cat $D/s > t/schema; cat t/schema')
mnt_stop
mnt_start
same 'also on another day' "$D/s" "$T/t/schema"

# --- rows

row() { # SENTENCE ROW: it is refused
    refuses EINVAL "$1 (line 1)" "refused: $2" 'echo "$1" >> t/rows' "$2"
}
row 'column id: "1" is not a whole number' '{"id":"1","name":"a"}'
row 'column id: 1.0 is not a whole number' '{"id":1.0,"name":"a"}'
row 'column id: 9223372036854775808 is beyond int64' '{"id":9223372036854775808,"name":"a"}'
row 'column id is missing' '{"name":"a"}'
row 'column id is null, but required' '{"id":null,"name":"a"}'
row 'column name is missing' '{"id":1}'
row 'column name is null, but required' '{"id":1,"name":null}'
row 'column name: 7 is not a string' '{"id":1,"name":7}'
row 'column name: {"first":"Ada","last":"Lovelace, Countes... is not a string' \
    '{"id":1,"name":{"first":"Ada","last":"Lovelace, Countess of"}}'
row 'column price: 1.234 has too many digits behind the point' '{"id":1,"name":"a","price":1.234}'
row 'column price: 123456789.5 has too many digits before the point' '{"id":1,"name":"a","price":123456789.5}'
row 'column price: 1e2 is not a number without exponent' '{"id":1,"name":"a","price":1e2}'
row 'column zip is not in the schema' '{"id":1,"name":"a","zip":"10115"}'
row 'column ID is not in the schema' '{"ID":1,"name":"a"}'
refuses EINVAL 'column name is missing (line 3)' 'the line is told' \
    'printf "%s\n" "{\"id\":1,\"name\":\"a\"}" "" "{\"id\":2}" "{}" >> t/rows'
refuses EINVAL 'the last line is unfinished: column name is missing (line 1)' 'the last row without line feed is refused at the close' \
    'printf "{\"id\":2}" | cat >> t/rows'
is 'nothing of it is there' 0 "$(lines "$T/t/rows")"
ok 'what is not required may be missing or null' run \
    'printf "%s\n" "{\"id\":1,\"name\":\"a\"}" "{ \"name\" : \"b\", \"id\":2,\"price\":null }" "{\"\\u0069d\":3,\"name\":\"c\",\"price\":\"1.50\"}" >> t/rows'
is 'rows are as they were written' '{"id":1,"name":"a"}|{ "name" : "b", "id":2,"price":null }|{"\u0069d":3,"name":"c","price":"1.50"}' \
    "$(paste -sd'|' "$T/t/rows")"
is 'rows.csv shows the default of what is missing' $'id,name,price\r\n1,a,0.00\r\n2,b,\r\n3,c,1.50\r' "$(cat "$T/t/rows.csv")"
is 'so does by/' '{"id":1,"name":"a"}' "$(cat "$T/t/by/price/0/rows")"

run 'mkdir all'
put_schema all '{"columns":{"s":"string","i":"int64","f":"float64","b":"bool","w":"timestamp","d":"date","m":"decimal(4,2)","j":"json"}}'
typed() { # SENTENCE ROW
    refuses EINVAL "$1 (line 1)" "refused: $2" 'echo "$1" >> all/rows' "$2"
}
typed 'column f: "1" is not a number' '{"f":"1"}'
typed 'column f: 1e999 is beyond float64' '{"f":1e999}'
typed 'column b: 1 is not true or false' '{"b":1}'
typed 'column d: "2026-02-29" is not a date, such as "2026-11-23"' '{"d":"2026-02-29"}'
typed 'column w: "2026-11-23" is not a time of RFC 3339, such as "2026-11-23T18:15:59Z"' '{"w":"2026-11-23"}'
typed 'column w: 1700000000 is not a time of RFC 3339, such as "2026-11-23T18:15:59Z"' '{"w":1700000000}'
typed 'column m: "x" is not a number without exponent' '{"m":"x"}'
ok 'a row of all types' run 'echo "$1" >> all/rows' \
    '{"s":"","i":-9223372036854775808,"f":-1.5e-7,"b":false,"w":"2026-11-23T18:15:59.123456789+01:00","d":"2024-02-29","m":"-12.34","j":[{"x":null}]}'
ok 'and one of nothing' run 'echo "{}" >> all/rows'

# --- what is no schema

bad() { # SENTENCE TEXT
    refuses EINVAL "$1" "no schema: $2" 'echo "$1" | cat > t/schema' "$2"
}
bad "a JSON object is expected, it begins with '{'" 'hello'
bad "a JSON object is expected, it begins with '{'" '["id"]'
bad 'the JSON object is unfinished' '{"columns":{"id":'
bad 'something follows the JSON object: one is written at a time' '{"columns":{"id":"int64"}} {}'
bad 'the schema has no "columns", an object of names and types' '{}'
bad 'the schema has no columns' '{"columns":{}}'
bad 'the schema has "cols", which is neither "columns" nor "key"' '{"cols":{"id":"int64"}}'
bad 'column id: "int" is no type; there are "string", "int64", "float64", "bool", "timestamp", "date", "decimal(10,2)", "json"' \
    '{"columns":{"id":"int"}}'
bad 'column id: "requird" is none of "type", "required", "default", "from"' \
    '{"columns":{"id":{"type":"int64","requird":true}}}'
bad 'column id: the default "x" is not a whole number' '{"columns":{"id":{"type":"int64","default":"x"}}}'
bad 'column no, which is in "key", is not in "columns"' '{"columns":{"id":"int64"},"key":["no"]}'
bad '"key" has no columns; leave it out if there is no key' '{"columns":{"id":"int64"},"key":[]}'
like 'a name that is there twice is refused, too' 'duplicate.*id' \
    "$(run 'echo "{\"columns\":{\"id\":\"int64\",\"id\":\"int64\"}}" > t/schema' 2>/dev/null; last_refusal reason)"
refuses EINVAL 'the schema has no columns' 'bash is told by echo itself' 'echo "{\"columns\":{}}" > t/schema'
same 'after all that the schema is what it was' "$D/s" "$T/t/schema"
is 'and so are the rows' 3 "$(lines "$T/t/rows")"

# --- from one to the next, with rows

evolves() { # TEXT SCHEMA
    ok "$1" run 'echo "$1" | cat > t/schema' "$2"
}
stays() { # SENTENCE SCHEMA
    refuses EINVAL "$1" "refused: $2" 'echo "$1" | cat > t/schema' "$2"
}
C='"id":"int64","name":{"type":"string","required":true},"price":{"type":"decimal(10,2)","default":0.00}'
stays 'column id: there are rows, int64 cannot become string' "{\"columns\":{${C/int64/string}},\"key\":\"id\"}"
stays 'column id: there are rows, int64 cannot become float64 in a key' "{\"columns\":{${C/int64/float64}},\"key\":\"id\"}"
stays 'column id: it is of the key, and cannot go' "{\"columns\":{${C#*,}}}"
stays 'column name: the key of a table with rows cannot become another one' "{\"columns\":{$C},\"key\":[\"id\",\"name\"]}"
stays 'column price: there are rows that may show its default, it cannot change' \
    "{\"columns\":{${C/0.00/1.00}},\"key\":\"id\"}"
stays 'column price: there are rows, it cannot become required' \
    "{\"columns\":{${C/\"default\"/\"required\":true,\"default\"}},\"key\":\"id\"}"
stays 'column zip: it is required, and the rows do not have it; give it a default' \
    "{\"columns\":{$C,\"zip\":{\"type\":\"string\",\"required\":true}},\"key\":\"id\"}"
same 'the schema is what it was' "$D/s" "$T/t/schema"
run 'cat t/rows' >"$D/rows"
evolves 'another order of columns' "{\"columns\":{${C#*,},\"id\":\"int64\"},\"key\":\"id\"}"
is 'is that of rows.csv at once' 'name,price,id' "$(head -n 1 "$T/t/rows.csv" | tr -d '\r')"
evolves 'a requirement is loosened' "{\"columns\":{${C/,\"required\":true/}},\"key\":\"id\"}"
evolves 'a column is added' "{\"columns\":{${C/,\"required\":true/},\"n\":\"int64\",\"city\":{\"type\":\"string\",\"required\":true,\"default\":\"Bonn\"}},\"key\":\"id\"}"
same 'so far no byte of a row has changed' "$D/rows" "$T/t/rows"
is 'the default is what rows without it show' 3 "$(jq .rows "$T/t/by/city/Bonn/info")"
add t '{"id":4,"n":9007199254740993}'
ok 'int64 becomes float64' run 'jq ".columns.n = \"float64\"" t/schema > $D/next && cat $D/next > t/schema'
is 'and jq may write a default of 0.00 as 0' 0 "$(jq .columns.price.default "$T/t/schema")"
C='"id":"int64","name":"string","price":{"type":"decimal(10,2)","default":0.00},"n":"float64"'
evolves 'a column goes' "{\"columns\":{$C},\"key\":\"id\"}"
is 'and is in no row' 0 "$(grep -c city "$T/t/rows")"
evolves 'a column is renamed' "{\"columns\":{${C/\"name\":\"string\"/\"title\":{\"type\":\"string\",\"from\":\"name\"\}}},\"key\":\"id\"}"
is 'in all rows, which are else as they were' '{"id":1,"title":"a"}|{ "title" : "b", "id":2,"price":null }|{"\u0069d":3,"title":"c","price":"1.50"}|{"id":4,"n":9007199254740993}' \
    "$(paste -sd'|' "$T/t/rows")"
is 'the same text again does nothing' 0 "$(commits_of 'echo "$1" > t/schema' \
    "{\"columns\":{${C/\"name\":\"string\"/\"title\":{\"type\":\"string\",\"from\":\"name\"\}}},\"key\":\"id\"}")"
evolves 'the key of the table is dropped' "{\"columns\":{${C/name/title}}}"
add t '{"id":1,"title":"again"}'
is 'then it holds no more' 2 "$(jq .rows "$T/t/by/id/1/info")"
stays 'column id: a table with rows gets a key with its first schema only' "{\"columns\":{${C/name/title}},\"key\":\"id\"}"
ok 'without a schema again' run ': > t/schema'
refuses EEXIST 'two of the rows have id 1' 'a first schema with a key that is not one is refused' \
    'echo "$1" | cat > t/schema' "{\"columns\":{${C/name/title}},\"key\":\"id\"}"
refuses EINVAL 'row 1 of table t: column title: "a" is not true or false' 'as is one that a row is not of' \
    'echo "$1" | cat > t/schema' "{\"columns\":{${C/\"name\":\"string\"/\"title\":\"bool\"}}}"
is 'then there is none, as before' 0 "$(stat -c %s "$T/t/schema")"

# --- names, in place, both at once

is 'a schema is not overwritten in place' 'open=ok at=EINVAL' "$(sys open wo "$T/all/schema" at 0 '{}')"
is 'nor cut' 'open=ok cut=EINVAL' "$(sys open wo "$T/all/schema" cut 3)"
is 'nor read and written at once' 'open=EACCES' "$(sys open rw "$T/all/schema")"
is 'nor moved away, or over the rows' 'rename=EPERM rename=EPERM rename=EPERM' \
    "$(sys rename "$T/all/schema" "$T/all/x" rename "$T/all/schema" "$T/all/rows" rename "$T/all/rows" "$T/all/schema")"
is 'nor can there be a directory of that name' 'mkdir=EEXIST' "$(sys mkdir "$T/all/schema")"
isnt 'all that has changed nothing' 0 "$(stat -c %s "$T/all/schema")"

# --- two mounts, and rows that come meanwhile

mnt_start two
add all '{"i":5}'
MNT=$T_DIR/mnt T=$MNT/tables
refuses EINVAL 'column x is not in the schema (line 1)' 'the schema that another mount knows holds here' 'echo "{\"x\":1}" >> all/rows'
ok 'and another one there' run 'jq ".columns.x = \"int64\"" all/schema > $D/next && cat $D/next > ../../two/tables/all/schema'
ok 'is there for the next row here' run 'echo "{\"x\":1}" >> all/rows'
run 'mkdir race'
add race '{"n":0,"gone":0}'
put_schema race '{"columns":{"n":"int64","gone":"int64"},"key":"n"}'
printf '{"columns":{"n":"int64"},"key":"n"}\n' >"$D/without"
seq 60 | xargs -P 4 -I{} sh -c '[ $3 = 20 ] && cat "$2/without" > "$1/mnt/tables/race/schema"
    echo "{\"n\":1$3,\"gone\":1}" >> "$1/mnt/tables/race/rows"
    echo "{\"n\":2$3,\"gone\":1}" >> "$1/two/tables/race/rows"' sh "$T_DIR" "$D" {} 2>/dev/null
is 'no row keeps a column that went while it came' 0 "$(grep -c gone "$T/race/rows")"
is 'and no key is there twice' '' "$(jq .n "$T/race/rows" | sort | uniq -d)"
is 'the schema went to one without it' '["n"]' "$(jq -c '.columns | keys' "$T/race/schema")"
isnt 'those that came before are there' 1 "$(lines "$T/race/rows")"
done_testing
