/* SPDX-License-Identifier: MIT */
/* Records as JSON: what is common to reading and writing them, and the writing. */
#include "core/store/record.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "core/store/sealed.h"

static const char *const op_names[] = {
    [ACTION_CREATE] = "create", [ACTION_DROP] = "drop",     [ACTION_RENAME] = "rename",
    [ACTION_CLEAR] = "clear",   [ACTION_DELETE] = "delete", [ACTION_APPEND] = "append",
    [ACTION_SCHEMA] = "schema",
};

const char *action_op_name(enum action_op op)
{
    return op_names[op];
}

void record_key(uint64_t seq, char ret_key[RECORD_KEY_BYTES])
{
    snprintf(ret_key, RECORD_KEY_BYTES, "log/%020" PRIu64 ".ndjson", seq);
}

bool object_id_equal(struct object_id a, struct object_id b)
{
    if (a.inlined != b.inlined)
        return false;
    return a.inlined ? a.seq == b.seq : uuid_equal(a.uuid, b.uuid);
}

void member_finish(struct member *member)
{
    for (size_t i = 0; i < member->action_count; i++) {
        free(member->actions[i].name);
        free(member->actions[i].extents);
        free(member->actions[i].schema);
    }
    free(member->actions);
    free(member->id);
}

void record_finish(struct record *record)
{
    for (size_t i = 0; i < record->object_count; i++) {
        free(record->objects[i].path);
        free(record->objects[i].index_path);
    }
    for (size_t i = 0; i < record->member_count; i++)
        member_finish(&record->members[i]);
    free(record->objects);
    free(record->members);
    free(record->host);
    *record = (struct record){0};
}

bool extent_ref_adjoins(const struct extent_ref *last, const struct extent_ref *next)
{
    return object_id_equal(last->object, next->object) &&
           last->offset + last->bytes == next->offset &&
           last->first_row + last->rows == next->first_row;
}

/* --- encoding: every function below returns a new JSON value, NULL: out of memory --- */

static json_t *encode_uuid(struct uuid uuid)
{
    char text[UUID_TEXT_BYTES + 1];

    uuid_to_text(uuid, text);
    return json_string(text);
}

static json_t *encode_hash(struct hash hash)
{
    char hex[HASH_HEX_BYTES + 1];

    hash_to_hex(hash, hex);
    return json_string(hex);
}

static json_t *encode_time(int64_t usec)
{
    char text[TIMEFMT_BYTES + 1];

    time_to_text(usec, text);
    return json_string(text);
}

static json_t *encode_extent(const struct extent_ref *extent, enum action_op op)
{
    const struct object_id *id = &extent->object;
    json_t *object =
        json_pack("{so sI sI sI sI}", "object",
                  id->inlined ? json_integer((json_int_t)id->seq) : encode_uuid(id->uuid), "offset",
                  (json_int_t)extent->offset, "bytes", (json_int_t)extent->bytes, "first_row",
                  (json_int_t)extent->first_row, "rows", (json_int_t)extent->rows);

    if (object && op == ACTION_DELETE &&
        json_object_set_new(object, "row", json_integer((json_int_t)extent->row)) < 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *encode_action(const struct action *action)
{
    json_t *object = json_pack("{ss so ss}", "op", op_names[action->op], "table",
                               encode_uuid(action->table), "name", action->name);
    json_t *extents;

    if (object && action->op == ACTION_CLEAR && action->before != ACTION_ALL_ROWS &&
        json_object_set_new(object, "before", json_integer((json_int_t)action->before)) < 0) {
        json_decref(object);
        return NULL;
    }
    if (object && action->op == ACTION_SCHEMA &&
        json_object_set_new(object, "schema",
                            action->schema ? json_string(action->schema) : json_null()) < 0) {
        json_decref(object);
        return NULL;
    }
    if (!object || !action->extent_count)
        return object;
    extents = json_array();
    for (size_t i = 0; i < action->extent_count; i++)
        if (json_array_append_new(extents, encode_extent(&action->extents[i], action->op)) < 0) {
            json_decref(extents);
            extents = NULL;
            break;
        }
    if (json_object_set_new(object, "extents", extents) < 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *encode_member(const struct member *member)
{
    json_t *actions = json_array(), *object;

    for (size_t i = 0; i < member->action_count; i++)
        if (json_array_append_new(actions, encode_action(&member->actions[i])) < 0) {
            json_decref(actions);
            return NULL;
        }
    object = json_pack("{sI so ss* so sI sI so}", "version", (json_int_t)member->version,
                       "transaction", encode_uuid(member->transaction), "id", member->id, "time",
                       encode_time(member->time_usec), "base", (json_int_t)member->base, "rebases",
                       (json_int_t)member->rebases, "actions", actions);
    return object;
}

static json_t *encode_object(const struct object_entry *entry)
{
    return json_pack("{so so ss ss sI sI sI s{ss so}}", "object", encode_uuid(entry->uuid), "table",
                     encode_uuid(entry->table), "path", entry->path, "codec", "identity", "bytes",
                     (json_int_t)entry->bytes, "stored_bytes", (json_int_t)entry->stored_bytes,
                     "rows", (json_int_t)entry->rows, "index", "path", entry->index_path, "xxh3",
                     encode_hash(entry->index_hash));
}

static json_t *encode_header(const struct record *record)
{
    json_t *objects = json_array(), *members = json_array();
    bool ok = objects && members;

    for (size_t i = 0; ok && i < record->object_count; i++)
        ok = json_array_append_new(objects, encode_object(&record->objects[i])) == 0;
    for (size_t i = 0; ok && i < record->member_count; i++)
        ok = json_array_append_new(members, encode_member(&record->members[i])) == 0;
    if (!ok) {
        json_decref(objects);
        json_decref(members);
        return NULL;
    }
    return json_pack("{sI so so ss s[] s[] sI so so}", "seq", (json_int_t)record->seq, "prev",
                     encode_hash(record->prev), "nonce", encode_uuid(record->nonce), "host",
                     record->host, "read_features", "write_features", "inline_bytes",
                     (json_int_t)record->inline_bytes, "objects", objects, "members", members);
}

int record_encode(const struct record *record, const struct iovec *body, size_t body_pieces,
                  struct buf *buf, struct hash *ret_hash)
{
    json_t *header = encode_header(record);
    int r;

    if (!header)
        return -ENOMEM;
    r = sealed_write(header, body, body_pieces, buf, ret_hash);
    json_decref(header);
    return r;
}
