/* SPDX-License-Identifier: MIT */
/*
 * The processes whose children have written to an open file. A script that ends with
 * status 3 has failed although it only lets others write: jq and cat, which have
 * closed long before, and well. A grep beside them that finds nothing has not.
 *
 * Any thread.
 */
#ifndef ROWFS_FS_LINEAGE_H
#define ROWFS_FS_LINEAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#define LINEAGE_PROCESSES 64 /* deeper nesting, and more scripts in one group, are not followed */

struct lineage {
    pthread_mutex_t lock;
    pid_t last; /* the process that wrote last */
    pid_t processes[LINEAGE_PROCESSES];
    unsigned count;
};

void lineage_init(struct lineage *lineage);
void lineage_finish(struct lineage *lineage);

/* `process` writes: those that started it, up to the opener, are noted. */
void lineage_note(struct lineage *lineage, pid_t process, pid_t opener);

/* Whether something that `process` has started has written. */
bool lineage_has(struct lineage *lineage, pid_t process);

#endif
