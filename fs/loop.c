/* SPDX-License-Identifier: MIT */
/* Threads that take turns at receiving. */
#include "fs/loop.h"

#include <errno.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "fs/trace.h"
#include "fs/txfiles.h"

#define STACK_BYTES       (1024 * 1024)
#define QUICK_WRITE_BYTES 8192

struct loop {
    struct fs *fs;
    pthread_t main;
    pthread_mutex_t receive; /* whoever holds it has the turn */
    pthread_mutex_t lock;
    pthread_t threads[LOOP_MAX_THREADS];
    unsigned count, idle; /* idle: have the turn or wait for it */
    bool ended;           /* by the kernel */
};

static void *serve(void *context);

/* Another thread; the lock is held. Fewer threads than wanted still serve everything. */
static void spawn(struct loop *loop)
{
    pthread_attr_t attr;

    if (loop->count == LOOP_MAX_THREADS || loop->ended)
        return;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (pthread_create(&loop->threads[loop->count], &attr, serve, loop) == 0) {
        loop->count++;
        loop->idle++;
    }
    pthread_attr_destroy(&attr);
}

/* A last close that has something to commit is noted before anybody can ask for its result. */
static void look_at(struct fs *fs, const struct fuse_buf *buf)
{
    const struct fuse_in_header *header = buf->mem;
    const struct fuse_release_in *release = (const void *)(header + 1);
    struct handle *handle;

    if (header->opcode != FUSE_RELEASE || buf->size < sizeof *header + sizeof *release)
        return;
    handle = (struct handle *)(uintptr_t)release->fh;
    if ((handle->kind == HANDLE_OPENFILE && openfile_is_undecided(handle->file)) ||
        txfiles_is_undecided(handle))
        settle_begin(&fs->settle, &handle->ticket);
}

/* The loop whose turn this thread has; NULL: another thread has it. */
static _Thread_local struct loop *turn_of;

static void take_turn(struct loop *loop)
{
    if (turn_of)
        return;
    pthread_mutex_lock(&loop->receive);
    turn_of = loop;
}

void loop_pass_turn(void)
{
    struct loop *loop = turn_of;

    if (!loop)
        return;
    turn_of = NULL;
    pthread_mutex_lock(&loop->lock);
    if (--loop->idle == 0)
        spawn(loop);
    pthread_mutex_unlock(&loop->lock);
    pthread_mutex_unlock(&loop->receive);
}

static int receive(struct loop *loop, struct fuse_buf *buf)
{
    struct fuse_session *session = loop->fs->session;
    int n;

    take_turn(loop);
    if (fuse_session_exited(session))
        return 0;
    n = fuse_session_receive_buf(session, buf);
    if (n > 0)
        look_at(loop->fs, buf);
    return n;
}

/* Requests that are served by the thread that has the turn unless they have to wait. */
static bool is_quick(const struct fuse_buf *buf)
{
    const struct fuse_in_header *header = buf->mem;

    switch (header->opcode) {
    case FUSE_LOOKUP:
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_GETATTR:
    case FUSE_OPEN:
    case FUSE_CREATE:
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_OPENDIR:
    case FUSE_RELEASEDIR:
    case FUSE_INIT:
    case FUSE_STATFS:
        return true;
    case FUSE_WRITE:
        return header->len <= QUICK_WRITE_BYTES;
    default:
        return false;
    }
}

static void serve_one(struct loop *loop, const struct fuse_buf *buf)
{
    if (!is_quick(buf))
        loop_pass_turn();
    fuse_session_process_buf(loop->fs->session, buf);
    if (turn_of)
        return;
    pthread_mutex_lock(&loop->lock);
    loop->idle++;
    pthread_mutex_unlock(&loop->lock);
}

static void *serve(void *context)
{
    struct loop *loop = context;
    struct fuse_buf buf = {0};
    int n;

    while ((n = receive(loop, &buf)) > 0 || n == -EINTR)
        if (n > 0)
            serve_one(loop, &buf);
    if (n < 0)
        trace_error("cannot receive requests: error %d", n);
    free(buf.mem);
    turn_of = NULL;
    pthread_mutex_unlock(&loop->receive);
    /* The first thread that meets the end of the connection tells the main thread. */
    pthread_mutex_lock(&loop->lock);
    if (!loop->ended) {
        loop->ended = true;
        pthread_kill(loop->main, SIGUSR1);
    }
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

static void ignore_signal(int signal)
{
    (void)signal;
}

int loop_start(struct fs *fs, struct loop **ret_loop)
{
    struct sigaction wake = {.sa_handler = ignore_signal};
    struct loop *loop = calloc(1, sizeof *loop);
    bool started;

    if (!loop)
        return -ENOMEM;
    loop->fs = fs;
    loop->main = pthread_self();
    pthread_mutex_init(&loop->receive, NULL);
    pthread_mutex_init(&loop->lock, NULL);
    sigaction(SIGUSR2, &wake, NULL); /* no SA_RESTART: it ends a read(2) that waits */
    pthread_mutex_lock(&loop->lock);
    spawn(loop);
    started = loop->count > 0;
    pthread_mutex_unlock(&loop->lock);
    if (!started) {
        free(loop);
        return -EAGAIN;
    }
    *ret_loop = loop;
    return 0;
}

/*
 * Joins the last thread. All are woken until it has noticed: one of them waits in
 * read(2), the others for their turn.
 */
static void join(struct loop *loop, unsigned count)
{
    struct timespec until;

    do {
        for (unsigned i = 0; i < count; i++)
            pthread_kill(loop->threads[i], SIGUSR2);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 10000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
    } while (pthread_timedjoin_np(loop->threads[count - 1], NULL, &until) == ETIMEDOUT);
}

void loop_run(struct loop *loop, bool *ret_unmounted)
{
    sigset_t signals;
    int signal;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    sigwait(&signals, &signal);
    *ret_unmounted = signal == SIGUSR1;
    fuse_session_exit(loop->fs->session);
    for (;;) {
        unsigned count;

        pthread_mutex_lock(&loop->lock);
        count = loop->count; /* one that works may have made another */
        pthread_mutex_unlock(&loop->lock);
        if (!count)
            break;
        join(loop, count);
        pthread_mutex_lock(&loop->lock);
        loop->threads[count - 1] = loop->threads[--loop->count]; /* the one made meanwhile */
        pthread_mutex_unlock(&loop->lock);
    }
    pthread_mutex_destroy(&loop->receive);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}
