/* SPDX-License-Identifier: MIT */
/* The file `log`: sizes kept in memory, lines made again from the records. */
#include "core/history.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/jsonbuf.h"
#include "core/base/mem.h"
#include "core/base/timefmt.h"

/* The lines of some neighbouring records. */
struct chunk {
    _Atomic uint32_t refs;
    uint64_t first_seq, last_seq;
    uint64_t bytes;
};

static void chunk_ref(void *item)
{
    struct chunk *chunk = item;

    atomic_fetch_add_explicit(&chunk->refs, 1, memory_order_relaxed);
}

static void chunk_unref(void *item)
{
    struct chunk *chunk = item;

    if (atomic_fetch_sub_explicit(&chunk->refs, 1, memory_order_acq_rel) == 1)
        free(chunk);
}

static void chunk_measure(const void *item, uint64_t ret_sums[PTREE_SUMS])
{
    ret_sums[HISTORY_BYTES] = ((const struct chunk *)item)->bytes;
}

const struct ptree_class history_class = {
    .ref = chunk_ref, .unref = chunk_unref, .measure = chunk_measure};

static json_t *print_action(const struct action *action)
{
    uint64_t rows = 0, bytes = 0;

    for (size_t i = 0; i < action->extent_count; i++) {
        rows += action->extents[i].rows;
        bytes += action->extents[i].bytes;
    }
    if (!action->extent_count)
        return json_pack("{ss ss}", "table", action->name, "op", action_op_name(action->op));
    return json_pack("{ss ss sI sI}", "table", action->name, "op", action_op_name(action->op),
                     "rows", (json_int_t)rows, "bytes", (json_int_t)bytes);
}

int history_print(const struct member *member, const char *host, struct buf *buf)
{
    char time[TIMEFMT_BYTES + 1], transaction[UUID_TEXT_BYTES + 1];
    json_t *tables = json_array();
    int r = 0;

    for (size_t i = 0; i < member->action_count && !r; i++)
        r = json_array_append_new(tables, print_action(&member->actions[i]));
    if (r < 0) {
        json_decref(tables);
        return -ENOMEM;
    }
    time_to_text(member->time_usec, time);
    uuid_to_text(member->transaction, transaction);
    return jsonbuf_print(buf,
                         json_pack("{sI ss ss ss ss* sI sI so}", "version",
                                   (json_int_t)member->version, "time", time, "host", host,
                                   "transaction", transaction, "id", member->id, "base",
                                   (json_int_t)member->base, "rebases", (json_int_t)member->rebases,
                                   "tables", tables),
                         JSON_COMPACT);
}

/* The tree without its last chunk. */
static int drop_last(struct ptree *history, const struct chunk *last, struct ptree **ret_history)
{
    struct ptree *rest;
    void *none;
    int r = ptree_split(&history_class, history, HISTORY_BYTES,
                        ptree_sum(history, HISTORY_BYTES) - last->bytes, ret_history, &none, &rest);

    if (!r)
        ptree_unref(&history_class, rest);
    return r;
}

int history_append(struct ptree *history, uint64_t seq, uint64_t bytes, struct ptree **ret_history)
{
    const struct chunk *last = ptree_last(history);
    struct chunk *chunk = malloc(sizeof *chunk);
    struct ptree *before = NULL;
    int r = 0;

    if (!chunk)
        return -ENOMEM;
    *chunk = (struct chunk){.first_seq = seq, .last_seq = seq, .bytes = bytes};
    atomic_init(&chunk->refs, 1);
    if (last && seq - last->first_seq < HISTORY_CHUNK_RECORDS) {
        chunk->first_seq = last->first_seq;
        chunk->bytes += last->bytes;
        r = drop_last(history, last, &before);
    } else {
        before = ptree_ref(history);
    }
    if (!r) {
        r = ptree_append(&history_class, before, chunk, ret_history);
        ptree_unref(&history_class, before);
    }
    chunk_unref(chunk);
    return r;
}

/* The lines of a chunk, made again. */
static int print_chunk(struct store *store, const struct chunk *chunk, struct buf *buf,
                       struct err *err)
{
    for (uint64_t seq = chunk->first_seq; seq <= chunk->last_seq; seq++) {
        cleanup(record_finish) struct record record = {0};
        struct log_position position;
        int r = log_read_known(store, seq, &record, &position, err);

        if (r < 0)
            return r;
        for (size_t i = 0; i < record.member_count && !r; i++)
            r = history_print(&record.members[i], record.host, buf);
        if (r < 0)
            return err_nomem(err);
    }
    if (buf->bytes != chunk->bytes)
        return err_set(err, -EIO, "the records %llu to %llu are not those that were read before",
                       (unsigned long long)chunk->first_seq, (unsigned long long)chunk->last_seq);
    return 0;
}

int history_read(struct store *store, const struct ptree *history, void *buf, size_t bytes,
                 uint64_t offset, struct err *err)
{
    uint64_t total = ptree_sum(history, HISTORY_BYTES), before;
    struct ptree_cursor cursor;
    size_t done = 0;

    if (offset >= total)
        return 0;
    if (bytes > total - offset)
        bytes = (size_t)(total - offset);
    ptree_seek_sum(&cursor, &history_class, history, HISTORY_BYTES, offset, &before);
    while (done < bytes) {
        const struct chunk *chunk = ptree_next(&cursor);
        cleanup_buf struct buf lines = {0};
        uint64_t skip = offset + done - before;
        size_t n = bytes - done;
        int r = print_chunk(store, chunk, &lines, err);

        if (r < 0)
            return r;
        if (n > chunk->bytes - skip)
            n = (size_t)(chunk->bytes - skip);
        memcpy((char *)buf + done, lines.data + skip, n);
        before += chunk->bytes;
        done += n;
    }
    return (int)done;
}
