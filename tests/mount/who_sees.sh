#!/bin/bash
# SPDX-License-Identifier: MIT
# Which program sees which error: the table of KERNEL.md. Whoever sees none
# leaves nothing behind all the same, but a line in errors.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t'
add t "$R1"
export D=$T_DIR
printf '%s\n' "$R2" "$BAD" >"$D/bad"
printf '%s\n%s' "$R2" '{"n":' >"$D/half"

check() { # SEES SNIPPET: SEES is yes, or no if the exit status is not tested
    local before
    have "${2%% *}" "$2" || return
    before=$(refusals)
    if [ "$1" = yes ]; then fails "it sees the error: $2" run "$2"; else run "$2" >/dev/null 2>&1 </dev/null; fi
    is '  which leaves the rows alone' 1 "$(nums t)"
    is '  and a line in errors' "true EINVAL tables/t/rows" \
        "$([ "$(refusals)" -gt "$before" ] && echo true) $(last_refusal errno) $(last_refusal path)"
}

echo '# errors of write'
while read -r snippet; do
    check yes "$snippet"
done <<'EOT'
echo "$BAD" >> t/rows
printf '%s\n' "$BAD" >> t/rows
/bin/echo "$BAD" >> t/rows
/usr/bin/printf '%s\n' "$BAD" >> t/rows
cat $D/bad >> t/rows
cat < $D/bad > t/rows
tee -a t/rows < $D/bad
tee t/rows < $D/bad
dd if=$D/bad of=t/rows oflag=append conv=notrunc
dd if=$D/bad of=t/rows
cp $D/bad t/rows
sort -o t/rows $D/bad
sort $D/bad >> t/rows
grep . $D/bad >> t/rows
sed '' $D/bad >> t/rows
sed -n "w t/rows" $D/bad
awk '{ print }' $D/bad >> t/rows
awk '{ print >> "t/rows" }' $D/bad
head $D/bad >> t/rows
uniq $D/bad t/rows
jq -nc '[1]' >> t/rows
busybox cat $D/bad >> t/rows
busybox cp $D/bad t/rows
perl -pe 1 $D/bad >> t/rows
python3 -c 'with open("t/rows", "a") as f: f.write("[1]\n")'
python3 -c 'print("[1]")' >> t/rows
node -e 'require("fs").appendFileSync("t/rows", "[1]\n")'
EOT

echo '# errors of close'
while read -r snippet; do
    check yes "$snippet"
done <<'EOT'
/bin/echo -n '{"n":' >> t/rows
/usr/bin/printf '{"n":' >> t/rows
cat $D/half >> t/rows
cat < $D/half > t/rows
tee -a t/rows < $D/half
dd if=$D/half of=t/rows oflag=append conv=notrunc
cp $D/half t/rows
sed '' $D/half >> t/rows
head -c 10 $D/half >> t/rows
jq -nj '"{\"n\":"' >> t/rows
python3 -c 'with open("t/rows", "a") as f: f.write("[1")'
node -e 'require("fs").appendFileSync("t/rows", "[1")'
EOT

echo '# errors of close that nobody can see'
while read -r snippet; do
    check no "$snippet"
done <<'EOT'
printf '{"n":' >> t/rows
echo -n '{"n":' > t/rows
dash -c "printf '{' >> t/rows"
busybox cat $D/half >> t/rows
perl -pe 1 $D/half >> t/rows
python3 -c 'print("{", end="")' >> t/rows
EOT

echo '# errors of open'
while read -r snippet; do
    have "${snippet%% *}" "$snippet" && fails "it sees the error: $snippet" run "$snippet"
done <<'EOT'
echo "$R1" >> missing/rows
: > missing/rows
cp $D/bad missing/rows
tee -a missing/rows < $D/bad
dd if=$D/bad of=missing/rows
sort -o missing/rows $D/bad
EOT
done_testing
