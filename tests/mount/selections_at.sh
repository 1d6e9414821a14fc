#!/bin/bash
# SPDX-License-Identifier: MIT
# Schemas, selections and CSV of the past, to be read.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
export A=$MNT/at D=$T_DIR
remember() { # the live table with all that is derived from it, under its version
    local d
    d=$D/was/$(commits)
    mkdir -p "$d"
    cat "$T/t/rows" >"$d/rows"
    cat "$T/t/schema" >"$d/schema"
    cat "$T/t/rows.csv" >"$d/csv"
    cat "$T/t/rows.tsv" >"$d/tsv"
    cat "$T/t/by/s/a/rows" >"$d/a"
    cat "$T/t/by/id/2../rows.csv" >"$d/range"
    ls -U "$T/t/by/s" >"$d/values"
    ls -U "$T/t/by" >"$d/columns"
    jq -c 'del(.time)' "$T/t/by/s/a/info" >"$d/info"
}
run 'mkdir t'
remember
add t '{"id":1,"s":"a"}' '{"id":2,"s":"b"}' && remember
run 'echo "$1" > t/schema' '{"columns":{"id":"int64","s":"string"},"key":"id"}' && remember
run 'echo "{\"s\":\"a\"}" > t/by/id/2/patch' && remember
run 'jq ".columns.n = {type: \"int64\", default: 5}" t/schema > $D/s && cat $D/s > t/schema' && remember
run 'echo "{\"id\":3,\"n\":6}" >> t/by/s/c/rows' && remember
run 'echo "$1" > t/schema' '{"columns":{"id":"int64","s":"string","m":{"type":"int64","from":"n","default":5}},"key":"id"}' && remember
run 'rm t/by/s/a/rows' && remember
seq -f '{"id":%.0f,"s":"x","m":1}' 100 6000 | cat >>"$T/t/rows" && remember
run 'echo "{\"s\":\"a\"}" > t/by/id/100..200/patch' && remember
run ': > t/schema' && remember

check() {
    for d in "$D"/was/*; do
        v=${d##*/} p=$A/${d##*/}/tables/t
        is "$1: all of version $v is what it was" "$(cat "$d"/{rows,schema,csv,tsv,a,range,values,columns,info} | md5sum)" \
            "$({ cat "$p"/{rows,schema,rows.csv,rows.tsv,by/s/a/rows,by/id/2../rows.csv}; ls -U "$p/by/s"; ls -U "$p/by"
                jq -c 'del(.time)' "$p/by/s/a/info"; } | md5sum)"
    done
}
check now
is 'sizes are exact' '' "$(for f in rows schema rows.csv rows.tsv by/s/a/rows by/s/x/rows.csv; do
    [ "$(wc -c <"$A/4/tables/t/$f")" = "$(stat -c %s "$A/4/tables/t/$f")" ] || echo "$f"; done)"
ok 'diff -r of two versions finds what differs' test "$(diff -rq "$A/3/tables" "$A/4/tables" | wc -l)" = 1
is 'also the schema' 'rows schema' "$(diff -rq "$A/1/tables/t" "$A/4/tables/t" | sed 's/.*\/\([a-z]*\) differ/\1/' | paste -sd' ')"
is 'a column that was not there yet is not found' 'stat=ok stat=ENOENT' "$(sys stat "$A/5/tables/t/by/n" stat "$A/4/tables/t/by/n")"

P=$A/4/tables/t
before=$(cat "$T/t/rows" "$T/t/schema" | md5sum)
for f in schema rows rows.csv rows.tsv patch by/s/a/rows by/s/a/rows.csv by/id/1/patch; do
    is "$f cannot be written" 'open=EROFS open=EROFS open=EROFS' "$(sys open a "$P/$f" open w "$P/$f" open wo "$P/$f")"
done
is 'nor anything be made, removed or moved' 'EROFS EROFS EROFS EROFS EROFS EROFS EROFS EROFS' "$(
    sys open w "$P/x" open w "$P/by/s/a/x" mkdir "$P/by/s/a/x" unlink "$P/schema" unlink "$P/by/s/a/rows" \
        rmdir "$P/by/s/a" rename "$P/schema" "$P/x" resize 0 "$P/by/s/a/rows" | sed 's/[a-z]*=//g')"
fails_with EROFS 'a patch of the past does not change the present' run 'echo "{\"s\":\"evil\"}" > ../at/4/tables/t/patch'
is 'what was said is in errors' 'at/4/tables/t/patch EROFS' "$(last_refusal path) $(last_refusal errno)"
is 'a patch of the past cannot be read either' 'open=EACCES' "$(sys open r "$P/patch")"
is 'nothing has changed' "$before" "$(cat "$T/t/rows" "$T/t/schema" | md5sum)"
ok 'a selection of the past restores what was deleted' run 'cat ../at/7/tables/t/by/id/1/rows >> t/rows && cmp t/by/id/1/rows ../at/7/tables/t/by/id/1/rows'
ok 'cp -r restores a table with its schema' run 'cp -r ../at/5/tables/t old && diff -r old ../at/5/tables/t'
mnt_stop
mnt_start
check 'on another day'
done_testing
