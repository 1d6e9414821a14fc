/* SPDX-License-Identifier: MIT */
/* A small set of processes. */
#include "fs/lineage.h"

#include "fs/caller.h"

void lineage_init(struct lineage *lineage)
{
    *lineage = (struct lineage){.last = 0};
    pthread_mutex_init(&lineage->lock, NULL);
}

void lineage_finish(struct lineage *lineage)
{
    pthread_mutex_destroy(&lineage->lock);
}

static bool has(const struct lineage *lineage, pid_t process)
{
    for (unsigned i = 0; i < lineage->count; i++)
        if (lineage->processes[i] == process)
            return true;
    return false;
}

void lineage_note(struct lineage *lineage, pid_t process, pid_t opener)
{
    pthread_mutex_lock(&lineage->lock);
    if (process > 0 && process != opener && process != lineage->last) {
        lineage->last = process;
        for (pid_t p = caller_parent(process);
             p > 1 && p != opener && !has(lineage, p) && lineage->count < LINEAGE_PROCESSES;
             p = caller_parent(p))
            lineage->processes[lineage->count++] = p;
    }
    pthread_mutex_unlock(&lineage->lock);
}

bool lineage_has(struct lineage *lineage, pid_t process)
{
    bool found;

    pthread_mutex_lock(&lineage->lock);
    found = has(lineage, process);
    pthread_mutex_unlock(&lineage->lock);
    return found;
}
