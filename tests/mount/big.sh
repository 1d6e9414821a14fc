#!/bin/bash
# SPDX-License-Identifier: MIT
# 200 MB in one append: byte for byte, one commit, in a small daemon.
T_LIMIT=180
. "$(dirname "$0")/../lib/mount.sh"

small() { # TEXT: the daemon has never needed 64 MiB
    local peak
    peak=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(mnt_pid)/status")
    if grep -qaE '__[at]san_init' "$ROWFS"; then
        skip "$1" 'a sanitizer needs more'
    elif [ "$peak" -lt 65536 ]; then
        t_pass "$1"
    else
        t_fail "$1" 'less than 65536 kB' "$peak kB"
    fi
}

big=$T_DIR/big
fat_rows 200000 >"$big"
sum=$(sha256sum <"$big")

mnt_start
run 'mkdir t u'
is '200 MB are appended in one commit' 1 "$(commits_of 'cat "$1" >> t/rows' "$big")"
small 'the daemon stays small'
is 'the size is that of the file' "$(stat -c %s "$big")" "$(stat -c %s "$T/t/rows")"
is 'the bytes are those of the file' "$sum" "$(sha256sum <"$T/t/rows")"
is 'info counts 200,000 rows' 200000 "$(jq .rows "$T/t/info")"
small 'it stays small while it is read'
for at in 0 1 65535 65536 99999999 123456789; do
    same "the bytes at $at are right" <(tail -c +$((at + 1)) "$big" | head -c 200000) \
        <(dd if="$T/t/rows" bs=1M iflag=skip_bytes,count_bytes skip=$at count=200000 status=none)
done
same 'so are the last ones' <(tail -n 100 "$big") <(tail -n 100 "$T/t/rows")

(cat "$big"; echo "$BAD") >"$T_DIR/bad"
fails 'a bad last row refuses all 200 MB' run 'cat "$1" >> t/rows' "$T_DIR/bad"
is 'errors has its line' 200001 "$(last_refusal line)"
is 'nothing has changed' "$sum" "$(sha256sum <"$T/t/rows")"
rm "$T_DIR/bad"
is 'a killed append of 200 MB leaves nothing' "$sum 0" "$(
    run '{ cat "$1"; kill -9 $$; } >> t/rows' "$big" 2>/dev/null
    echo "$(sha256sum <"$T/t/rows") $(lines "$T/u/rows")"
)"
is 'one through 1 MiB blocks, to a second table' "$sum" \
    "$(run 'dd if="$1" of=u/rows bs=1M status=none' "$big"; sha256sum <"$T/u/rows")"
is 'a filter of all rows' 100000 "$(run 'grep -E "^.{5}[0-9]*[13579]," t/rows > t/rows'; lines "$T/t/rows")"
same 'of the right ones' <(grep -E '^.{5}[0-9]*[13579],' "$big") "$T/t/rows"
small 'the daemon is small to the end'
mnt_stop
mnt_start
is 'after a remount the bytes are the same' "$sum" "$(sha256sum <"$T/u/rows")"
small 'so it is after a remount'
done_testing
