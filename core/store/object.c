/* SPDX-License-Identifier: MIT */
/* Reads rows from where they lie: segments and the bodies of records. */
#include "core/store/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/store/log.h"
#include "core/store/sealed.h"

static struct object *object_new(struct object_id id)
{
    struct object *object = calloc(1, sizeof *object);

    if (object) {
        atomic_init(&object->refs, 1);
        object->id = id;
    }
    return object;
}

int object_create_segment(const struct object_entry *entry, struct object **ret_object)
{
    struct object *object = object_new((struct object_id){.uuid = entry->uuid});

    if (!object)
        return -ENOMEM;
    object->entry = *entry;
    object->entry.path = strdup(entry->path);
    object->entry.index_path = strdup(entry->index_path);
    if (!object->entry.path || !object->entry.index_path) {
        object_unref(object);
        return -ENOMEM;
    }
    *ret_object = object;
    return 0;
}

int object_create_inlined(uint64_t seq, struct object **ret_object)
{
    struct object *object = object_new((struct object_id){.inlined = true, .seq = seq});

    if (!object)
        return -ENOMEM;
    *ret_object = object;
    return 0;
}

int object_create_outside(struct uuid uuid, const struct object_source *source, void *context,
                          struct object **ret_object)
{
    struct object *object = object_new((struct object_id){.uuid = uuid});

    if (!object) {
        source->release(context);
        return -ENOMEM;
    }
    object->source = source;
    object->context = context;
    *ret_object = object;
    return 0;
}

int object_create_pending(uint64_t seq, const struct object_source *source, void *context,
                          struct object **ret_object)
{
    int r = object_create_inlined(seq, ret_object);

    if (!r)
        object_set_source(*ret_object, source, context);
    return r;
}

void object_set_source(struct object *object, const struct object_source *source, void *context)
{
    object->source = source;
    object->context = context;
}

struct object *object_ref(struct object *object)
{
    atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
    return object;
}

void object_unref(struct object *object)
{
    if (!object || atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (object->source && object->source->release)
        object->source->release(object->context);
    segment_index_destroy(atomic_load(&object->index));
    free(object->entry.path);
    free(object->entry.index_path);
    free(object);
}

/* The index, loaded by whoever needs it first; of two who load at once one gives way. */
static int get_index(struct store *store, struct object *object,
                     const struct segment_index **ret_index, struct err *err)
{
    struct segment_index *index = atomic_load(&object->index), *none = NULL;
    int r;

    if (!index) {
        r = segment_index_load(store, &object->entry, &index, err);
        if (r < 0)
            return r;
        if (!atomic_compare_exchange_strong(&object->index, &none, index)) {
            segment_index_destroy(index);
            index = none;
        }
    }
    *ret_index = index;
    return 0;
}

static int read_inlined(struct store *store, const struct object *object, void *data, size_t bytes,
                        uint64_t offset, struct err *err)
{
    cleanup_buf struct buf buf = {0};
    char key[RECORD_KEY_BYTES];
    struct hash hash;
    const char *line;
    size_t body;
    int r;

    record_key(object->id.seq, key);
    r = store_get(store, key, &buf, NULL, err);
    if (r == -ENOENT)
        return err_set(err, -EIO, "%s is missing", key);
    if (!r)
        r = sealed_verify(key, buf.data, buf.bytes, &hash, err);
    if (r < 0)
        return r;
    line = memchr(buf.data, '\n', buf.bytes);
    body = line ? (size_t)(line + 1 - buf.data) : buf.bytes;
    if (offset > buf.bytes - body || bytes > buf.bytes - body - offset)
        return err_set(err, -EIO, "%s is shorter than the log says", key);
    memcpy(data, buf.data + body + offset, bytes);
    return 0;
}

int object_read(struct store *store, struct object *object, void *buf, size_t bytes,
                uint64_t offset, struct err *err)
{
    const struct segment_index *index;
    int r;

    if (object->source)
        return object->source->read(object->context, buf, bytes, offset, err);
    if (object->id.inlined)
        return read_inlined(store, object, buf, bytes, offset, err);
    r = get_index(store, object, &index, err);
    if (!r)
        r = segment_read(store, &object->entry, index, buf, bytes, offset, err);
    return r;
}

/*
 * Looks for the beginning of row `row`, which is not the first one, from `offset`
 * on; `rows` rows begin at or before that byte.
 */
static int find_from(struct store *store, struct object *object, uint64_t total, uint64_t offset,
                     uint64_t rows, uint64_t row, uint64_t *ret_offset, struct err *err)
{
    cleanup_free char *block = malloc(SEGMENT_BLOCK_BYTES);

    if (!block)
        return err_nomem(err);
    while (offset < total) {
        size_t n =
            total - offset < SEGMENT_BLOCK_BYTES ? (size_t)(total - offset) : SEGMENT_BLOCK_BYTES;
        const char *p = block;
        int r = object_read(store, object, block, n, offset, err);

        if (r < 0)
            return r;
        while ((p = memchr(p, '\n', (size_t)(block + n - p)))) {
            p++;
            if (rows++ == row) {
                *ret_offset = offset + (uint64_t)(p - block);
                return 0;
            }
        }
        offset += n;
    }
    return err_set(err, -EIO, "a row is not where the log says");
}

static int inlined_bytes(struct store *store, const struct object *object, uint64_t *ret_bytes,
                         struct err *err)
{
    cleanup(record_finish) struct record record = {0};
    struct log_position position;
    int r = log_read_known(store, object->id.seq, &record, &position, err);

    *ret_bytes = record.inline_bytes;
    return r;
}

int object_find_row(struct store *store, struct object *object, uint64_t row, uint64_t *ret_offset,
                    struct err *err)
{
    uint64_t bytes = object->entry.bytes, block = 0, rows = 1;
    const struct segment_index *index;
    int r = 0;

    if (row == 0) {
        *ret_offset = 0;
        return 0;
    }
    if (object->source) {
        bytes = object->source->bytes(object->context);
    } else if (object->id.inlined) {
        r = inlined_bytes(store, object, &bytes, err);
    } else {
        r = get_index(store, object, &index, err);
        if (!r)
            segment_index_find(index, row, &block, &rows);
    }
    if (r < 0)
        return r;
    /* From the byte before the block: if that is a line feed, a row begins with the block. */
    return block ? find_from(store, object, bytes, block * SEGMENT_BLOCK_BYTES - 1, rows, row,
                             ret_offset, err)
                 : find_from(store, object, bytes, 0, 1, row, ret_offset, err);
}
