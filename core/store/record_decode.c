/* SPDX-License-Identifier: MIT */
/* Records as JSON: the reading, which believes nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/store/jsonget.h"
#include "core/store/record.h"
#include "core/store/sealed.h"

/* Room for `count` zeroed elements; marks the reader failed when there is none. */
static void *decode_alloc(struct jsonget *get, size_t count, size_t bytes)
{
    void *memory = calloc(count ? count : 1, bytes);

    if (!memory && !get->failed)
        get->failed = err_nomem(get->err);
    return memory;
}

/* Keys come from the disk and become paths: they must stay below data/. */
static char *decode_path(struct jsonget *get, json_t *object, const char *key)
{
    char *path = jsonget_string_copy(get, object, key);

    if (path && (strncmp(path, "data/", 5) || strstr(path, "..") || strlen(path) > 200))
        jsonget_fail(get, "an object's path leads out of data/");
    return path;
}

static void decode_object(struct jsonget *get, json_t *object, struct object_entry *entry)
{
    const char *codec = jsonget_string(get, object, "codec");
    json_t *index = json_object_get(object, "index");

    if (codec && strcmp(codec, "identity"))
        jsonget_fail(get, "an object has an unknown codec");
    entry->uuid = jsonget_uuid(get, object, "object");
    entry->table = jsonget_uuid(get, object, "table");
    entry->path = decode_path(get, object, "path");
    entry->bytes = jsonget_u64(get, object, "bytes");
    entry->stored_bytes = jsonget_u64(get, object, "stored_bytes");
    entry->rows = jsonget_u64(get, object, "rows");
    entry->index_path = decode_path(get, index, "path");
    entry->index_hash = jsonget_hash(get, index, "xxh3");
    if (!get->failed && entry->bytes != entry->stored_bytes)
        jsonget_fail(get, "an object's stored size is not its size");
}

static struct object_id decode_object_id(struct jsonget *get, json_t *extent)
{
    json_t *value = json_object_get(extent, "object");
    struct object_id id = {.inlined = json_is_integer(value)};

    if (id.inlined)
        id.seq = jsonget_u64(get, extent, "object");
    else
        id.uuid = jsonget_uuid(get, extent, "object");
    return id;
}

static void decode_extent(struct jsonget *get, json_t *object, enum action_op op,
                          struct extent_ref *extent)
{
    extent->object = decode_object_id(get, object);
    extent->offset = jsonget_u64(get, object, "offset");
    extent->bytes = jsonget_u64(get, object, "bytes");
    extent->first_row = jsonget_u64(get, object, "first_row");
    extent->rows = jsonget_u64(get, object, "rows");
    extent->row = op == ACTION_DELETE ? jsonget_u64(get, object, "row") : 0;
    if (!get->failed &&
        (!extent->bytes || !extent->rows || extent->rows > extent->bytes ||
         extent->offset > INT64_MAX - extent->bytes ||
         extent->first_row > INT64_MAX - extent->rows || extent->row > INT64_MAX - extent->rows))
        jsonget_fail(get, "an extent is impossible");
}

static void decode_extents(struct jsonget *get, json_t *object, struct action *action)
{
    json_t *extents = jsonget_array(get, object, "extents");

    action->extents = decode_alloc(get, json_array_size(extents), sizeof *action->extents);
    for (size_t i = 0; i < json_array_size(extents) && !get->failed; i++) {
        decode_extent(get, json_array_get(extents, i), action->op, &action->extents[i]);
        action->extent_count++;
    }
}

static void decode_action(struct jsonget *get, json_t *object, struct action *action)
{
    const char *op = jsonget_string(get, object, "op");
    enum action_op i;

    if (!op)
        return;
    for (i = ACTION_CREATE; i <= ACTION_LAST; i++)
        if (!strcmp(op, action_op_name(i)))
            break;
    if (i > ACTION_LAST)
        jsonget_fail(get, "an action is unknown");
    action->op = i;
    action->table = jsonget_uuid(get, object, "table");
    action->name = jsonget_string_copy(get, object, "name");
    action->before = i == ACTION_CLEAR && json_object_get(object, "before")
                         ? jsonget_u64(get, object, "before")
                         : ACTION_ALL_ROWS;
    if (i == ACTION_SCHEMA && !json_is_null(json_object_get(object, "schema")))
        action->schema = jsonget_string_copy(get, object, "schema");
    if (i == ACTION_APPEND || i == ACTION_DELETE)
        decode_extents(get, object, action);
}

