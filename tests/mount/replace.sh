#!/bin/bash
# SPDX-License-Identifier: MIT
# > rows replaces, : > rows empties, rm rows deletes, mv a/rows b/rows moves.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u'
rows 1 9 >"$T_DIR/nine"
run 'cat "$1" >> t/rows' "$T_DIR/nine"
is 'a replace is one commit' 1 "$(commits_of 'echo "$R1" > t/rows')"
is 'and the rows are the new ones' 1 "$(nums t)"
is 'with the same rows too' 1 "$(commits_of 'echo "$R1" > t/rows')"
is 'cp replaces in one commit' 1 "$(commits_of 'cp "$1" t/rows' "$T_DIR/nine")"
same 'with the bytes of the file' "$T_DIR/nine" "$T/t/rows"

is 'filtering a table into itself works' 1 "$(commits_of 'grep -v "[357]" t/rows > t/rows')"
is 'grep has read the old rows' '1 2 4 6 8 9' "$(nums t)"
run 'sort -r t/rows > t/rows'
is 'so has sort' '9 8 6 4 2 1' "$(nums t)"
run 'sed s/9/10/ t/rows > t/rows'
is 'and sed' '10 8 6 4 2 1' "$(nums t)"
run 'jq -c "select(.n < 9)" t/rows > t/rows'
is 'and jq' '8 6 4 2 1' "$(nums t)"
run 'head -n 3 t/rows > t/rows'
is 'and head' '8 6 4' "$(nums t)"
run 'cat t/rows > t/rows'
is 'and cat' '8 6 4' "$(nums t)"
fat_rows 3000 >"$T_DIR/fat"
run 'cat "$1" > t/rows; tac t/rows > t/rows' "$T_DIR/fat"
same 'and tac of 3 MB' <(tac "$T_DIR/fat") "$T/t/rows"

is ': > rows empties in one commit' 1 "$(commits_of ': > t/rows')"
is 'emptied it is' 0 "$(stat -c %s "$T/t/rows")"
is 'emptying what is empty harms nothing' '' "$(run ': > t/rows' && cat "$T/t/rows")"
for empty in ': > t/rows' '> t/rows' 'truncate -s 0 t/rows' 'true > t/rows' 'cp /dev/null t/rows' \
    'cat /dev/null > t/rows' 'dd if=/dev/null of=t/rows status=none'; do
    put t "$R1" "$R2"
    is "the shell that ran '$empty' sees it empty at once" 0 "$(run "$empty; wc -c < t/rows")"
done
put t "$R1" "$R2"
is 'the process that truncated sees it at once' 'open=ok close=ok open=ok size=0' \
    "$(sys open w "$T/t/rows" close open r "$T/t/rows" size)"
put t "$R1" "$R2"
is 'as does one that used truncate(2)' 'resize=ok open=ok size=0' "$(sys resize 0 "$T/t/rows" open r "$T/t/rows" size)"

put t "$R1" "$R2"
is 'a truncate to the present size is nothing' 0 "$(commits_of 'truncate -s 16 t/rows')"
ok 'and succeeds' truncate -s 16 "$T/t/rows"
fails_with EINVAL 'a truncate to any other size is refused' truncate -s 8 "$T/t/rows"
fails_with EINVAL 'longer, too' truncate -s +8 "$T/t/rows"
is 'also for an open file' 'open=ok cut=EINVAL' "$(sys open wo "$T/t/rows" cut 8)"
is 'ftruncate to 0 and a write are a replace' 'open=ok cut=ok write=ok close=ok' \
    "$(sys open wo "$T/t/rows" cut 0 write "$R3\n" close)"
is 'of all rows' 3 "$(nums t)"
run 'echo "$R1" > t/rows; echo "$R2" >> t/rows'
is 'what was written before an ftruncate is replaced with the rest' 3 \
    "$(sys open a "$T/t/rows" write "$R1\n" cut 0 write "$R3\n" close >/dev/null; nums t)"
is 'a read-write open can append at the end' 'open=ok read=8 write=ok close=ok' \
    "$(sys open rw "$T/t/rows" read write "$R1\n" close)"
is 'and did' '3 1' "$(nums t)"

put t "$R1" "$R2"
is 'a replace with a bad row is refused and loses nothing' '1 2' \
    "$(run 'printf "%s\n" "$R3" "$BAD" | cat > t/rows'; nums t)"
is 'a replace of an empty table works' 1 "$(commits_of 'echo "$R3" > u/rows')"

is 'mv a/rows b/rows is one commit' 1 "$(commits_of 'mv t/rows u/rows')"
is 'b has the rows of a' '1 2' "$(nums u)"
is 'a is empty' 0 "$(stat -c %s "$T/t/rows")"
is 'the log names both tables' 'tu' \
    "$(tail -n 1 "$MNT/log" | jq -r '.tables[].table' | sort -u | tr -d '\n')"
is 'an empty a empties b' '0 0' "$(run 'mv t/rows u/rows; stat -c %s t/rows u/rows | paste -sd" "')"

put u "$R1" "$R2"
is 'rm rows is one commit' 1 "$(commits_of 'rm u/rows')"
is 'and a clear' 'clear u' "$(tail -n 1 "$MNT/log" | jq -r '.tables[0] | "\(.op) \(.table)"')"
ok 'rm -f of rows that are gone succeeds' rm -f "$T/u/rows"
ok 'rows can be appended after an rm' run 'echo "$R3" >> u/rows'
is 'and only they are there' 3 "$(nums u)"
# --- programs that remove the rows first, and then fail to make them anew

printf '%s\n' "$R3" "$BAD" >"$T_DIR/bad"
printf '%s\n' "$R3" >"$T_DIR/good"
mkdir "$T_DIR/tar" && cp "$T_DIR/bad" "$T_DIR/tar/rows" && tar -C "$T_DIR/tar" -cf "$T_DIR/bad.tar" rows
while read -r snippet; do
    put t "$R1" "$R2"
    before=$(refusals)
    fails "the old rows come back: $snippet" run "$snippet"
    is '  all of them' '1 2' "$(nums t)"
    is '  and one line in errors says why' 1 $(($(refusals) - before))
done <<'EOT'
cp ../../bad ../../bad2; mv ../../bad2 t/rows
install -m 644 ../../bad t/rows
cd t && tar -xf ../../../bad.tar
cp --remove-destination ../../bad t/rows
perl -e 'unlink "t/rows"; open F, ">", "t/rows"; print F "{}\n"; $| = 1; F->flush; kill TERM => $$'
EOT
put t "$R1" "$R2"
ok 'what can be read takes their place' run 'mv ../../good t/rows'
is '  alone' 3 "$(nums t)"
run 'rm t/rows'
is 'rows that were only removed stay removed' '' "$(nums t)"
put t "$R1" "$R2"
is 'and they do not come back over what another has written meanwhile' 3 "$(
    run 'perl -e '"'"'unlink "t/rows"; open F, ">", "t/rows"; system q(sh -c "echo \$R3 >> t/rows"); syswrite F, "bad\n"; exit 1'"'"
    nums t
)"
like '  as errors says' 'could not be put back' "$(last_refusal reason)"
done_testing
