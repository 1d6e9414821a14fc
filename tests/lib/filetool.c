/* SPDX-License-Identifier: MIT */
/* Open files whose operations are waited for. */
#include "tests/lib/filetool.h"

#include <pthread.h>

#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"

struct verdict {
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned told;
    int result;
    struct err err;
};

static _Thread_local struct err reason;

static struct verdict verdict_init(void)
{
    return (struct verdict){.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
}

static void note(void *context, int result, const struct err *err)
{
    struct verdict *verdict = context;

    pthread_mutex_lock(&verdict->lock);
    verdict->told++;
    verdict->result = result;
    if (err)
        verdict->err = *err;
    pthread_cond_signal(&verdict->came);
    pthread_mutex_unlock(&verdict->lock);
}

/* Told twice, or a reason without a failure: no result of any operation. */
static int wait_for(struct verdict *verdict)
{
    int result;

    pthread_mutex_lock(&verdict->lock);
    while (!verdict->told)
        pthread_cond_wait(&verdict->came, &verdict->lock);
    result = verdict->result;
    if (verdict->told > 1 || (!result && verdict->err.text[0]))
        result = -100000;
    reason = verdict->err;
    pthread_mutex_unlock(&verdict->lock);
    return result;
}

struct openfile *filetool_open(struct db *db, const char *name,
                               const struct openfile_options *options)
{
    struct openfile_options append = {.append = true};
    struct table *table = dbtool_look(db, name);
    struct openfile *file = NULL;

    assert_int_equal(openfile_create(db, table, options ? options : &append, &file), 0);
    table_unref(table);
    return file;
}

int filetool_write_bytes(struct openfile *file, uint64_t owner, const char *data, size_t bytes,
                         uint64_t offset)
{
    struct verdict verdict = verdict_init();

    openfile_write(file, owner, owner == OPENER, data, bytes, offset, note, &verdict);
    return wait_for(&verdict);
}

int filetool_write(struct openfile *file, uint64_t owner, const char *text)
{
    return filetool_write_bytes(file, owner, text, strlen(text), openfile_bytes(file));
}

int filetool_end(struct openfile *file, uint64_t owner, enum openfile_end end)
{
    struct verdict verdict = verdict_init();

    openfile_close(file, owner, owner == OPENER, end,
                   end == OPENFILE_ALIVE ? NULL : "the process came to a bad end", note, &verdict);
    return wait_for(&verdict);
}

int filetool_close(struct openfile *file, uint64_t owner)
{
    return filetool_end(file, owner, OPENFILE_ALIVE);
}

int filetool_sync(struct openfile *file)
{
    struct verdict verdict = verdict_init();

    openfile_sync(file, note, &verdict);
    return wait_for(&verdict);
}

int filetool_release(struct openfile *file)
{
    struct verdict verdict = verdict_init();

    openfile_release(file, note, &verdict);
    return wait_for(&verdict);
}

const struct err *filetool_reason(void)
{
    return &reason;
}
