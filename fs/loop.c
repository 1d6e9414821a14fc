/* SPDX-License-Identifier: MIT */
/* Threads that take turns at receiving. */
#include "fs/loop.h"

#include <errno.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "fs/trace.h"

#define STACK_BYTES (1024 * 1024)

struct loop {
    struct fs *fs;
    pthread_t main;
    pthread_mutex_t receive; /* held while one thread waits for a request */
    pthread_mutex_t lock;
    pthread_t threads[LOOP_MAX_THREADS];
    unsigned count, idle;
    bool ended; /* by the kernel */
};

static void *serve(void *context);

/* Another thread; the lock is held. Fewer threads than wanted still serve everything. */
static void spawn(struct loop *loop)
{
    pthread_attr_t attr;

    if (loop->count == LOOP_MAX_THREADS)
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
    if (handle->kind == HANDLE_OPENFILE && openfile_is_undecided(handle->file))
        settle_begin(&fs->settle, &handle->ticket);
}

static int receive(struct loop *loop, struct fuse_buf *buf)
{
    struct fuse_session *session = loop->fs->session;
    int n = 0;

    pthread_mutex_lock(&loop->receive);
    if (!fuse_session_exited(session)) {
        n = fuse_session_receive_buf(session, buf);
        if (n > 0)
            look_at(loop->fs, buf);
    }
    pthread_mutex_unlock(&loop->receive);
    return n;
}

static void set_idle(struct loop *loop, int change)
{
    pthread_mutex_lock(&loop->lock);
    loop->idle += (unsigned)change;
    if (loop->idle == 0)
        spawn(loop);
    pthread_mutex_unlock(&loop->lock);
}

static void *serve(void *context)
{
    struct loop *loop = context;
    struct fuse_buf buf = {0};
    int n;

    while ((n = receive(loop, &buf)) > 0 || n == -EINTR) {
        if (n < 0)
            continue;
        set_idle(loop, -1);
        fuse_session_process_buf(loop->fs->session, &buf);
        set_idle(loop, 1);
    }
    if (n < 0)
        trace_error("cannot receive requests: error %d", n);
    free(buf.mem);
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
