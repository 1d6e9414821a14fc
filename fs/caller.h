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

/* The process that started this one, or whoever has adopted it; 0 when it cannot be known. */
pid_t caller_parent(pid_t process);

/*
 * Whether the end of this process could be seen: not for one of another pid
 * namespace (0), nor where /proc hides it.
 */
bool caller_is_visible(pid_t tid);

/*
 * Called in FLUSH, with which the caller waits for us: whether it lives (and still
 * has a descriptor that writes to inode `ino`), or how it ends: then `why` says
 * so, "the process was killed by signal 9".
 *
 * A shell closes duplicates all the time: `cmd >> f` opens f as 3, makes it 1 and
 * closes 3; a builtin with a redirection of its own saves 1 as 10 and closes 1. What
 * another descriptor still holds was not closed. `ino` 0: that cannot be told.
 */
enum openfile_end caller_end(pid_t tid, uint64_t ino, char *why, size_t why_bytes);

#endif
