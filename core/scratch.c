/* SPDX-License-Identifier: MIT */
/* Bytes beside a table that may become its rows. */
#include "core/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/io.h"
#include "core/base/mem.h"
#include "core/openfile.h"

#define COPY_BYTES (1024 * 1024)

struct scratch {
    _Atomic uint32_t refs;
    struct scratch_budget *budget;
    int fd;
    _Atomic uint64_t made_version;
    pthread_mutex_t lock;
    uint64_t bytes;
};

CLEANUP_POINTER(struct snapshot, snapshot_unref)

static int open_unnamed(void)
{
    const char *dir = getenv("TMPDIR");
    cleanup_free char *name = NULL;
    int fd;

    if (!dir || dir[0] != '/')
        dir = "/var/tmp";
    fd = io_open(AT_FDCWD, dir, O_RDWR | O_TMPFILE | O_EXCL, 0600);
    if (fd != -EOPNOTSUPP && fd != -EISDIR && fd != -EINVAL)
        return fd;
    if (asprintf(&name, "%s/rowfs-XXXXXX", dir) < 0)
        return -ENOMEM;
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    unlink(name);
    return fd;
}

int scratch_create(uint64_t made_version, struct scratch_budget *budget,
                   struct scratch **ret_scratch, struct err *err)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);

    if (!scratch)
        return err_nomem(err);
    scratch->fd = open_unnamed();
    if (scratch->fd < 0) {
        int r = scratch->fd;

        free(scratch);
        return err_set(err, r, "cannot make a scratch file: %s", strerror(-r));
    }
    atomic_init(&scratch->refs, 1);
    pthread_mutex_init(&scratch->lock, NULL);
    scratch->budget = budget;
    scratch->made_version = made_version;
    *ret_scratch = scratch;
    return 0;
}

struct scratch *scratch_ref(struct scratch *scratch)
{
    atomic_fetch_add(&scratch->refs, 1);
    return scratch;
}

void scratch_unref(struct scratch *scratch)
{
    if (!scratch || atomic_fetch_sub(&scratch->refs, 1) != 1)
        return;
    atomic_fetch_sub(&scratch->budget->bytes, scratch->bytes);
    io_close(scratch->fd);
    pthread_mutex_destroy(&scratch->lock);
    free(scratch);
}

void scratch_remake(struct scratch *scratch, uint64_t made_version)
{
    atomic_store(&scratch->made_version, made_version);
}

uint64_t scratch_bytes(struct scratch *scratch)
{
    uint64_t bytes;

    pthread_mutex_lock(&scratch->lock);
    bytes = scratch->bytes;
    pthread_mutex_unlock(&scratch->lock);
    return bytes;
}

int scratch_read(struct scratch *scratch, void *buf, size_t bytes, uint64_t offset)
{
    return (int)io_pread(scratch->fd, buf, bytes, offset);
}

/* Books the growth from `bytes` to `end`; the lock is held. */
static int book(struct scratch *scratch, uint64_t end, struct err *err)
{
    uint64_t more = end - scratch->bytes;

    if (atomic_fetch_add(&scratch->budget->bytes, more) + more <= scratch->budget->limit)
        return 0;
    atomic_fetch_sub(&scratch->budget->bytes, more);
    return err_set(err, -ENOSPC,
                   "scratch files may hold %" PRIu64 " bytes together (scratch_limit)",
                   scratch->budget->limit);
}

int scratch_write(struct scratch *scratch, const void *data, size_t bytes, uint64_t offset,
                  struct err *err)
{
    uint64_t end = offset + bytes;
    int r = 0;

    pthread_mutex_lock(&scratch->lock);
    if (end > scratch->bytes)
        r = book(scratch, end, err);
    if (!r) {
        r = io_pwrite(scratch->fd, data, bytes, offset);
        if (r < 0)
            err_set(err, r, "cannot write a scratch file: %s", strerror(-r));
        if (r < 0 && end > scratch->bytes)
            atomic_fetch_sub(&scratch->budget->bytes, end - scratch->bytes);
        if (!r && end > scratch->bytes)
            scratch->bytes = end;
    }
    pthread_mutex_unlock(&scratch->lock);
    return r;
}

