/* SPDX-License-Identifier: MIT */
/* A thread that drops names from the kernel's cache. */
#include "fs/forgetter.h"

#include <signal.h>
#include <string.h>

/* Names that are dropped at once. */
#define BATCH 256

void forgetter_init(struct forgetter *forgetter, struct nodes *nodes)
{
    *forgetter = (struct forgetter){.nodes = nodes};
    pthread_mutex_init(&forgetter->lock, NULL);
    pthread_cond_init(&forgetter->work, NULL);
}

void forgetter_finish(struct forgetter *forgetter)
{
    bool runs;

    pthread_mutex_lock(&forgetter->lock);
    forgetter->ends = true;
    runs = forgetter->runs;
    pthread_cond_signal(&forgetter->work);
    pthread_mutex_unlock(&forgetter->lock);
    if (runs)
        pthread_join(forgetter->thread, NULL);
    pthread_cond_destroy(&forgetter->work);
    pthread_mutex_destroy(&forgetter->lock);
}

/* Drops one batch. Whether there is more to do. */
static bool drop_batch(struct forgetter *forgetter)
{
    struct node *oldest[BATCH];
    size_t count = nodes_take_oldest(forgetter->nodes, FORGETTER_SELECTIONS, oldest, BATCH);

    for (size_t i = 0; i < count; i++) {
        char name[NAME_MAX + 1];

        node_get_name(oldest[i], name);
        fuse_lowlevel_notify_inval_entry(forgetter->session, node_id(oldest[i]->parent), name,
                                         strlen(name));
        node_unref(forgetter->nodes, oldest[i], 1);
    }
    return count == BATCH;
}

/*
 * A thread of its own: the kernel takes the lock of the directory, which somebody may hold who
 * waits for our answer.
 */
static void *forget(void *context)
{
    struct forgetter *forgetter = context;

    pthread_mutex_lock(&forgetter->lock);
    while (!forgetter->ends) {
        if (!forgetter->has_work) {
            pthread_cond_wait(&forgetter->work, &forgetter->lock);
            continue;
        }
        forgetter->has_work = false;
        pthread_mutex_unlock(&forgetter->lock);
        while (drop_batch(forgetter))
            ;
        pthread_mutex_lock(&forgetter->lock);
    }
    pthread_mutex_unlock(&forgetter->lock);
    return NULL;
}

/* Begun when it is first needed. Without it more memory is used. */
static void start(struct forgetter *forgetter)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    forgetter->runs = pthread_create(&forgetter->thread, NULL, forget, forgetter) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void forgetter_wake(struct forgetter *forgetter, struct fuse_session *session)
{
    pthread_mutex_lock(&forgetter->lock);
    forgetter->session = session;
    forgetter->has_work = true;
    if (!forgetter->runs && !forgetter->ends)
        start(forgetter);
    pthread_cond_signal(&forgetter->work);
    pthread_mutex_unlock(&forgetter->lock);
}
