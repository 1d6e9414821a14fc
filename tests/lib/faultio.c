/* SPDX-License-Identifier: MIT */
/* A table of system calls with rules in front of it. */
#include "tests/lib/faultio.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/io.h"

#define RULES       8
#define TRACE_BYTES 256

struct rule {
    enum faultio_call call;
    unsigned skip, times;
    enum faultio_how how;
    int code;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rule rules[RULES];
    size_t rule_count, most_bytes, trace_bytes;
    unsigned counts[FAULTIO_ANY + 1];
    char trace[TRACE_BYTES];
    bool struck;
    bool holding, held; /* a call is to be stopped; one is stopped */
    enum faultio_call hold;
    unsigned hold_skip, let_go; /* how often */
} faults = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* What is to become of a call: an errno, or 0. `*ret_lie`: make the call nevertheless. */
static int judge(enum faultio_call call, bool *ret_lie)
{
    int code = 0;

    *ret_lie = false;
    pthread_mutex_lock(&faults.lock);
    faults.counts[call]++;
    faults.counts[FAULTIO_ANY]++;
    if (faults.trace_bytes < TRACE_BYTES - 1)
        faults.trace[faults.trace_bytes++] = FAULTIO_LETTERS[call];
    if (faults.holding && !faults.held && (faults.hold == call || faults.hold == FAULTIO_ANY) &&
        !faults.hold_skip--) {
        unsigned let_go = faults.let_go;

        faults.held = true;
        pthread_cond_broadcast(&faults.changed);
        while (faults.let_go == let_go)
            pthread_cond_wait(&faults.changed, &faults.lock);
    }
    for (size_t i = 0; i < faults.rule_count && !code; i++) {
        struct rule *rule = &faults.rules[i];

        if (rule->call != call && rule->call != FAULTIO_ANY)
            continue;
        if (rule->skip) {
            rule->skip--;
        } else if (rule->times) {
            rule->times--;
            code = rule->code;
            *ret_lie = rule->how == FAULTIO_LIE;
            faults.struck = true;
        }
    }
    pthread_mutex_unlock(&faults.lock);
    return code;
}

static size_t most_bytes(size_t bytes)
{
    pthread_mutex_lock(&faults.lock);
    if (faults.most_bytes && bytes > faults.most_bytes)
        bytes = faults.most_bytes;
    pthread_mutex_unlock(&faults.lock);
    return bytes;
}

/* Makes the call, or fails it, as the rules say. */
#define JUDGED(call, made)                                                                         \
    ({                                                                                             \
        bool lie_;                                                                                 \
        int code_ = judge(call, &lie_);                                                            \
        __typeof__(made) r_ = code_ && !lie_ ? -1 : (made);                                        \
        if (code_) {                                                                               \
            errno = code_;                                                                         \
            r_ = -1;                                                                               \
        }                                                                                          \
        r_;                                                                                        \
    })

static int judged_openat(int dirfd, const char *path, int flags, mode_t mode)
{
    bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;

    return JUDGED(unnamed ? FAULTIO_OPEN_UNNAMED : FAULTIO_OPEN,
                  io_system.openat(dirfd, path, flags, mode));
}

static int judged_openat_beneath(int dirfd, const char *path, int flags)
{
    return JUDGED(FAULTIO_OPEN, io_system.openat_beneath(dirfd, path, flags));
}

static ssize_t judged_pread(int fd, void *buf, size_t bytes, off_t offset)
{
    return JUDGED(FAULTIO_READ, io_system.pread(fd, buf, most_bytes(bytes), offset));
}

static ssize_t judged_pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
    struct iovec first = {.iov_base = iov->iov_base, .iov_len = most_bytes(iov->iov_len)};
    bool shorten = most_bytes(SIZE_MAX) != SIZE_MAX;

    return JUDGED(FAULTIO_WRITE, shorten ? io_system.pwritev(fd, &first, 1, offset)
                                         : io_system.pwritev(fd, iov, count, offset));
}

static int judged_ftruncate(int fd, off_t bytes)
{
    return JUDGED(FAULTIO_TRUNCATE, io_system.ftruncate(fd, bytes));
}

static int judged_fsync(int fd)
{
    struct stat st;
    bool dir = io_system.fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);

    return JUDGED(dir ? FAULTIO_FSYNC_DIR : FAULTIO_FSYNC, 0);
}

