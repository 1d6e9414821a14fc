#!/bin/bash
# SPDX-License-Identifier: MIT
# rows.csv and rows.tsv: the same rows, to be read and appended.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export D=$T_DIR
run 'mkdir t p'
add t '{"id":1,"name":"Ada","o":{"a":[1]}}' '{"name":"x, \"y\"","id":2.50}' '{"id":"3","name":"","z":null}' \
    '{"id":true,"name":"two\nlines","z":"end"}' '{"id":5,"name":"007"}'
is 'the columns are those of all rows, in order' 'id,name,o,z' "$(head -n 1 "$T/t/rows.csv" | tr -d '\r')"
is 'fields as RFC 4180 has them' $'1,Ada,"{""a"":[1]}",\n2.50,"x, ""y""",,\n"3","",,\ntrue,"two\nlines",,end\n5,007,,' \
    "$(tail -n +2 "$T/t/rows.csv" | tr -d '\r')"
is 'lines end in CRLF' 6 "$(grep -c $'\r$' "$T/t/rows.csv")"
for f in csv tsv; do
    run ": > p/rows"
    add p '{"a":1,"b":"x"}' '{"a":2,"b":null}' '{"b":"ü","c":false}'
    is "rows.$f: the size is exact" "$(wc -c <"$T/p/rows.$f" | tr -d ' ')" "$(stat -c %s "$T/p/rows.$f")"
    is '  the time is that of the rows' "$(stat -c %Y "$T/p/rows")" "$(stat -c %Y "$T/p/rows.$f")"
    is '  written back it gives the same rows, but for what is null' '{"a":1,"b":"x"}|{"a":2}|{"b":"ü","c":false}' \
        "$(run 'cat p/rows.$1 > $D/f && cat $D/f > p/rows.$1; paste -sd"|" p/rows' "$f")"
    is '  in one commit' 1 "$(commits_of 'cat $D/f >> p/rows.$1' "$f")"
    is '  >> appends' 6 "$(lines "$T/p/rows")"
    is '  a header alone, and nothing, add nothing' 0 "$(commits_of 'head -n 1 $D/f >> p/rows.$1; : >> p/rows.$1' "$f")"
    is '  > with a header alone deletes all rows' 0 "$(run 'head -n 1 $D/f > p/rows.$1; wc -l < p/rows' "$f")"
    is '  and there are no columns' 0 "$(tr -d '\r\n' <"$T/p/rows.$f" | wc -c)"
    is '  is not read and written at once, or in place, or removed, or moved' \
        'open=EACCES open=ok at=ok close=ok unlink=EPERM rename=EPERM mkdir=EEXIST' \
        "$(sys open rw "$T/p/rows.$f" open wo "$T/p/rows.$f" at "$(stat -c %s "$T/p/rows.$f")" 'a\n' close unlink "$T/p/rows.$f" rename "$T/p/rows.$f" "$T/p/x" mkdir "$T/p/rows.$f")"
done
add p '{"a":1}'
is 'in place is refused' 'open=ok at=EINVAL' "$(sys open wo "$T/p/rows.csv" at 0 'x\n')"
refuses EINVAL 'column name: "two\nlines" has a line feed in it, and cannot be written as TSV' \
    'what is not TSV is refused when it is read' 'cat t/rows.tsv'
ok 'to be appended to all the same' run 'printf "id\tname\n6\tx\n" >> t/rows.tsv && cat t/by/id/6/rows.tsv'
refuses EINVAL 'column name: "two\nlines" has a line feed in it, and cannot be written as TSV' 'and is refused again' 'cat t/rows.tsv'
ok 'but in a selection without that row' run 'cat t/by/id/1/rows.tsv'

# --- without a schema: what a field becomes

fields() { # ROWS CSV
    run 'printf "$1" > p/rows.csv' "$2"
    is "printf '$2' is $1" "$1" "$(paste -sd'|' "$T/p/rows")"
}
fields '{"a":1,"b":"x"}' 'a,b\r\n1,x\r\n'
fields '{"a":1.50,"b":true}|{"a":-3e4,"b":"True"}' 'a,b\n1.50,true\n-3e4,True\n'
fields '{"a":"007","b":"+1"}|{"a":"1"}|{"b":""}' 'a,b\n007,+1\n"1",\n,""\n'
fields '{"a":"x\ny","b":"say \"hi\""}' 'a,b\n"x\ny","say ""hi"""\n'
fields '{"b":"last","a":1}' 'b,a\nlast,1'
fields '{"ä b":"ö"}' '\xef\xbb\xbfä b\nö\n'

# --- with a schema

run 'mkdir s && echo "$1" > s/schema' \
    '{"columns":{"id":"int64","name":{"type":"string","required":true},"price":{"type":"decimal(10,2)","default":0.00},"ok":"bool","when":"timestamp","more":"json"},"key":"id"}'
is 'an empty table has a header' 'id,name,price,ok,when,more' "$(tr -d '\r' <"$T/s/rows.csv")"
ok 'a file with the columns in another order' run 'printf "%s\n" name,id,more "Ada,1,\"{\"\"k\"\":[1]}\"" "\"\",2," "007,3,null" >> s/rows.csv'
is 'is of the schema'"'"'s types' '{"name":"Ada","id":1,"more":{"k":[1]}}|{"name":"","id":2}|{"name":"007","id":3,"more":null}' \
    "$(paste -sd'|' "$T/s/rows")"
