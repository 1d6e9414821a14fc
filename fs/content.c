/* SPDX-License-Identifier: MIT */
/* Finite files as something to read from. */
#include "fs/content.h"

#include <stdlib.h>
#include <string.h>

#include "core/history.h"

struct content {
    _Atomic uint32_t refs;
    struct store *store; /* borrowed */
    struct table *table; /* one of these four */
    struct derived *derived;
    struct snapshot *snapshot;
    struct buf text;
    int64_t time_usec;
};

static struct content *content_new(struct store *store, int64_t time_usec)
{
    struct content *content = calloc(1, sizeof *content);

    if (content) {
        atomic_init(&content->refs, 1);
        content->store = store;
        content->time_usec = time_usec;
    }
    return content;
}

struct content *content_of_rows(struct store *store, struct table *table)
{
    struct content *content = content_new(store, table->time_usec);

    if (content)
        content->table = table_ref(table);
    return content;
}

struct content *content_of_derived(struct derived *derived, int64_t time_usec)
{
    struct content *content = content_new(NULL, time_usec);

    if (content)
        content->derived = derived;
    else
        derived_destroy(derived);
    return content;
}

struct content *content_of_history(struct store *store, struct snapshot *snapshot)
{
    struct content *content = content_new(store, snapshot->time_usec);

    if (content)
        content->snapshot = snapshot_ref(snapshot);
    return content;
}

struct content *content_of_text(struct buf *text, int64_t time_usec)
{
    struct content *content = content_new(NULL, time_usec);

    if (content) {
        content->text = *text;
        *text = (struct buf){0};
    }
    return content;
}

struct content *content_ref(struct content *content)
{
    atomic_fetch_add(&content->refs, 1);
    return content;
}

void content_unref(struct content *content)
{
    if (!content || atomic_fetch_sub(&content->refs, 1) != 1)
        return;
    table_unref(content->table);
    derived_destroy(content->derived);
    snapshot_unref(content->snapshot);
    buf_finish(&content->text);
    free(content);
}

uint64_t content_bytes(const struct content *content)
{
    if (content->table)
        return table_bytes(content->table);
    if (content->derived)
        return derived_bytes(content->derived);
    if (content->snapshot)
        return ptree_sum(content->snapshot->history, HISTORY_BYTES);
    return content->text.bytes;
}

int64_t content_time_usec(const struct content *content)
{
    return content->time_usec;
}

int content_read(struct content *content, void *buf, size_t bytes, uint64_t offset, struct err *err)
{
    if (content->table)
        return table_read(content->store, content->table, buf, bytes, offset, err);
    if (content->derived)
        return derived_read(content->derived, buf, bytes, offset, err);
    if (content->snapshot)
        return history_read(content->store, content->snapshot->history, buf, bytes, offset, err);
    if (offset >= content->text.bytes)
        return 0;
    if (bytes > content->text.bytes - offset)
        bytes = content->text.bytes - (size_t)offset;
    memcpy(buf, content->text.data + offset, bytes);
    return (int)bytes;
}