int scratch_truncate(struct scratch *scratch, uint64_t bytes, struct err *err)
{
    int r = 0;

    pthread_mutex_lock(&scratch->lock);
    if (bytes > scratch->bytes)
        r = book(scratch, bytes, err);
    if (!r) {
        r = io_truncate(scratch->fd, bytes);
        if (r < 0)
            err_set(err, r, "cannot truncate a scratch file: %s", strerror(-r));
        if (r < 0 && bytes > scratch->bytes)
            atomic_fetch_sub(&scratch->budget->bytes, bytes - scratch->bytes);
    }
    if (!r && bytes < scratch->bytes)
        atomic_fetch_sub(&scratch->budget->bytes, scratch->bytes - bytes);
    if (!r)
        scratch->bytes = bytes;
    pthread_mutex_unlock(&scratch->lock);
    return r;
}

/* --- becoming rows ------------------------------------------------------------- */

/* The end of an openfile operation, which for these is always over before it is looked at. */
struct verdict {
    pthread_mutex_t lock;
    pthread_cond_t known;
    bool over;
    int result;
    struct err *err;
};

static void note_verdict(void *context, int result, const struct err *err)
{
    struct verdict *verdict = context;

    pthread_mutex_lock(&verdict->lock);
    verdict->over = true;
    verdict->result = result;
    if (err && verdict->err)
        *verdict->err = *err;
    pthread_cond_signal(&verdict->known);
    pthread_mutex_unlock(&verdict->lock);
}

static int wait_verdict(struct verdict *verdict)
{
    int result;

    pthread_mutex_lock(&verdict->lock);
    while (!verdict->over)
        pthread_cond_wait(&verdict->known, &verdict->lock);
    result = verdict->result;
    verdict->over = false;
    pthread_mutex_unlock(&verdict->lock);
    return result;
}

static int copy_rows(struct scratch *scratch, struct openfile *file, struct verdict *verdict)
{
    cleanup_free char *buf = malloc(COPY_BYTES);
    uint64_t offset = 0;
    int n, r = 0;

    if (!buf)
        return err_nomem(verdict->err);
    while (!r && (n = scratch_read(scratch, buf, COPY_BYTES, offset)) != 0) {
        if (n < 0)
            return err_set(verdict->err, n, "cannot read the scratch file: %s", strerror(-n));
        openfile_write(file, 0, true, buf, (size_t)n, offset, note_verdict, verdict);
        r = wait_verdict(verdict);
        offset += (uint64_t)n;
    }
    return r;
}

int scratch_commit(struct scratch *scratch, struct db *db, struct tx *tx, struct uuid uuid,
                   struct selection *selection, enum openfile_kind kind, struct err *err)
{
    struct verdict verdict = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .known = PTHREAD_COND_INITIALIZER, .err = err};
    cleanup(snapshot_unref_p) struct snapshot *now = NULL;
    struct openfile_options options = {
        .kind = kind, .selection = selection, .replace = true, .tx = tx, .close_is_told = true};
    struct openfile *file;
    struct table *table;
    int r = tx ? tx_view(tx, &now, err) : db_refresh(db, &now, err), closed;

    if (r < 0)
        return r;
    table = snapshot_table(now, uuid);
    if (!table)
        return err_set(err, -ENOENT, "the table does not exist any more");
    if (table->version > atomic_load(&scratch->made_version))
        return err_set(err, -ECANCELED,
                       "the rows of table %s were changed by version %" PRIu64
                       " after this file was made",
                       table->name, table->version);
    options.expect_version = table->version;
    if (openfile_create(db, table, &options, &file) < 0)
        return err_nomem(err);
    r = copy_rows(scratch, file, &verdict);
    if (!r) {
        openfile_close(file, 0, true, OPENFILE_ALIVE, NULL, note_verdict, &verdict);
        r = wait_verdict(&verdict);
    }
    if (r < 0)
        openfile_abort(file);
    openfile_release(file, note_verdict, &verdict);
    closed = wait_verdict(&verdict);
    pthread_cond_destroy(&verdict.known);
    pthread_mutex_destroy(&verdict.lock);
    return r < 0 ? r : closed;
}
