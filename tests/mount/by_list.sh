#!/bin/bash
# SPDX-License-Identifier: MIT
# What by/ and by/<column>/ list: the columns, and their different values, by their names.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export D=$T_DIR
names() { ls -U "$T/$1" | paste -sd' '; } # DIRECTORY

run 'mkdir t e'
is 'no rows, no columns' '' "$(names e/by)"
add t '{"b":1,"a":"x"}' '{"a":"y","b":1.0}' '{"a":"x","c d":null,"b":"1"}' '{"a":"","b":10}' '{"a":null,"b":9}' '{"a":"a/b","b":true}' \
    '{"a":"..","b":{"k":1}}' '{"a":".","b":[1, 2]}' '{"a":"50%","b":-1}' '{"a":"1..2"}' '{"a":"%null"}' '{"a":"ü ?*"}'
is 'the columns, in the order in which they come' 'b a c d' "$(names t/by)"
is 'the values of one, each once' 'x y %empty %null a%2Fb %2E%2E %2E 50%25 1.%2E2 %25null ü ?*' "$(names t/by/a)"
is 'numbers and strings of one spelling are one name' '1 10 9 true {"k":1} [1,2] -1 %missing' "$(names t/by/b)"
is 'where the column is missing it says so' '%missing %null' "$(names 't/by/c d' | tr ' ' '\n' | sort | paste -sd' ')"
is 'a selection lists its own' 'x %missing' "$(names t/by/b/1/by/a | sed 's/ y//') $(names t/by/b/1/by/'c d' | cut -d' ' -f1)"
is 'every name leads to its rows' "$(lines "$T/t/rows")" "$(cat "$T"/t/by/a/*/rows "$T"/t/by/a/[%.]*/rows 2>/dev/null | sort -u | wc -l)"
is 'all rows of a column are in its values, each once' "$(jq -c . "$T/t/rows" | sort)" \
    "$(run 'ls -A t/by/a | while read -r v; do cat "t/by/a/$v/rows"; done' | jq -c . | sort)"
is 'by is in nobody'"'"'s way: find and grep meet each row once' '12 1' \
    "$(grep -r . "$T/t" | wc -l) $(find "$T/t" -name rows | wc -l)"
is 'unless it is named: then they meet its rows' 11 "$(find "$T/t/by/a" -name rows | wc -l)"
is 'a glob over values works in a shell' '2 1' "$(run 'for d in t/by/a/[xy]; do wc -l < $d/rows; done' | paste -sd' ')"
is 'ls -l of values' 11 "$(ls -l "$T/t/by/a" | grep -c ^d)"
is 'what is not listed works when named' rows "$(ls "$T/t/by/a/nobody")"

run 'mkdir s && echo "$1" > s/schema' '{"columns":{"id":"int64","a/b":"string","":"bool","d":{"type":"decimal(5,2)","default":1}},"key":"id"}'
is 'with a schema: its columns, in its order' 'id a%2Fb %empty d' "$(names s/by)"
is 'which have no values yet' '' "$(names s/by/id)$(names s/by/d)"
add s '{"id":3,"d":1.50,"a/b":"x"}' '{"id":1,"d":"1.5","":true}' '{"id":2}'
is 'as values of their types' '3 1 2|1.5 1|x %missing|%missing true' "$(names s/by/id)|$(names s/by/d)|$(names s/by/a%2Fb)|$(names s/by/%empty)"
is 'there are no others' 'stat=ENOENT stat=ENOENT' "$(sys stat "$T/s/by/nope" stat "$T/s/by/nope/1")"
is 'nor can anything be made there' 'mkdir=EPERM open=EPERM mkdir=EPERM' \
    "$(sys mkdir "$T/s/by/nope" open w "$T/s/by/nope" mkdir "$T/s/by/id/x")"

run 'mkdir many'
seq 1 60000 | awk '{ printf "{\"i\":%d,\"m\":%d}\n", $1, $1 % 7 }' >"$D/rows" && cp "$D/rows" "$T/many/rows"
is 'sixty thousand values' '60000 60000' "$(ls -U "$T/many/by/i" | wc -l) $(ls -U "$T/many/by/i" | sort -u | wc -l)"
is 'of seven' '0 1 2 3 4 5 6' "$(ls "$T/many/by/m" | paste -sd' ')"
is 'in a selection' 8571 "$(ls -U "$T/many/by/m/0/by/i" | wc -l)"
is 'a listing is of one version, whatever is committed while it is read' '60000 0' \
    "$(perl -e 'opendir my $d, "$ARGV[0]/by/i" or die; my $n = 0; while (defined(my $e = readdir $d)) {
        next if $e =~ /^\.\.?$/; $n++; if ($n == 10) { open my $f, ">", "$ARGV[0]/rows" or die; close $f } } print $n' "$T/many") $(lines "$T/many/rows")"
done_testing
