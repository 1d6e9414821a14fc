/* SPDX-License-Identifier: MIT */
/* Requests that wait for commits, and the thread that ends their wait. */
#include "fs/followers.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "fs/trace.h"

#define READ_BYTES (128 * 1024)

struct follower {
    struct followers *all;
    pthread_mutex_t
        lock; /* of what follows up to `poll`; one that reads long holds up nobody else */
    struct follow *follow;
    fuse_req_t waiting; /* a READ; NULL: none */
    size_t size;
    struct fuse_pollhandle *poll; /* whom to tell when there is something; NULL: nobody */
    uint64_t told;                /* the version at which that was done last */
    struct follower *next, **link;
};

struct followers {
    struct db *db;
    pthread_mutex_t lock; /* of all that follows; taken before a follower's */
    struct follower *first;
    _Atomic unsigned count; /* of followers */
    _Atomic bool ended;
    bool running;
    pthread_t thread;
    int wake;  /* eventfd: this mount has committed, or the end has come */
    int watch; /* readable when anybody has put a record; -1: one has to look */
};

CLEANUP_POINTER(struct snapshot, snapshot_unref)

static void ring(int fd)
{
    ssize_t n = write(fd, &(uint64_t){1}, sizeof(uint64_t));

    (void)n; /* EAGAIN: it rings already */
}

static void on_publish(void *context)
{
    struct followers *all = context;

    if (atomic_load(&all->count))
        ring(all->wake);
}

int followers_create(struct db *db, struct followers **ret_followers)
{
    struct followers *all = calloc(1, sizeof *all);

    if (!all)
        return -ENOMEM;
    all->db = db;
    all->watch = -1;
    all->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (all->wake < 0) {
        free(all);
        return -ENOMEM;
    }
    pthread_mutex_init(&all->lock, NULL);
    db_set_on_publish(db, on_publish, all);
    *ret_followers = all;
    return 0;
}

/* --- one reader ----------------------------------------------------------------------- */

/* Answers the request that waits if it can be answered now. The follower's lock is held. */
static void serve(struct follower *follower)
{
    size_t size = follower->size < READ_BYTES ? follower->size : READ_BYTES;
    cleanup_free char *buf = malloc(size);
    struct err err = ERR_INIT;
    int n = buf ? follow_read(follower->follow, buf, size, &err) : -ENOMEM;
    fuse_req_t req = follower->waiting;

    if (!n && !atomic_load(&follower->all->ended))
        return;
    follower->waiting = NULL;
    if (n < 0 && n != -ENOENT) {
        trace_error("a stream ended: %s", err.text);
        fuse_reply_err(req, -n);
    } else {
        fuse_reply_buf(req, buf, n > 0 ? (size_t)n : 0);
    }
}

static bool is_ready(struct follower *follower)
{
    return atomic_load(&follower->all->ended) || follow_has_more(follower->follow, NULL) != 0;
}

/* `data` is all followers: by the time of the call the one that waits may have been closed. */
static void on_interrupt(fuse_req_t req, void *data)
{
    struct followers *all = data;
    bool waits = false;

    pthread_mutex_lock(&all->lock);
    for (struct follower *f = all->first; f && !waits; f = f->next) {
        pthread_mutex_lock(&f->lock);
        waits = f->waiting == req;
        if (waits)
            f->waiting = NULL;
        pthread_mutex_unlock(&f->lock);
    }
    pthread_mutex_unlock(&all->lock);
    if (waits)
        fuse_reply_err(req, EINTR);
}

/* --- the thread ------------------------------------------------------------------------ */

/* What can be done for one; whoever is busy with it now rings when he has done it. */
static bool serve_one(struct follower *follower, uint64_t version)
{
    bool waits;

    if (pthread_mutex_trylock(&follower->lock) != 0)
        return true;
    if (follower->waiting)
        serve(follower);
    /* Each time that there is more: an edge-triggered epoll does not ask again in between. */
    if (follower->poll && follower->told != version && is_ready(follower)) {
        fuse_lowlevel_notify_poll(follower->poll);
        follower->told = version;
    }
    waits = follower->waiting || follower->poll;
    if (waits && follow_is_behind(follower->follow))
        ring(follower->all->wake);
    pthread_mutex_unlock(&follower->lock);
    return waits;
}

/* Whether somebody still waits. `version`: the newest one. */
static bool serve_all(struct followers *all, uint64_t version)
{
    bool waits = false;

    pthread_mutex_lock(&all->lock);
    for (struct follower *f = all->first; f; f = f->next)
        waits |= serve_one(f, version);
    pthread_mutex_unlock(&all->lock);
    return waits;
}

static void drain(int fd)
{
    char buf[4096];

    while (fd >= 0 && read(fd, buf, sizeof buf) > 0)
        ;
}

