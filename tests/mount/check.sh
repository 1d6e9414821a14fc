#!/bin/bash
# SPDX-License-Identifier: MIT
# rowfs check reads all of a store, says what is wrong with it, and changes nothing.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
S=$T_DIR/store
run 'mkdir t u'
run "echo '{\"columns\":{\"id\":\"int64\",\"s\":\"string\"},\"key\":\"id\"}' > t/schema"
seq 40000 | sed 's/.*/{"id":&,"s":"some text that makes it longer &"}/' >>"$T/t/rows"
run "echo '{\"id\":50000}' >> t/rows; echo '{\"any\":1}' >> u/rows"
is 'an index is made by who needs it' '{"id":777,"s":"some text that makes it longer 777"}' "$(cat "$T/t/by/id/777/rows")"
is 'zones are, too' 1 "$(wc -l <"$T/t/by/s/some text that makes it longer 9/rows")"

verdict() { # prints the exit status and the findings
    "$ROWFS" check "$S" >"$T_DIR/found" 2>&1
    echo "$? $(grep -o '^[a-z]*: ' "$T_DIR/found" | sort | uniq -c | tr -s ' \n' ' ')"
}
before=$(find "$S" -type f -exec cksum {} + | sort)
is 'a store that is mounted is clean' '0 ' "$(verdict)"
ok 'and it says what it has read' grep -q '40002 rows, 1 segments' "$T_DIR/found"
is 'nothing was changed' "$before" "$(find "$S" -type f -exec cksum {} + | sort)"
ok 'an index and zones are there' test -n "$(ls "$S"/data/*/*.key)" -a -n "$(ls "$S"/data/*/*.zones)"
mnt_stop

flip() { # FILE OFFSET: one bit
    perl -e 'open F, "+<", $ARGV[0] or die; seek F, $ARGV[1], 0; read F, $c, 1; seek F, $ARGV[1], 0; print F chr(ord($c) ^ 1)' "$1" "$2"
}
for kind in key zones; do
    file=$(ls "$S"/data/*/*.$kind | head -n 1)
    cp "$file" "$T_DIR/kept"
    for at in 3 60 $(($(stat -c %s "$file") / 2)); do
        flip "$file" "$at"
        is "a damaged .$kind file is no loss of rows (byte $at)" 1 "$(verdict | cut -c 1)"
        ok '  and is named' grep -q "$(basename "${file%.*.*}")" "$T_DIR/found"
        cp "$T_DIR/kept" "$file"
    done
    rm "$file"
    is "without it all is well" '0 ' "$(verdict)"
    cp "$T_DIR/kept" "$file"
done
is 'as before' '0 ' "$(verdict)"

segment=$(ls "$S"/data/*/*.ndjson)
flip "$segment" 100000
is 'a damaged segment is' 2 "$(verdict | cut -c 1)"
ok '  and is named' grep -q "$(basename "$segment")" "$T_DIR/found"
flip "$segment" 100000
mv "$segment" "$T_DIR/kept"
is 'a missing one, too' 2 "$(verdict | cut -c 1)"
mv "$T_DIR/kept" "$segment"
record=$(ls "$S"/log/*5.ndjson)
flip "$record" 100
is 'and a damaged record' 2 "$(verdict | cut -c 1)"
ok '  and is named' grep -q "$(basename "$record")" "$T_DIR/found"
flip "$record" 100
is 'as before' '0 ' "$(verdict)"

"$ROWFS" check "$T_DIR/none" >/dev/null 2>"$T_DIR/said"
is 'what is no store cannot be checked' '8 yes' "$? $(grep -q none "$T_DIR/said" && echo yes)"
done_testing