is 'reads back in its order' $'id,name,price,ok,when,more\n1,Ada,0.00,,,"{""k"":[1]}"\n2,"",0.00,,,\n3,007,0.00,,,' "$(tr -d '\r' <"$T/s/rows.csv" | sed 's/null$//')"
bad() { # ERRNO SENTENCE TEXT
    refuses "$1" "$2" "refused: $3" 'printf "$1" | cat >> s/rows.csv' "$3"
}
bad EINVAL 'column zip is not in the schema (line 1)' 'id,zip\n4,x\n'
bad EINVAL 'column id is twice in the header, as 1 and as 3 (line 1)' 'id,name,id\n4,x,4\n'
bad EINVAL 'the header has no name for column 2 (line 1)' 'id,,name\n4,x,y\n'
bad EINVAL 'column id: 4x is not a whole number (line 3)' 'id,name\n4,x\n4x,y\n'
bad EINVAL 'column price: 1.234 has too many digits behind the point (line 2)' 'id,name,price\n4,x,1.234\n'
bad EINVAL 'column ok: yes is not true or false (line 2)' 'id,name,ok\n4,x,yes\n'
bad EINVAL 'column name is missing (line 2)' 'id,name\n4,\n'
bad EINVAL 'column id is missing (line 3)' 'id,name\n4,x\n,y\n'
bad EINVAL 'the line has 1 of the header'"'"'s 2 fields (line 3)' 'id,name\n4,x\n5\n'
bad EINVAL 'the line has more fields than the header, which has 2 (line 2)' 'id,name\n4,x,y\n'
bad EINVAL 'a quote is within a field that does not begin with one (line 2)' 'id,name\n4,x"y\n'
bad EINVAL 'text follows the quote that ends a field (line 2)' 'id,name\n4,"x"y\n'
bad EINVAL 'the text ends within a quoted field (line 2)' 'id,name\n4,"x\n'
bad EINVAL 'a carriage return is not followed by a line feed (line 2)' 'id,name\n4,x\ry\n'
bad EEXIST 'there is a row with id 2 (line 3)' 'id,name\n4,x\n2,y\n'
bad EEXIST 'two of the rows have id 4 (line 3)' 'id,name\n4,x\n4,y\n'
like 'what is not UTF-8 is refused' 'column name is not UTF-8' "$(run 'printf "id,name\n4,\"\xff\"\n" >> s/rows.csv' 2>/dev/null; last_refusal reason)"
is 'a line that comes in several writes is one' 'open=ok write=ok write=ok write=ok close=ok' \
    "$(sys open a "$T/s/rows.csv" write 'id,na' write 'me\n10,"a' write '\nb"\n' close)"
is 'after a refused line all is refused' 'open=ok write=ok write=EINVAL write=EINVAL close=EINVAL' \
    "$(sys open a "$T/s/rows.csv" write 'id,name\n11,x\n' write 'x,y\n' write '12,z\n' close)"
is 'nothing of all that is there' '1 2 3 10' "$(jq .id "$T/s/rows" | paste -sd' ')"
is 'a writer that fails commits nothing' '1 2 3 10' "$(run '(printf "id,name\n20,x\n"; exit 1) >> s/rows.csv'; jq .id "$T/s/rows" | paste -sd' ')"
is 'a selection fills in what the path says' '{"name":"x","id":30}' \
    "$(run 'printf "id\n30\n" >> s/by/name/x/rows.csv; cat s/by/id/30/rows')"
refuses EINVAL 'column name is "y", and the path says x (line 2)' 'and refuses what contradicts it' 'printf "id,name\n31,y\n" >> s/by/name/x/rows.csv'
ok '> of a selection replaces these rows' run 'printf "id,price\n30,1.5\n31,2\n" > s/by/name/x/rows.csv'
is 'and no others' '1 2 3 10 30 31' "$(jq .id "$T/s/rows" | sort -n | paste -sd' ')"
is 'TSV has the same checks' 'column id: 4x is not a whole number' \
    "$(run 'printf "id\tname\n4x\ty\n" >> s/rows.tsv' 2>/dev/null; last_refusal reason)"

# --- much

seq 100000 | awk 'BEGIN { print "n,name,text" } { printf "%d,name %d,\"a, \"\"b\"\" %d\"\n", $1, $1 % 10, $1 }' >"$D/big.csv"
ok 'a hundred thousand rows' run 'mkdir big && cat $D/big.csv > big/rows.csv'
is 'are there' '100000 5000050000' "$(lines "$T/big/rows") $(jq -s 'map(.n) | add' "$T/big/rows")"
same 'and come back byte for byte, but for CRLF' "$D/big.csv" <(tr -d '\r' <"$T/big/rows.csv")
is 'at the size that stat tells' "$(wc -c <"$T/big/rows.csv" | tr -d ' ')" "$(stat -c %s "$T/big/rows.csv")"
is 'from anywhere in the file' "$(tail -c 100 "$T/big/rows.csv" | md5sum)" "$(cat "$T/big/rows.csv" | tail -c 100 | md5sum)"
same 'a copy is whole' "$T/big/rows.csv" <(cp "$T/big/rows.csv" "$D/copy" && cat "$D/copy")
exec 5<"$T/big/rows.csv"
run ': > big/rows'
is 'an open file reads what it opened, whatever is committed' "$(md5sum <"$D/copy")" "$(md5sum <&5)"
exec 5<&-
done_testing