static void decode_member(struct jsonget *get, json_t *object, struct member *member)
{
    json_t *actions = jsonget_array(get, object, "actions");

    member->version = jsonget_u64(get, object, "version");
    member->transaction = jsonget_uuid(get, object, "transaction");
    member->id = json_object_get(object, "id") ? jsonget_string_copy(get, object, "id") : NULL;
    member->time_usec = jsonget_time(get, object, "time");
    member->base = jsonget_u64(get, object, "base");
    member->rebases = jsonget_u64(get, object, "rebases");
    member->actions = decode_alloc(get, json_array_size(actions), sizeof *member->actions);
    for (size_t i = 0; i < json_array_size(actions) && !get->failed; i++) {
        member->action_count++; /* so that what was decoded of it is freed */
        decode_action(get, json_array_get(actions, i), &member->actions[i]);
    }
}

/*
 * What a newer program needs from whoever reads or writes this store. This one
 * knows no features yet, so a name in either list is an unknown one.
 */
static int decode_features(struct jsonget *get, json_t *header, struct record *record)
{
    json_t *read = jsonget_array(get, header, "read_features");
    json_t *write = jsonget_array(get, header, "write_features");
    const char *name = json_string_value(json_array_get(read, 0));

    if (get->failed)
        return get->failed;
    if (json_array_size(read))
        return err_set(get->err, -ENOTSUP, "%s needs the feature \"%.40s\" of a newer rowfs",
                       get->name, name ? name : "?");
    record->read_only = json_array_size(write) > 0;
    return 0;
}

static void decode_header(struct jsonget *get, json_t *header, struct record *record)
{
    json_t *objects = jsonget_array(get, header, "objects");
    json_t *members = jsonget_array(get, header, "members");

    record->seq = jsonget_u64(get, header, "seq");
    record->prev = jsonget_hash(get, header, "prev");
    record->nonce = jsonget_uuid(get, header, "nonce");
    record->host = jsonget_string_copy(get, header, "host");
    record->inline_bytes = jsonget_u64(get, header, "inline_bytes");
    record->objects = decode_alloc(get, json_array_size(objects), sizeof *record->objects);
    record->members = decode_alloc(get, json_array_size(members), sizeof *record->members);
    for (size_t i = 0; i < json_array_size(objects) && !get->failed; i++) {
        record->object_count++;
        decode_object(get, json_array_get(objects, i), &record->objects[i]);
    }
    for (size_t i = 0; i < json_array_size(members) && !get->failed; i++) {
        record->member_count++;
        decode_member(get, json_array_get(members, i), &record->members[i]);
    }
}

int record_decode(uint64_t seq, const void *data, size_t bytes, struct record *ret_record,
                  struct hash *ret_hash, struct err *err)
{
    char key[RECORD_KEY_BYTES];
    struct jsonget get = {.name = key, .err = err};
    struct record record = {0};
    json_t *header;
    size_t body;
    int r;

    record_key(seq, key);
    r = sealed_read(key, data, bytes, &header, ret_hash, &body, err);
    if (r < 0)
        return r;
    r = decode_features(&get, header, &record);
    if (!r) {
        decode_header(&get, header, &record);
        if (!get.failed && record.seq != seq)
            jsonget_fail(&get, "it is another record");
        if (!get.failed && record.inline_bytes != bytes - body)
            jsonget_fail(&get, "its inlined rows are incomplete");
        r = get.failed;
    }
    json_decref(header);
    if (r < 0) {
        record_finish(&record);
        return r;
    }
    *ret_record = record;
    return 0;
}
