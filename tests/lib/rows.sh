# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Making rows, running shell snippets in a mount, and asking what it holds.

run() { # SNIPPET [ARG...]: in a fresh $SH (bash unless set), cwd is $T
    # $SH may be two words: busybox sh
    # shellcheck disable=SC2086
    (cd "$T" && exec timeout -k 5 30 ${SH:-bash} -c "$1" sh "${@:2}")
}

sys() { perl "$T_LIB/sys.pl" "$@"; } # system calls and what each returned

rows() { # FROM TO: {"n":FROM} up to {"n":TO}, a row a line
    seq -f '{"n":%.0f}' "$1" "$2"
}

fat_rows() { # COUNT [NAME]: rows of about 1,000 bytes
    seq -f "{\"n\":%.0f,\"t\":\"${2:-t}\",\"pad\":\"$(printf "%0970d" 0)\"}" "$1"
}

add() { # TABLE ROW...: appends the rows in one commit
    printf '%s\n' "${@:2}" | cat >>"$T/$1/rows"
}

put() { # TABLE ROW...: replaces the table's rows in one commit
    printf '%s\n' "${@:2}" | cat >"$T/$1/rows"
}

nums() { # TABLE: the values of n, in order, on one line
    sed -E 's/.*"n": ?([0-9]+).*/\1/' "$T/$1/rows" | paste -sd' '
}

lines() { # FILE: how many
    wc -l <"$1"
}

commits() { lines "$MNT/log"; }

refusals() { lines "$MNT/errors"; }

commits_of() { # SNIPPET [ARG...]: how many commits it makes
    local before
    before=$(commits)
    run "$@" >/dev/null 2>&1 </dev/null
    echo $(($(commits) - before))
}

refusals_of() { # SNIPPET [ARG...]: how many lines it leaves in errors, which keeps 100
    local last
    last=$(tail -n 1 "$MNT/errors")
    run "$@" >/dev/null 2>&1 </dev/null
    tac "$MNT/errors" | awk -v last="$(printf %s "$last" | sed 's/\\/&&/g')" '$0 == last { exit } { n++ } END { print n + 0 }'
}

last_refusal() { # FIELD: of the newest line in errors
    tail -n 1 "$MNT/errors" | jq -r ".$1"
}

refuses() { # ERRNO SENTENCE TEXT SNIPPET [ARG...]: it fails so, and errors says that sentence
    local errno=$1 sentence=$2 text=$3
    shift 3
    fails_with "$errno" "$text" run "$@"
    is "  because: $sentence" "$errno $sentence" "$(tail -n 1 "$MNT/errors" |
        jq -r '"\(.errno) \(.reason)\(if .line then " (line \(.line))" else "" end)"')"
}

stored() { # DIR: every file of a store with its times and contents
    (cd "$1" && find . -printf '%p %y %m %s %T@\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

flip() { # FILE OFFSET: changes one bit of the byte there
    perl -e 'open(my $f, "+<:raw", $ARGV[0]) or die $!; seek $f, $ARGV[1], 0; read $f, my $c, 1;
        seek $f, $ARGV[1], 0; print $f $c ^ "\x01"; close $f or die $!' "$1" "$2"
}

has_written() { # PID BYTES: true once the process has written that much
    local key value
    while read -r key value; do
        [ "$key" = wchar: ] && [ "$value" -ge "$2" ] && return
    done <"/proc/$1/io"
    return 1
}
