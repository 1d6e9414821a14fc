#!/bin/bash
# SPDX-License-Identifier: MIT
# Limits: EFBIG for a row and for a commit, nothing kept, nothing shortened.
. "$(dirname "$0")/../lib/mount.sh"
export D=$T_DIR

row() { # BYTES: a row of so many bytes, without its newline
    printf '{"n":"%s"}' "$(head -c $(($1 - 8)) /dev/zero | tr '\0' x)"
}

mnt_start mnt row_limit=1K,tx_limit=1M
run 'mkdir t' && add t "$R1"
row 1023 >"$D/fits" && row 1025 >"$D/long"
ok 'a row of 1,023 bytes fits into row_limit=1K' run '(cat $D/fits; echo) | cat >> t/rows'
for how in '(cat $D/long; echo) | cat >> t/rows' 'cat $D/long >> t/rows' 'cp $D/long t/rows' \
    '(cat $D/fits; echo; cat $D/long) | cat >> t/rows' '(cat $D/long; echo) | dd bs=100 status=none >> t/rows'; do
    fails_with EFBIG "a row of 1,025 bytes does not: $how" run "$how"
    is '  errors says so' EFBIG "$(last_refusal errno)"
done
is 'and nothing of it is kept' 2 "$(lines "$T/t/rows")"
fails 'a builtin echo sees it' run 'echo "$(cat $D/long)" >> t/rows'
ok 'a scratch file may be longer' run '(cat $D/long; echo) > t/draft'
is 'but does not become rows' rename=EFBIG "$(sys rename "$T/t/draft" "$T/t/rows")"
run 'rm t/draft'

seq -f '{"n":%07.0f,"a":"............................"}' 1 18000 | sed 's/:0*/:/' >"$D/800k"
cat "$D/800k" "$D/800k" >"$D/1600k"
ok 'a commit below tx_limit=1M is accepted' run 'cat $D/800k > t/rows'
fails_with EFBIG 'one above it is not' run 'cat $D/1600k >> t/rows'
fails_with EFBIG 'neither is a replace' run 'cat $D/1600k > t/rows'
fails_with EFBIG 'nor a group' run '{ cat $D/800k; cat $D/800k; } >> t/rows'
is 'errors says so' EFBIG "$(last_refusal errno)"
same 'nothing of them is there' "$D/800k" "$T/t/rows"
ok 'a second commit is' run 'cat $D/800k >> t/rows'
same 'a table may be larger than a commit' "$D/1600k" "$T/t/rows"
mnt_stop

mnt_start
ok 'without options: a row of 15 MiB is accepted' run '(cat "$1"; echo) | cat > t/rows' <(row $((15 << 20)))
is 'byte for byte' "$(row $((15 << 20)) | sha256sum)" "$(head -c -1 "$T/t/rows" | sha256sum)"
row $((17 << 20)) >"$D/17M"
fails_with EFBIG 'one of 17 MiB is not' run 'cat $D/17M >> t/rows'
head -c 40000000 /dev/zero | tr '\0' x >"$D/endless"
fails 'nor is an endless line' run 'cat $D/endless >> t/rows'
is 'the row before stays' 1 "$(lines "$T/t/rows")"
is 'so does its size' $(((15 << 20) + 1)) "$(stat -c %s "$T/t/rows")"
mnt_stop
for opts in row_limit=2M row_limit=2048K row_limit=2097152; do
    mnt_start mnt $opts
    ok "$opts: a row of 1.9 MB" run '(cat "$1"; echo) | cat > t/rows' <(row 1900000)
    fails_with EFBIG '  but not of 2.2 MB' run '(cat "$1"; echo) | cat > t/rows' <(row 2200000)
    mnt_stop
done
mnt_start mnt tx_limit=1G,row_limit=1M
ok 'G is a suffix, too' run 'echo "$R1" > t/rows'

# Many rows, columns and tables are no reason for a limit.
ok 'a row of 20,000 columns' run \
    'seq -f "\"c%.0f\":1" 20000 | paste -sd, | sed "s/^/{/; s/\$/}/" | cat > t/rows'
is 'has them' 20000 "$(jq length "$T/t/rows")"
ok '500 tables' run 'mkdir $(seq 500)'
is 'are listed' 501 "$(ls "$T" | wc -l)"
ok 'a million rows' run 'yes "{}" | head -n 1000000 > t/rows'
is 'are counted' '1000000 1000000' "$(lines "$T/t/rows") $(jq .rows "$T/t/info")"
done_testing
