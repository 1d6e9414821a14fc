# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Assertions that print TAP. Each takes its sentence first: a fact about rowfs.
# A failed one goes on, so that one run shows all that is wrong.

T_COUNT=0 T_FAILED=0

t_pass() { # TEXT
    T_COUNT=$((T_COUNT + 1))
    echo "ok $T_COUNT - ${1//$'\n'/; }"
}

t_fail() { # TEXT EXPECTED GOT
    T_COUNT=$((T_COUNT + 1)) T_FAILED=$((T_FAILED + 1))
    echo "not ok $T_COUNT - ${1//$'\n'/; }"
    printf '# expected: %s\n' "${2//$'\n'/$'\n#   '}"
    printf '# got:      %s\n' "${3//$'\n'/$'\n#   '}"
}

t_bail() { # REASON: nothing after this makes sense
    t_fail "$1" "to go on" "cannot"
    echo "Bail out! $1"
    exit 1
}

skip() { # TEXT REASON
    T_COUNT=$((T_COUNT + 1))
    echo "ok $T_COUNT - $1 # SKIP $2"
}

have() { # PROGRAM TEXT: false, and TEXT is skipped, if it is not installed
    command -v "$1" >/dev/null && return
    skip "$2" "$1 is not installed"
    return 1
}

is() { # TEXT EXPECTED GOT
    if [ "$2" = "$3" ]; then t_pass "$1"; else t_fail "$1" "$2" "$3"; fi
}

isnt() { # TEXT UNWANTED GOT
    if [ "$2" != "$3" ]; then t_pass "$1"; else t_fail "$1" "something else" "$3"; fi
}

like() { # TEXT EXTENDED-REGEX GOT: case does not matter
    if grep -qiE -e "$2" <<<"$3"; then t_pass "$1"; else t_fail "$1" "like $2" "$3"; fi
}

# Runs a command and keeps its output for the report: in $T_DIR/.out, and the
# exit status in T_RC.
t_run() {
    T_RC=0
    "$@" >"$T_DIR/.out" 2>&1 </dev/null || T_RC=$?
}

t_outcome() { echo "exit status $T_RC${1:+, }$(head -c 1000 "$T_DIR/.out" | tr -d '\0')"; }

ok() { # TEXT COMMAND...: succeeds
    local text=$1
    shift
    t_run "$@"
    if [ $T_RC = 0 ]; then t_pass "$text"; else t_fail "$text" "exit status 0 of: $*" "$(t_outcome -)"; fi
}

# 124 and 137 are what timeout(1) makes of a command that hung.
fails() { # TEXT COMMAND...: exits with a status that is not 0
    local text=$1
    shift
    t_run "$@"
    case $T_RC in
        0 | 124 | 137) t_fail "$text" "failure of: $*" "$(t_outcome -)" ;;
        *) t_pass "$text" ;;
    esac
}

fails_with() { # ERRNO TEXT COMMAND...: fails, and says the message of ERRNO
    local message text=$2
    message=$(strerror "$1")
    shift 2
    t_run "$@"
    case $T_RC in
        0 | 124 | 137) t_fail "$text" "failure ($message) of: $*" "$(t_outcome -)" ;;
        *)
            if grep -qF -- "$message" "$T_DIR/.out"; then
                t_pass "$text"
            else
                t_fail "$text" "$message from: $*" "$(t_outcome -)"
            fi
            ;;
    esac
}

strerror() { # ERRNO-NAME
    perl -MErrno -e '$! = Errno->can($ARGV[0])->(); print "$!"' "$1"
}

same() { # TEXT EXPECTED-FILE FILE: the same bytes
    ok "$1" cmp -- "$2" "$3"
}

wait_until() { # TEXT COMMAND...: polls until COMMAND succeeds; a failure after 20 s
    local text=$1 end=$((SECONDS + 20))
    shift
    while [ "$SECONDS" -lt "$end" ]; do
        "$@" >/dev/null 2>&1 && return
        sleep 0.02
    done
    t_fail "$text" "success of: $*" "none in 20 s"
    return 1
}

# Unmounts what is still mounted, so that a daemon's own end is tested too.
done_testing() {
    local dir
    cd "$T_DIR" || exit 1
    while read -r dir; do
        mnt_stop "${dir#"$T_DIR"/}"
    done < <(t_mounts | tac)
    if compgen -G "$T_DIR/sanitizer*" >/dev/null; then
        t_fail "no sanitizer complains" "silence" "$(head -n 60 "$T_DIR"/sanitizer*)"
    fi
    echo "1..$T_COUNT"
    trap - EXIT
    exit $((T_FAILED > 0))
}

trap 'echo "not ok - the test ended before done_testing"; exit 1' EXIT
