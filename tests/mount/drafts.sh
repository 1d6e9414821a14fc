#!/bin/bash
# SPDX-License-Identifier: MIT
# Who reads the rows, writes a draft and renames it over them loses nobody else's change.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start two
mnt_start
run 'mkdir t'
B=$T_DIR/two/tables
export A=$T B

# Each change is made anew until it is taken; sed and perl open the rows before they make the draft.
edit() { # COMMAND CLIENT: four changes
    dir=$A
    [ $(($2 % 2)) = 1 ] && dir=$B
    for _ in 1 2 3 4; do
        until (cd "$dir" && eval "$1") 2>/dev/null; do :; done
    done
}
export -f edit
for command in "sed -i 's/\"}/y\"}/' t/rows" "perl -pi -e 's/\"}/y\"}/' t/rows" \
    "d=\$(mktemp t/XXXXXX) && sed 's/\"}/y\"}/' t/rows >\$d && mv \$d t/rows || ! rm -f \$d"; do
    echo '{"s":""}' >"$T/t/rows"
    seq 6 | timeout 60 xargs -P 4 -I{} bash -c 'edit "$1" {}' bash "$command"
    is "no change of two dozen is lost: ${command%% *}" 24 "$(tr -cd y <"$T/t/rows" | wc -c)"
done

echo '{"n":1}' >"$T/t/rows"
ok 'a draft' run 'jq -c .n+=1 t/rows | jq -c "{n:.}" > t/draft'
echo '{"n":100}' >"$B/t/rows"
fails_with ECANCELED 'is refused when the rows have changed' run 'mv t/draft t/rows'
ok 'written anew under the same name' run 'jq -c ".n+=1" t/rows > t/draft'
ok 'it is taken' run 'mv t/draft t/rows'
is 'with what was there' '{"n":101}' "$(cat "$B/t/rows")"

# What the maker of a draft has open counts, in whatever process of his it is not.
is 'a reader that is open before the draft is made' 'ECANCELED {"n":101} {"n":7}' "$(
    perl -e 'open R, "<", "$ENV{A}/t/rows"; @r = <R>; system q(echo "{\"n\":7}" >> $B/t/rows); open D, ">", "$ENV{A}/t/late"; print D @r; close D;
        rename "$ENV{A}/t/late", "$ENV{A}/t/rows" and print "lost" or print $!{ECANCELED} ? "ECANCELED" : $!'
    echo " $(paste -sd' ' "$T/t/rows")"
)"
is 'one of somebody else does not' 'taken' "$(
    perl -e 'open R, "<", "$ENV{A}/t/rows"; $_ = <R>; system q(echo "{\"n\":8}" >> $B/t/rows; cat $A/t/rows > $A/t/other; mv $A/t/other $A/t/rows) == 0 and print "taken"'
)"
done_testing
