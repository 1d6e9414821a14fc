#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that change a file in place, most of them through another file beside it.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t'
export D=$T_DIR

result() { # SNIPPET NUMBERS: turns the rows 1 2 3 into these
    put t "$R1" "$R2" "$R3"
    ok "$1" run "$1"
    is '  has the result' "$2" "$(nums t)"
    is '  and leaves nothing else' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
}

edit() { # SNIPPET NUMBERS: does so in one commit
    result "$@"
    put t "$R1" "$R2" "$R3"
    is '  in one commit' 1 "$(commits_of "$1")"
}

edit 'sed -i s/2/5/ t/rows' '1 5 3'
edit 'sed -i /2/d t/rows' '1 3'
edit 'sed -i s/9/8/ t/rows' '1 2 3'
edit 'perl -pi -e s/2/7/ t/rows' '1 7 3'
edit 'sort -r -o t/rows t/rows' '3 2 1'
edit 'dd if=/dev/null of=t/rows' ''
edit 'f=$(mktemp t/tmp.XXXXXX) && tac t/rows > $f && mv $f t/rows' '3 2 1'
edit 'grep -v 2 t/rows > t/new; mv t/new t/rows' '1 3'
edit 'jq -c ".n += 1" t/rows > t/rows.new && mv -f t/rows.new t/rows' '2 3 4'
edit 'cat > t/.hidden <<< "$R2" && mv t/.hidden t/rows' '2'
if have busybox 'busybox'; then edit 'busybox sed -i s/2/5/ t/rows' '1 5 3'; fi
if have sponge 'sponge'; then edit 'tac t/rows | sponge t/rows' '3 2 1'; fi
if have ed 'ed'; then edit 'printf "2d\nw\nq\n" | ed -s t/rows' '1 3'; fi
if have vim 'vim'; then result 'vim -N -u NONE -i NONE -es -c 2d -c wq t/rows' '1 3'; fi
if have python3 'python3'; then
    edit 'python3 -c "import os
with open(\"t/x\", \"w\") as f: f.write(open(\"t/rows\").read()[8:])
os.replace(\"t/x\", \"t/rows\")"' '2 3'
fi

put t "$R1" "$R2" "$R3"
fails_with EINVAL 'sed -i that makes a bad row is refused' run 'sed -i s/2/x/ t/rows'
is 'and the rows are what they were' '1 2 3' "$(nums t)"
isnt 'errors has the reason' null "$(last_refusal reason)"
run 'rm -f t/sed*'
fails 'sort -o of bad rows is refused' run 'sed s/2/x/ t/rows | sort -o t/rows'
is 'and the rows are what they were' '1 2 3' "$(nums t)"
before=$(cat "$T/t/rows")
fat_rows 2000 >"$D/fat"
ok 'sed -i of 2 MB' run 'cp $D/fat t/rows && sed -i s/n/m/ t/rows'
same 'has the result' <(sed s/n/m/ "$D/fat") "$T/t/rows"
is 'rows are still one file' 'rows schema' "$(ls -A "$T/t" | paste -sd' ')"
isnt 'and the old ones are gone' "$before" "$(cat "$T/t/rows")"
done_testing
