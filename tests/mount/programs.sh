#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that know nothing of rowfs, on tables with a schema: copies arrive whole whatever the
# order of the two files, and files are changed in place in selections, too.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export D=$T_DIR
SCHEMA='{"columns":{"id":"int64","name":"string","n":{"type":"int64","default":5}},"key":"id"}'
run 'mkdir t && echo "$1" > t/schema' "$SCHEMA"
add t '{"id":1,"name":"a"}' '{"id":2,"name":"b","n":1}' '{"name":"c","id":3}'
run 'mkdir plain && echo "{\"any\":[1,2]}" > plain/rows'
mkdir "$D/out"

whole() { # TEXT TABLE: it is as t is
    ok "$1" diff -r "$D/out/t" "$T/$2"
}
ok 'cp -r out' run 'cp -r t plain $D/out && diff -r . $D/out'
ok 'cp -a out' run 'cp -a . $D/a && diff -r . $D/a'
ok 'cp -r in' run 'cp -r $D/out/t c1'
whole '  is whole' c1
is '  in three commits: the table, its schema, its rows' 3 "$(commits_of 'cp -r $D/out/t c2')"
ok 'cp -a in' run 'cp -a $D/a/t c3'
whole '  is whole' c3
ok 'cp -r of several' run 'cp -r $D/out $D/in && mv $D/in/t $D/in/t9 && mv $D/in/plain $D/in/p9 && cp -r $D/in/* . && diff -r $D/in/t9 t9 && diff -r $D/in/p9 p9'
for order in 'rows schema' 'schema rows'; do
    ok "the files in the order $order: cp" run 'rm -rf o; mkdir o; for f in $1; do cp $D/out/t/$f o/ || exit; done' "$order"
    whole '  is whole' o
    ok '  once more, over what is there' run 'for f in $1; do cp $D/out/t/$f o/ || exit; done' "$order"
    whole '  is whole' o
    ok '  mv' run 'rm -rf o; mkdir o; cp -r $D/out/t $D/mv; for f in $1; do mv $D/mv/$f o/ || exit; done; rmdir $D/mv' "$order"
    whole '  is whole' o
    (cd "$D/out" && tar cf "$D/t.tar" t --exclude='*' && for f in $order; do tar rf "$D/t.tar" "t/$f"; done) 2>/dev/null
    (cd "$D/out" && tar cf "$D/t.tar" --no-recursion t && for f in $order; do tar rf "$D/t.tar" "t/$f"; done)
    ok '  tar x' run 'rm -rf o x; mkdir x && tar xf $D/t.tar --transform s/^t/o/'
    whole '  is whole' o
    ok '  tar x over what is there' run 'tar xf $D/t.tar --transform s/^t/o/'
    whole '  is whole' o
    if have busybox 'busybox tar'; then
        ok '  busybox tar x' run 'rm -rf t5 && mv t t5 && busybox tar xf $D/t.tar && diff -r t t5 && rm -r t5'
    fi
    if have rsync rsync; then
        ok '  rsync -a' run 'rm -rf o; mkdir o; for f in $1; do rsync -a $D/out/t/$f o/ || exit; done' "$order"
        whole '  is whole' o
    fi
    is '  and it is a table with that key' EEXIST "$(run 'echo "{\"id\":1}" >> o/rows' 2>/dev/null; last_refusal errno)"
done
ok 'tar c, through a pipe, both ways' run 'rm -rf o x; tar c t | (mkdir $D/p && tar x -C $D/p) && diff -r t $D/p/t && tar c -C $D/p t --transform s/^t/o/ | tar x'
whole '  is whole' o
if have rsync rsync; then
    ok 'rsync -a of a table in' run 'rm -r o && rsync -a $D/out/t/ o/'
    whole '  is whole' o
    ok 'rsync -a of all out' run 'rsync -a ./ $D/r/ && diff -r . $D/r'
    is 'rsync -a out again has nothing to do' '' "$(run 'rsync -ai ./ $D/r/')"
    is 'rsync -a in again changes nothing' 0 "$(commits_of 'rsync -a $D/r/ ./')"
    run 'sed -i s/b/BB/ $D/r/t/rows; jq -c ".columns.new = \"string\"" $D/r/t/schema > $D/s; cat $D/s > $D/r/t/schema'
    ok 'rsync -a brings a new schema and rows' run 'rsync -a $D/r/t/ o/ && jq -e .columns.new o/schema && grep BB o/rows'
    ok 'rsync --delete' run 'rsync -a --delete --exclude=/tx $D/out/ ./ && diff -r $D/out .'
    is '  drops what is not there' 'plain t' "$(ls "$T" | paste -sd' ')"
fi
run 'for x in c1 c3 o; do cp -r $D/out/t $x; done'
is 'rm -r of a table with schema and rows' 0 "$(run 'rm -r c1 && ls' | grep -c c1)"
ok 'rm -rf of several' run 'rm -rf c2 c3 o x nothing && ! test -e c3'
ok 'mv of a table out' run 'cp -r t m && mv m $D/m && diff -r t $D/m && ! test -e m'
ok 'mv of a table in' run 'mv $D/m m && diff -r t m'
ok 'rm -r of a table in a transaction is one commit' run 'mkdir ../tx/r && rm -r ../tx/r/tables/m && echo 1 > ../tx/r/commit && ! test -e m'
ok 'cp -r of a table in a transaction' run 'mkdir ../tx/c && cp -r $D/out/t ../tx/c/tables/m && diff -r t ../tx/c/tables/m && echo 1 > ../tx/c/commit && diff -r t m && rm -r m'
ok 'install -d and install' run 'install -d i && install -m $(stat -c %a t/rows) $D/out/t/* i/ && diff -r t i && rm -r i'
fails_with EINVAL 'cp -r of rows that are not of their schema is refused' \
    run 'cp -r $D/out/t $D/bad && echo "{\"x\":1}" >> $D/bad/rows && cp -r $D/bad bad'
like '  and says which' 'column x is not in the schema$' "$(last_refusal reason)"
is '  what came first, schema or rows, is there' 0 "$(($(lines "$T/bad/rows") * $(stat -c %s "$T/bad/schema")))"
run 'rm -r bad'

# --- walks

cd "$MNT" || exit
is 'grep -r over the mount ends and meets each row once' './tables/t/rows' "$(timeout 20 grep -rl '"name":"b"' .)"
is 'find lists rows and schema of each table' './plain/rows ./plain/schema ./t/rows ./t/schema' "$(cd tables && timeout 20 find . -type f | sort | paste -sd' ')"
is 'wc over all' '4' "$(cat tables/*/rows | wc -l)"
v=$(commits)
run 'echo "{\"n\":9}" > t/by/id/1/patch'
is 'diff -r of two versions shows the change' '< {"id":1,"name":"a"}|> {"id":1,"name":"a","n":9}' \
    "$(diff -r "at/$v" "at/$((v + 1))" | grep '^[<>]' | paste -sd'|')"
ok 'tar of a version' timeout 20 tar cf "$D/v.tar" -C "at/$v" tables
ok 'du' timeout 20 du -sb .
ok 'a copy of the whole mount' timeout 20 cp -r . "$D/whole"
cd "$T_DIR" || exit

# --- in place

result() { # SNIPPET ROWS: turns those of t into these
    put t '{"id":1,"name":"a"}' '{"id":2,"name":"b"}' '{"id":3,"name":"b"}'
    ok "$1" run "$1"
    is '  has the result' "$2" "$(jq -r '"\(.id)\(.name)"' "$T/t/rows" | paste -sd' ')"
    is '  and leaves nothing else' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
}
for sel in by/name/b by/id/2../by/name/b by/id/2..4; do
    result "sed -i s/:3/:4/ t/$sel/rows" '1a 2b 4b'
done
result 'sed -i /:3/d t/by/name/b/rows' '1a 2b'
result 'perl -pi -e s/3/4/ t/by/name/b/rows' '1a 2b 4b'
result 'sort -r -o t/by/name/b/rows t/by/name/b/rows' '1a 3b 2b'
result 'jq -c ".id += 10" t/by/name/b/rows | sponge t/by/name/b/rows' '1a 12b 13b'
result 'f=$(mktemp t/by/name/b/x.XXXX) && tac t/by/name/b/rows > $f && mv $f t/by/name/b/rows' '1a 3b 2b'
result 'echo "{\"id\":4}" | tee -a t/by/name/b/rows' '1a 2b 3b 4b'
result 'cp t/by/name/b/rows $D/b && sed -i s/3/5/ $D/b && cp $D/b t/by/name/b/rows' '1a 2b 5b'
result 'dd if=/dev/null of=t/by/name/b/rows status=none' '1a'
result 'truncate -s 0 t/by/name/b/rows' '1a'
result 'tail -n 1 t/by/name/b/rows > $D/b && mv $D/b t/by/name/b/rows' '1a 3b'
if have vim vim; then
    result 'vim -N -u NONE -i NONE -es -c "%s/3/6/" -c wq t/by/name/b/rows' '1a 2b 6b'
    result 'vim -N -u NONE -i NONE -es -c 1d -c wq t/rows' '2b 3b'
fi
if have ed ed; then result 'printf "1d\nw\nq\n" | ed -s t/by/name/b/rows' '1a 3b'; fi
if have rsync rsync; then result 'tail -n 1 t/by/name/b/rows > $D/b && rsync -a $D/b t/by/name/b/rows' '1a 3b'; fi
fails_with EINVAL 'sed -i that takes a row out of its selection is refused' run 'sed -i s/\"b\"/\"z\"/ t/by/name/b/rows'
is '  and says why' 'column name is "z", and the path says b' "$(last_refusal reason)"
run 'rm -f t/by/name/b/sed*'

change() { # SNIPPET: adds a column `extra` to the schema
    run 'jq "del(.columns.extra)" t/schema > $D/s && cat $D/s > t/schema'
    ok "$1" run "$1"
    is '  has the result' '["id","name","n","extra"]' "$(jq -c '.columns | keys_unsorted' "$T/t/schema")"
    is '  and leaves nothing else' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
}
ADD='.columns.extra = "string"'
export ADD
put t '{"id":1,"name":"a"}'
change 'jq "$ADD" t/schema | sponge t/schema'
change 'jq "$ADD" t/schema > $D/s && cp $D/s t/schema'
change 'jq "$ADD" t/schema > $D/s && mv $D/s t/schema'
change 'jq "$ADD" t/schema > t/next && mv t/next t/schema'
change 'sed -i "s/\"default\": 5}/&, \"extra\": \"string\"/" t/schema'
change 'perl -0pi -e "s/(\"default\": 5})/\$1, \"extra\": \"string\"/" t/schema'
if have vim vim; then
    change 'vim -N -u NONE -i NONE -es -c "%s/\"default\": 5}/&, \"extra\": \"string\"/" -c wq t/schema'
fi
if have ed ed; then change 'printf "%s\n" "/default/s/5}/&, \"extra\": \"string\"/" w q | ed -s t/schema'; fi
if have rsync rsync; then change 'jq "$ADD" t/schema > $D/s && rsync -a $D/s t/schema'; fi
change 'jq "$ADD" t/schema | tee $D/s > /dev/null; tee t/schema < $D/s'
is 'the rows are what they were' '{"id":1,"name":"a"}' "$(cat "$T/t/rows")"
fails_with EINVAL 'sed -i that makes no schema is refused' run 'sed -i s/int64/int63/ t/schema'
run 'rm -f t/sed*'
done_testing