/* Until something may have happened; false: the end. */
static bool wait_for_news(struct followers *all, bool somebody_waits)
{
    struct pollfd fds[2] = {{.fd = all->wake, .events = POLLIN},
                            {.fd = all->watch, .events = POLLIN}};

    poll(fds, 2, all->watch < 0 && somebody_waits ? FOLLOWERS_LOOK_MSEC : -1);
    drain(all->wake);
    drain(all->watch);
    return !atomic_load(&all->ended);
}

static void *look(void *context)
{
    struct followers *all = context;
    bool somebody_waits = true;

    while (wait_for_news(all, somebody_waits)) {
        cleanup(snapshot_unref_p) struct snapshot *head = NULL;
        struct err err = ERR_INIT;

        if (db_refresh(all->db, &head, &err) < 0) {
            trace_error("a stream cannot go on: %s", err.text);
            head = db_head(all->db);
        }
        somebody_waits = serve_all(all, head->version);
    }
    return NULL;
}

/* With the first reader. The lock is held. */
static int start(struct followers *all)
{
    sigset_t every, old;
    int r;

    if (all->running)
        return 0;
    all->watch = store_watch(db_store(all->db), "log");
    sigfillset(&every); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &every, &old);
    r = -pthread_create(&all->thread, NULL, look, all);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    all->running = !r;
    return r;
}

void followers_end(struct followers *all)
{
    if (!all)
        return;
    atomic_store(&all->ended, true);
    ring(all->wake);
    if (all->running)
        pthread_join(all->thread, NULL);
    serve_all(all, UINT64_MAX); /* the end is something to be told */
}

void followers_destroy(struct followers *all)
{
    if (!all)
        return;
    db_set_on_publish(all->db, NULL, NULL);
    close(all->wake);
    if (all->watch >= 0)
        close(all->watch);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

/* --- readers ------------------------------------------------------------------------------ */

int follower_create(struct followers *all, struct snapshot *from, struct uuid table,
                    struct follower **ret_follower)
{
    struct follower *follower = calloc(1, sizeof *follower);
    int r;

    if (!follower)
        return -ENOMEM;
    follower->all = all;
    pthread_mutex_init(&follower->lock, NULL);
    r = follow_create(all->db, from, table, &follower->follow);
    pthread_mutex_lock(&all->lock);
    if (!r)
        r = start(all);
    if (!r) {
        follower->next = all->first;
        follower->link = &all->first;
        if (all->first)
            all->first->link = &follower->next;
        all->first = follower;
        atomic_fetch_add(&all->count, 1);
    }
    pthread_mutex_unlock(&all->lock);
    if (r < 0) {
        follow_destroy(follower->follow);
        pthread_mutex_destroy(&follower->lock);
        free(follower);
        return r;
    }
    *ret_follower = follower;
    return 0;
}

void follower_destroy(struct follower *follower)
{
    if (!follower)
        return;
    pthread_mutex_lock(&follower->all->lock);
    atomic_fetch_sub(&follower->all->count, 1);
    *follower->link = follower->next;
    if (follower->next)
        follower->next->link = follower->link;
    pthread_mutex_unlock(&follower->all->lock);
    /* Whoever has answered its last request may not have let go of it yet. */
    pthread_mutex_lock(&follower->lock);
    pthread_mutex_unlock(&follower->lock);
    if (follower->poll)
        fuse_pollhandle_destroy(follower->poll);
    follow_destroy(follower->follow);
    pthread_mutex_destroy(&follower->lock);
    free(follower);
}

void follower_read(struct follower *follower, fuse_req_t req, size_t size, bool nonblock)
{
    struct followers *all = follower->all;
    int code = 0;

    /* Before it waits: afterwards another thread may answer it at any time. */
    fuse_req_interrupt_func(req, on_interrupt, all);
    pthread_mutex_lock(&follower->lock);
    if (follower->waiting) {
        code = EBUSY; /* two threads read at once: whose turn it is cannot be told */
    } else {
        follower->waiting = req;
        follower->size = size;
        serve(follower);
        if (follower->waiting && fuse_req_interrupted(req))
            code = EINTR;
        else if (follower->waiting && nonblock)
            code = EAGAIN;
        if (code)
            follower->waiting = NULL;
    }
    pthread_mutex_unlock(&follower->lock);
    /* From here on the request may be answered, the file closed, and the follower gone. */
    if (code)
        fuse_reply_err(req, code);
    else
        ring(all->wake); /* what another mount has committed is looked for by the thread */
}

void follower_poll(struct follower *follower, fuse_req_t req, struct fuse_pollhandle *ph)
{
    struct followers *all = follower->all;
    bool ready;

    pthread_mutex_lock(&follower->lock);
    ready = is_ready(follower);
    if (ph && follower->poll)
        fuse_pollhandle_destroy(follower->poll);
    if (ph)
        follower->poll = ph;
    pthread_mutex_unlock(&follower->lock);
    fuse_reply_poll(req, ready ? POLLIN : 0);
    if (!ready)
        ring(all->wake);
}
