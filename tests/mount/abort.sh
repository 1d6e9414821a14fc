#!/bin/bash
# SPDX-License-Identifier: MIT
# Failure is an abort: what a process that fails had not closed is not there.
. "$(dirname "$0")/../lib/mount.sh"

mnt_start
run 'mkdir t u'
rows 1 3 >"$T_DIR/a"
rows 4 6 >"$T_DIR/b"
export A=$T_DIR/a B=$T_DIR/b D=$T_DIR SYS=$T_LIB/sys.pl
run 'cat $B >> t/rows'

while read -r snippet; do
    run 'cat $B > t/rows' # whatever the last one has done
    before=$(commits)
    is "one line in errors: $snippet" 1 "$(refusals_of "$snippet")"
    is '  and nothing visible' "4 5 6, $before commits" "$(nums t), $(commits) commits"
    like '  the reason is the exit' 'exit|status|signal|kill' "$(last_refusal reason)"
    is '  of this file' tables/t/rows "$(last_refusal path)"
done <<'EOT'
typo t/rows > t/rows
typo < t/rows > t/rows
/no/such/program > t/rows
/etc/passwd > t/rows
bash -c 'set -e; exec 3>> t/rows; /bin/cat $A >&3; false'
bash -c 'set -e; exec 3> t/rows; /bin/cat $A >&3; false; echo "$R1" >&3'
bash -c 'set -eu; exec 3>> t/rows; /bin/cat $A >&3; echo $UNSET_VARIABLE'
dash -c 'set -e; exec >> t/rows; cat $A; false'
(cat $A; exit 4) >> t/rows
bash -c 'exec 3>> t/rows; /bin/cat $A >&3; exit 3'
bash -c 'exec 3>> t/rows; /bin/cat $A >&3; kill -9 $$'
bash -c 'exec 3>> t/rows; /bin/cat $A >&3; kill -TERM $$'
bash -c 'exec 3>> t/rows; /bin/cat $A >&3; exec typo'
perl $SYS open a t/rows write '{"n":7}\n' exit 1
perl $SYS open w t/rows write '{"n":7}\n' exit 1
perl $SYS open w t/rows exit 1
perl $SYS open a t/rows write '{"n":7}\n' kill KILL
perl $SYS open a t/rows write '{"n":7}\n' kill SEGV
perl $SYS open a t/rows write '{"n":7}\n{"n":' kill TERM
perl -e 'print "{}\n"; die "an exception"' >> t/rows
perl -e '$| = 1; print "{}\n"; die "an exception"' > t/rows
{ cat $A; sh -c 'cat $B; kill -9 $$'; cat $A; } >> t/rows
{ cat $A; perl -e '$| = 1; print "{}\n"; kill "KILL", $$'; cat $B; } > t/rows
{ cat $A; perl -e '$| = 1; print "{}\n"; kill "KILL", $$'; } >> t/rows
EOT

run 'cat $B > t/rows'
fails 'a poisoned file refuses what comes after' run \
    '{ perl -e "\$| = 1; print qq({}\n); kill KILL => \$\$"; cat $A; } >> t/rows'
fails 'a builtin sees it, too' run \
    '{ perl -e "\$| = 1; print qq({}\n); kill KILL => \$\$"; echo "$R1"; } >> t/rows'
is 'without poison from one group to the next' '1 4 5 6 1 2 3' "$(commits_of 'cat $A >> t/rows') $(nums t)"

run 'cat $B > t/rows'
mkfifo "$D/pipe"
fat_rows 3000 >"$D/fat"
for signal in KILL TERM INT PIPE; do
    before=$(refusals)
    # Not a plain background job: those ignore SIGINT.
    perl -e '$SIG{INT} = "DEFAULT"; open STDOUT, ">>", shift or die; exec "cat", @ARGV' \
        "$T/t/rows" "$D/pipe" &
    exec 7>"$D/pipe"
    cat "$D/fat" >&7
    wait_until 'cat has written 3 MB' has_written $! "$(wc -c <"$D/fat")"
    kill -$signal $!
    wait $! 2>/dev/null
    exec 7>&-
    is "SIG$signal of a cat in the middle leaves nothing" '4 5 6' "$(nums t)"
    is '  but a line in errors' 1 $(($(refusals) - before))
done

like 'the line says when' '^20[0-9-]{8}T[0-9:.]+Z$' "$(last_refusal time)"
is 'and which process' $! "$(last_refusal pid)"
is 'a failed exit after an explicit close is no refusal' 0 \
    "$(refusals_of 'perl $SYS open a u/rows write "{}\n" close exit 1')"
is 'a failed exec while nothing was written is no harm to an append' "$(cat "$T/t/rows")" \
    "$(run 'typo >> t/rows' 2>/dev/null; cat "$T/t/rows")"
is 'rows are there after all this' '4 5 6' "$(mnt_stop; mnt_start; nums t)"
done_testing
