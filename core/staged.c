/* SPDX-License-Identifier: MIT */
/* Uncommitted rows as an object. */
#include "core/staged.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/base/mem.h"

struct staged {
    _Atomic uint32_t refs;
    struct uuid uuid;
    pthread_mutex_t lock;
    struct stage stage;
    bool discard;
    int failed; /* the first failure, and its reason */
    struct err reason;
};

int staged_create(struct store *store, struct uuid table, struct staged **ret_staged)
{
    struct staged *staged = calloc(1, sizeof *staged);

    if (!staged)
        return -ENOMEM;
    atomic_init(&staged->refs, 1);
    staged->uuid = uuid_random();
    pthread_mutex_init(&staged->lock, NULL);
    stage_init(&staged->stage, store, table);
    *ret_staged = staged;
    return 0;
}

struct staged *staged_ref(struct staged *staged)
{
    atomic_fetch_add_explicit(&staged->refs, 1, memory_order_relaxed);
    return staged;
}

void staged_unref(struct staged *staged)
{
    if (!staged || atomic_fetch_sub_explicit(&staged->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < staged->stage.entry_count && staged->discard; i++) {
        store_remove(staged->stage.store, staged->stage.entries[i].path, NULL);
        store_remove(staged->stage.store, staged->stage.entries[i].index_path, NULL);
    }
    stage_finish(&staged->stage);
    pthread_mutex_destroy(&staged->lock);
    free(staged);
}

struct uuid staged_table(const struct staged *staged)
{
    return staged->stage.table;
}

/* --- as an object ------------------------------------------------------------- */

static int source_read(void *context, void *buf, size_t bytes, uint64_t offset, struct err *err)
{
    struct staged *staged = context;
    int n;

    pthread_mutex_lock(&staged->lock);
    n = staged->failed; /* rows that could not be written out are not there any more */
    if (!n)
        n = stage_read(&staged->stage, buf, bytes, offset, err);
    else if (err)
        *err = staged->reason;
    pthread_mutex_unlock(&staged->lock);
    if (n >= 0 && (size_t)n < bytes)
        return err_set(err, -EIO, "uncommitted rows are not where they were");
    return n < 0 ? n : 0;
}

static uint64_t source_bytes(void *context)
{
    struct staged *staged = context;
    uint64_t bytes;

    pthread_mutex_lock(&staged->lock);
    bytes = stage_bytes(&staged->stage);
    pthread_mutex_unlock(&staged->lock);
    return bytes;
}

static void source_release(void *context)
{
    staged_unref(context);
}

static const struct object_source source = {
    .read = source_read, .bytes = source_bytes, .release = source_release};

int staged_object(struct staged *staged, struct object **ret_object)
{
    return object_create_outside(staged->uuid, &source, staged_ref(staged), ret_object);
}

struct staged *staged_of(const struct object *object)
{
    return object->source == &source ? object->context : NULL;
}

/* --- growing ------------------------------------------------------------------- */

int staged_append(struct staged *staged, struct stage *from, struct extent_ref *ret_ref,
                  struct err *err)
{
    struct stage *stage = &staged->stage;
    int r;

    pthread_mutex_lock(&staged->lock);
    *ret_ref = (struct extent_ref){.object = {.uuid = staged->uuid},
                                   .offset = stage_bytes(stage),
                                   .bytes = stage_bytes(from),
                                   .first_row = stage_rows(stage),
                                   .rows = stage_rows(from)};
    if (!staged->failed)
        staged->failed = stage_take(stage, from, &staged->reason);
    stage_finish(from);
    r = staged->failed;
    if (r < 0 && err)
        *err = staged->reason;
    pthread_mutex_unlock(&staged->lock);
    return r;
}

uint64_t staged_memory(struct staged *staged)
{
    uint64_t bytes;

    pthread_mutex_lock(&staged->lock);
    bytes = staged->stage.memory.bytes;
    pthread_mutex_unlock(&staged->lock);
    return bytes;
}

/* The lock is held; `how` is not called any more after a first failure. */
static int change(struct staged *staged, int (*how)(struct stage *, struct err *), struct err *err)
{
    if (!staged->failed)
        staged->failed = how(&staged->stage, &staged->reason);
    if (staged->failed < 0 && err)
        *err = staged->reason;
    return staged->failed;
}

int staged_spill(struct staged *staged, struct err *err)
{
    int r;

    pthread_mutex_lock(&staged->lock);
    if (staged->stage.memory.bytes && !staged->failed)
        r = stage_spill(&staged->stage, err);
    else
        r = change(staged, stage_seal, err);
    pthread_mutex_unlock(&staged->lock);
    return r;
}

void staged_discard(struct staged *staged)
{
    pthread_mutex_lock(&staged->lock);
    staged->discard = true;
    pthread_mutex_unlock(&staged->lock);
}

bool staged_is_writing(struct staged *staged)
{
    bool writing;

    pthread_mutex_lock(&staged->lock);
    writing = staged->stage.writer;
    pthread_mutex_unlock(&staged->lock);
    return writing;
}

bool staged_has_failed(struct staged *staged)
{
    bool failed;

    pthread_mutex_lock(&staged->lock);
    failed = staged->failed < 0;
    pthread_mutex_unlock(&staged->lock);
    return failed;
}

int staged_seal(struct staged *staged, const struct stage **ret_stage, struct err *err)
{
    int r;

    pthread_mutex_lock(&staged->lock);
    r = change(staged, stage_seal, err);
    pthread_mutex_unlock(&staged->lock);
    *ret_stage = &staged->stage;
    return r;
}

/* --- translating ------------------------------------------------------------------ */

size_t staged_parts(const struct staged *staged)
{
    return staged->stage.entry_count + 1;
}

size_t staged_translate(const struct staged *staged, const struct extent_ref *ref, uint64_t seq,
                        uint64_t body_offset, uint64_t body_row, struct extent_ref *refs)
{
    const struct stage *stage = &staged->stage;
    uint64_t end = ref->offset + ref->bytes, end_row = ref->first_row + ref->rows;
    uint64_t begin = 0, begin_row = 0; /* of the entry */
    size_t count = 0;

    if (!stage->entry_count) {
        refs[0] = *ref;
        refs[0].object = (struct object_id){.inlined = true, .seq = seq};
        refs[0].offset += body_offset;
        refs[0].first_row += body_row;
        return 1;
    }
    for (size_t i = 0; i < stage->entry_count && begin < end; i++) {
        const struct object_entry *entry = &stage->entries[i];
        uint64_t next = begin + entry->bytes, next_row = begin_row + entry->rows;
        uint64_t from = ref->offset > begin ? ref->offset : begin;
        uint64_t from_row = ref->first_row > begin_row ? ref->first_row : begin_row;

        if (from < next)
            refs[count++] =
                (struct extent_ref){.object = {.uuid = entry->uuid},
                                    .offset = from - begin,
                                    .bytes = (end < next ? end : next) - from,
                                    .first_row = from_row - begin_row,
                                    .rows = (end_row < next_row ? end_row : next_row) - from_row};
        begin = next;
        begin_row = next_row;
    }
    return count;
}