static int judged_linkat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath,
                         int flags)
{
    return JUDGED(FAULTIO_LINK, io_system.linkat(olddirfd, oldpath, newdirfd, newpath, flags));
}

static int judged_unlinkat(int dirfd, const char *path, int flags)
{
    return JUDGED(FAULTIO_UNLINK, io_system.unlinkat(dirfd, path, flags));
}

static int judged_mkdirat(int dirfd, const char *path, mode_t mode)
{
    return JUDGED(FAULTIO_MKDIR, io_system.mkdirat(dirfd, path, mode));
}

static int judged_fstatat(int dirfd, const char *path, struct stat *ret, int flags)
{
    return JUDGED(FAULTIO_STAT_AT, io_system.fstatat(dirfd, path, ret, flags));
}

static int judged_fstat(int fd, struct stat *ret)
{
    return JUDGED(FAULTIO_STAT_FD, io_system.fstat(fd, ret));
}

static int judged_fstatvfs(int fd, struct statvfs *ret)
{
    return JUDGED(FAULTIO_STATVFS, io_system.fstatvfs(fd, ret));
}

static const struct io_ops judged_ops = {
    .openat = judged_openat,
    .openat_beneath = judged_openat_beneath,
    .close = close,
    .pread = judged_pread,
    .pwritev = judged_pwritev,
    .ftruncate = judged_ftruncate,
    .fsync = judged_fsync,
    .linkat = judged_linkat,
    .unlinkat = judged_unlinkat,
    .mkdirat = judged_mkdirat,
    .fstatat = judged_fstatat,
    .fstat = judged_fstat,
    .fstatvfs = judged_fstatvfs,
};

void faultio_reset(void)
{
    pthread_mutex_lock(&faults.lock);
    faults.rule_count = faults.most_bytes = faults.trace_bytes = 0;
    memset(faults.counts, 0, sizeof faults.counts);
    memset(faults.trace, 0, sizeof faults.trace);
    faults.struck = faults.holding = faults.held = false;
    pthread_cond_broadcast(&faults.changed);
    pthread_mutex_unlock(&faults.lock);
}

void faultio_install(void)
{
    faultio_reset();
    io_set_ops(&judged_ops);
}

void faultio_remove(void)
{
    faultio_reset();
    io_set_ops(NULL);
}

void faultio_rule(enum faultio_call call, unsigned skip, unsigned times, enum faultio_how how,
                  int code)
{
    pthread_mutex_lock(&faults.lock);
    if (faults.rule_count == RULES)
        abort();
    faults.rules[faults.rule_count++] =
        (struct rule){.call = call, .skip = skip, .times = times, .how = how, .code = code};
    pthread_mutex_unlock(&faults.lock);
}

void faultio_shorten(size_t bytes)
{
    pthread_mutex_lock(&faults.lock);
    faults.most_bytes = bytes;
    pthread_mutex_unlock(&faults.lock);
}

unsigned faultio_count(enum faultio_call call)
{
    unsigned count;

    pthread_mutex_lock(&faults.lock);
    count = faults.counts[call];
    pthread_mutex_unlock(&faults.lock);
    return count;
}

bool faultio_struck(void)
{
    bool struck;

    pthread_mutex_lock(&faults.lock);
    struck = faults.struck;
    pthread_mutex_unlock(&faults.lock);
    return struck;
}

const char *faultio_trace(void)
{
    return faults.trace;
}

void faultio_hold(enum faultio_call call, unsigned skip)
{
    pthread_mutex_lock(&faults.lock);
    faults.hold = call;
    faults.hold_skip = skip;
    faults.holding = true;
    faults.held = false;
    pthread_mutex_unlock(&faults.lock);
}

void faultio_wait_held(void)
{
    pthread_mutex_lock(&faults.lock);
    while (!faults.held)
        pthread_cond_wait(&faults.changed, &faults.lock);
    pthread_mutex_unlock(&faults.lock);
}

void faultio_let_go(void)
{
    pthread_mutex_lock(&faults.lock);
    faults.holding = false;
    faults.let_go++;
    pthread_cond_broadcast(&faults.changed);
    pthread_mutex_unlock(&faults.lock);
}

void faultio_hold_next(void)
{
    pthread_mutex_lock(&faults.lock);
    faults.hold_skip = 0;
    faults.held = false;
    faults.let_go++;
    pthread_cond_broadcast(&faults.changed);
    pthread_mutex_unlock(&faults.lock);
}
