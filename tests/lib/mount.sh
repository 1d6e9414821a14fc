# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What every test of tests/mount needs: a private directory, mounts that never
# outlive the test, assertions that print TAP (those are in assert.sh).
#
#     . "$(dirname "$0")/../lib/mount.sh"
#     mnt_start                      # mounts $STORE; sets MNT, and T=$MNT/tables
#     ok 'a row is appended' run 'mkdir t && echo "$R1" >> t/rows'
#     done_testing
#
# The test script runs twice: the outer run supervises the inner one, ends it
# after T_LIMIT seconds, and removes what it left behind. A request that hangs
# in the kernel cannot be killed, only its daemon can; so the outer run never
# touches the mount.
#
# Environment: ROWFS (the binary), ROWFS_TEST_TMP (where to work, not a tmpfs),
# CI=true (a test that cannot run fails instead of exiting 77).

set -u
export LC_ALL=C
umask 022
T_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROWFS=$(realpath -m "${ROWFS:-$T_LIB/../../build/rowfs}")
export ROWFS

t_skip_all() { # REASON: the whole test cannot run here
    if [ "${CI:-}" = true ]; then
        echo "not ok 1 - $1"
        exit 1
    fi
    echo "1..0 # SKIP $1"
    exit 77
}

t_can_mount() {
    local caps
    { : <>/dev/fuse; } 2>/dev/null || return
    if [ "$(id -u)" = 0 ]; then
        caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
        (((0x$caps >> 21) & 1)) # CAP_SYS_ADMIN
    else
        command -v fusermount3 >/dev/null
    fi
}

t_mounts() { # what is mounted below T_DIR, the innermost last
    local line dir
    while read -r _ _ _ _ line _; do
        dir=$(printf '%b' "$line")
        case $dir in "$T_DIR"/*) printf '%s\n' "$dir" ;; esac
    done </proc/self/mountinfo
}

t_detach() { # MOUNTPOINT
    umount -l "$1" 2>/dev/null || fusermount3 -uz "$1" 2>/dev/null
}

# Only cmdline is read: most other files of a process that hangs in execve()
# would make the reader hang too (KERNEL.md).
t_daemons() { # the processes that serve a mount below T_DIR
    local p argv
    for p in /proc/[0-9]*; do
        mapfile -d '' -t argv 2>/dev/null <"$p/cmdline"
        case "${argv[*]}" in
            "rowfs "*"$T_DIR"* | *"$ROWFS "*"$T_DIR"*) echo "${p#/proc/}" ;;
        esac
    done 2>/dev/null
}

t_clean_up() { # removes whatever is left, and says what that was
    local dir pid
    for pid in $(t_daemons); do
        echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
        kill -KILL "$pid"
    done
    while read -r dir; do
        echo "a mount on $dir"
        t_detach "$dir"
    done < <(t_mounts | tac)
    rm -rf --one-file-system "$T_DIR"
} 2>/dev/null

t_supervise() { # runs the test script itself, with a limit and a clean-up
    local rc inner left limit=${T_LIMIT:-60}
    if grep -qaE '__[at]san_init' "$ROWFS"; then limit=$((limit * 8)); fi
    mkfifo "$T_DIR/.ended" || exit 1
    exec 9<>"$T_DIR/.ended"
    set -m
    (
        T_INNER=1 bash "$0" 9>&-
        echo "$?" >&9
    ) &
    inner=$!
    set +m
    trap 'kill -KILL -- "-$inner"; t_clean_up; exit 143' HUP INT TERM
    if ! read -r -t "$limit" rc <&9; then
        echo "not ok - the test has not ended after $limit s"
        rc=1
    fi
    exec 2>/dev/null # the shell's remarks about the job
    kill -KILL -- "-$inner"
    left=$(t_clean_up)
    if [ -n "$left" ] && [ "$rc" = 0 ]; then
        echo "not ok - nothing is left mounted or running"
        echo "# got: ${left//$'\n'/$'\n# '}"
        rc=1
    fi
    exit "$rc"
}

if [ -z "${T_INNER:-}" ]; then
    t_can_mount || t_skip_all "/dev/fuse is missing or may not be used"
    for T_TOOL in jq perl timeout; do
        command -v $T_TOOL >/dev/null || t_skip_all "$T_TOOL is not installed"
    done
    if [ ! -x "$ROWFS" ]; then
        echo "Bail out! there is no $ROWFS"
        exit 1
    fi
    for T_DIR in "${ROWFS_TEST_TMP:-}" /var/tmp "$PWD"; do
        [ -d "$T_DIR" ] && [ "$(stat -fc %T "$T_DIR")" != tmpfs ] && break
    done
    T_DIR=$(mktemp -d "$T_DIR/rowfs-test.XXXXXX") || exit 1
    export T_DIR
    chmod 711 "$T_DIR"
    t_supervise
fi

# From here on this is the inner run.

STORE=$T_DIR/store
export MNT='' T=''
export R1='{"n":1}' R2='{"n":2}' R3='{"n":3}' BAD='{bad'
for T_SAN in ASAN UBSAN TSAN LSAN; do
    declare -x "${T_SAN}_OPTIONS=$(printenv ${T_SAN}_OPTIONS):log_path=$T_DIR/sanitizer"
done

. "$T_LIB/assert.sh"
. "$T_LIB/rows.sh"

mnt_try() { # NAME [OPTIONS]: mounts $STORE on $T_DIR/NAME; what is said is in $T_DIR/.said
    MNT=$T_DIR/$1 T=$MNT/tables
    mkdir -p "$MNT"
    timeout 30 "$ROWFS" mount "$STORE" "$MNT" ${2:+-o "$2"} >"$T_DIR/.said" 2>&1 </dev/null
}

mnt_start() { # [NAME [OPTIONS]]: the same, and must succeed
    mnt_try "${1:-mnt}" "${2:-}" || t_bail "mounting $STORE failed: $(cat "$T_DIR/.said")"
}

mnt_stop() { # [NAME]: unmounts; a failure is the test's failure
    local dir=$T_DIR/${1:-mnt}
    cd "$T_DIR" || exit 1
    if ! timeout 30 "$ROWFS" unmount "$dir" >"$T_DIR/.said" 2>&1; then
        t_fail "unmount $dir" "success" "$(cat "$T_DIR/.said")"
        return 1
    fi
}

mnt_is() { # MOUNTPOINT: true if something is mounted there
    t_mounts | grep -qxF -- "$1"
}

mnt_crash() { # [NAME]: kills the daemon and removes the dead mount
    local pid
    pid=$(mnt_pid)
    kill -KILL "$pid"
    t_detach "$T_DIR/${1:-mnt}"
    wait_until "the killed daemon is gone" t_is_gone "$pid"
}

mnt_pid() { jq .pid "$MNT/info"; }

t_is_gone() { # PID: true if the process has ended, a zombie counts as ended
    ! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null
}
