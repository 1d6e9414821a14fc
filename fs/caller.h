/* SPDX-License-Identifier: MIT */
/*
 * What can be known of the process that calls: which process a thread belongs
 * to, and whether it closes a file of its own will or because it ends.
 */
#ifndef ROWFS_FS_CALLER_H
#define ROWFS_FS_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/openfile.h"

/* The process (thread group) of a thread; the thread itself when it cannot be known. */
pid_t caller_process(pid_t tid);

/*
 * Whether the end of this process could be seen: not for one of another pid
 * namespace (0), nor where /proc hides it.
 */
bool caller_is_visible(pid_t tid);

/*
 * Called in FLUSH, with which the caller waits for us: whether it lives, or how
 * it ends. Unless it is alive, `why` says so: "the process was killed by signal 9".
 */
enum openfile_end caller_end(pid_t tid, char *why, size_t why_bytes);

#endif
