#!/bin/sh
# SPDX-License-Identifier: MIT
# An include points down, never up: fs -> core -> core/store -> core/base.
set -u
cd "$1" || exit 1
failed=0

forbid() { # DIRECTORY-GLOB PATTERN WHAT
    # shellcheck disable=SC2086
    if grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" $1; then
        echo "not allowed: $3"
        failed=1
    fi
}

forbid 'core/base/*.[ch]' 'core/(store/|[a-z_]+\.h)|fs/' 'core/base includes nothing above it'
forbid 'core/store/*.[ch]' 'core/[a-z_]+\.h|fs/' 'core/store includes core/base only'
forbid 'core/*.[ch]' 'fs/' 'core does not include fs'
forbid 'core/*.[ch] core/store/*.[ch] core/base/*.[ch]' 'fuse|linux/fuse' 'core has no FUSE header'

# Every file says its licence and its job on its first two lines.
for file in core/*.[ch] core/*/*.[ch] fs/*.[ch] tests/*/*.[ch]; do
    [ "$(head -n 1 "$file")" = '/* SPDX-License-Identifier: MIT */' ] || {
        echo "$file: no licence on line 1"
        failed=1
    }
    case $(sed -n 2p "$file") in '/*'*) ;; *)
        echo "$file: line 2 does not say what it is for"
        failed=1
        ;;
    esac
done
exit $failed
