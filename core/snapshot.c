/* SPDX-License-Identifier: MIT */
/* Builds the state of the database, record by record. */
#include "core/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/history.h"
#include "core/name.h"

static void table_ref_item(void *item)
{
    table_ref(item);
}

static void table_unref_item(void *item)
{
    table_unref(item);
}

static int compare_name(const void *key, const void *item)
{
    return strcmp(key, ((const struct table *)item)->name);
}

static int compare_uuid(const void *key, const void *item)
{
    return uuid_compare(*(const struct uuid *)key, ((const struct table *)item)->uuid);
}

static void object_ref_item(void *item)
{
    object_ref(item);
}

static void object_unref_item(void *item)
{
    object_unref(item);
}

static int compare_object(const void *key, const void *item)
{
    return uuid_compare(*(const struct uuid *)key, ((const struct object *)item)->id.uuid);
}

const struct ptree_class table_by_name_class = {
    .ref = table_ref_item, .unref = table_unref_item, .compare = compare_name};
const struct ptree_class table_by_uuid_class = {
    .ref = table_ref_item, .unref = table_unref_item, .compare = compare_uuid};
const struct ptree_class object_class = {
    .ref = object_ref_item, .unref = object_unref_item, .compare = compare_object};

static void commit_id_ref(void *item)
{
    struct commit_id *id = item;

    atomic_fetch_add_explicit(&id->refs, 1, memory_order_relaxed);
}

static void commit_id_unref(void *item)
{
    struct commit_id *id = item;

    if (atomic_fetch_sub_explicit(&id->refs, 1, memory_order_acq_rel) == 1)
        free(id);
}

static int compare_id(const void *key, const void *item)
{
    return strcmp(key, ((const struct commit_id *)item)->id);
}

const struct ptree_class commit_id_class = {
    .ref = commit_id_ref, .unref = commit_id_unref, .compare = compare_id};

CLEANUP_POINTER(struct object, object_unref)
CLEANUP_POINTER(struct schema, schema_unref)
CLEANUP_POINTER(struct table, table_unref)

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
        return;
    ptree_unref(&table_by_name_class, snapshot->by_name);
    ptree_unref(&table_by_uuid_class, snapshot->by_uuid);
    ptree_unref(&object_class, snapshot->objects);
    ptree_unref(&history_class, snapshot->history);
    ptree_unref(&commit_id_class, snapshot->ids);
    free(snapshot);
}

struct table *snapshot_table_named(const struct snapshot *snapshot, const char *name)
{
    return ptree_find(&table_by_name_class, snapshot->by_name, name);
}

struct table *snapshot_table(const struct snapshot *snapshot, struct uuid uuid)
{
    return ptree_find(&table_by_uuid_class, snapshot->by_uuid, &uuid);
}

uint64_t snapshot_committed_id(const struct snapshot *snapshot, const char *id)
{
    const struct commit_id *found = ptree_find(&commit_id_class, snapshot->ids, id);

    return found ? found->version : 0;
}

/* --- trees of a draft: each function replaces one tree by its successor --- */

static void set_by_name(struct snapshot *next, struct ptree *by_name)
{
    ptree_unref(&table_by_name_class, next->by_name);
    next->by_name = by_name;
}

static void set_by_uuid(struct snapshot *next, struct ptree *by_uuid)
{
    ptree_unref(&table_by_uuid_class, next->by_uuid);
    next->by_uuid = by_uuid;
}

/* After a failure the draft is thrown away, so the two trees need not agree then. */
static int put_table(struct snapshot *next, struct table *table)
{
    struct ptree *tree;
    int r = ptree_insert(&table_by_name_class, next->by_name, table->name, table, &tree);

    if (r < 0)
        return r;
    set_by_name(next, tree);
    r = ptree_insert(&table_by_uuid_class, next->by_uuid, &table->uuid, table, &tree);
    if (!r)
        set_by_uuid(next, tree);
    return r;
}

static int remove_table(struct snapshot *next, const struct table *table)
{
    struct ptree *tree;
    int r = ptree_remove(&table_by_name_class, next->by_name, table->name, &tree);

    if (r < 0)
        return r;
    set_by_name(next, tree);
    r = ptree_remove(&table_by_uuid_class, next->by_uuid, &table->uuid, &tree);
    if (!r)
        set_by_uuid(next, tree);
    return r;
}

/* --- actions -------------------------------------------------------------- */

struct commit_context {
    struct snapshot *next;
    struct draft *draft;
    const struct member *member;
    struct err *err;
};

static int name_is_taken(const struct commit_context *c, const char *name)
{
    return err_set(c->err, -EEXIST, "a table %s exists", name);
}

static int apply_create(const struct commit_context *c, const struct action *action)
{
    cleanup(table_unref_p) struct table *table = NULL;
    int r;

    r = name_check(action->name, c->err);
    if (r < 0)
        return r;
    if (snapshot_table_named(c->next, action->name))
        return name_is_taken(c, action->name);
    if (snapshot_table(c->next, action->table))
        return err_set(c->err, -EEXIST, "the table's UUID is in use");
    r = table_create(action->table, action->name, c->member->version, c->member->time_usec, &table);
    if (!r)
        r = put_table(c->next, table);
    if (!r)
        c->next->named_usec = c->member->time_usec;
    return r;
}

static int apply_drop(const struct commit_context *c, struct table *table)
{
    cleanup(table_unref_p) struct table *held = table_ref(table);
    int r = remove_table(c->next, held);

    if (!r)
        c->next->named_usec = c->member->time_usec;
    return r;
}

static int apply_rename(const struct commit_context *c, struct table *table, const char *name)
{
    cleanup(table_unref_p) struct table *old = table_ref(table), *renamed = NULL;
    int r = name_check(name, c->err);

    if (r < 0)
        return r;
    if (snapshot_table_named(c->next, name))
        return name_is_taken(c, name);
    r = table_rename(table, name, c->member->version, c->member->time_usec, &renamed);
    if (!r)
        r = remove_table(c->next, old);
    if (!r)
        r = put_table(c->next, renamed);
    if (!r)
        c->next->named_usec = c->member->time_usec;
    return r;
}

/* One object for all extents in the record's own body. */
static int own_body(struct draft *draft, struct object **ret_object)
{
    int r = draft->body ? 0 : object_create_inlined(draft->seq, &draft->body);

    if (!r)
        *ret_object = object_ref(draft->body);
    return r;
}

/* The object that an extent lies in, with a reference. */
static int find_object(const struct commit_context *c, const struct object_id *id,
                       struct object **ret_object)
{
    struct object *object;

    if (id->inlined && id->seq == c->draft->seq)
        return own_body(c->draft, ret_object);
    if (id->inlined)
        return object_create_inlined(id->seq, ret_object);
    object = ptree_find(&object_class, c->next->objects, &id->uuid);
    if (!object)
        return err_set(c->err, -ENOENT, "an extent lies in an object that no record brought in");
    *ret_object = object_ref(object);
    return 0;
}

/*
 * Whether rows of `object` can only follow rows of this same record in it. Those of a
 * transaction that has not committed are of no record yet.
 */
static bool is_new(const struct commit_context *c, const struct object *object)
{
    return object->source || (object->id.inlined && object->id.seq == c->draft->seq);
}

static int apply_append(const struct commit_context *c, struct table *table,
                        const struct action *action)
{
    cleanup(table_unref_p) struct table *grown = table_ref(table);

    for (size_t i = 0; i < action->extent_count; i++) {
        const struct extent_ref *ref = &action->extents[i];
        cleanup(object_unref_p) struct object *object = NULL;
        struct table *next;
        int r = find_object(c, &ref->object, &object);

        if (!r)
            r = table_append(grown, object, ref, i > 0 || is_new(c, object), c->member->version,
                             c->member->time_usec, &next);
        if (r < 0)
            return r;
        table_unref(grown);
        grown = next;
    }
    return put_table(c->next, grown);
}

static int apply_rows(const struct commit_context *c, struct table *table,
                      const struct action *action)
{
    cleanup(table_unref_p) struct table *changed = NULL;
    uint64_t version = c->member->version;
    int64_t usec = c->member->time_usec;
    int r;

    if (action->op == ACTION_APPEND)
        return apply_append(c, table, action);
    if (action->op == ACTION_CLEAR)
        r = table_clear(table, action->before, version, usec, &changed);
    else
        r = table_delete(table, action->extents, action->extent_count, version, usec, &changed);
    if (r == -ENOENT)
        return err_set(c->err, r, "rows to delete from table %s are not there", table->name);
    return r < 0 ? r : put_table(c->next, changed);
}

static int apply_schema(const struct commit_context *c, struct table *table,
                        const struct action *action)
{
    cleanup(table_unref_p) struct table *changed = NULL;
    cleanup(schema_unref_p) struct schema *schema = NULL;
    int r = 0;

    if (action->schema)
        r = schema_parse(slice_of(action->schema, strlen(action->schema)), &schema, c->err);
    if (!r)
        r = table_set_schema(table, schema, c->member->version, c->member->time_usec, &changed);
    return r < 0 ? r : put_table(c->next, changed);
}

static int apply_action(const struct commit_context *c, const struct action *action)
{
    struct table *table;

    if (action->op == ACTION_CREATE)
        return apply_create(c, action);
    table = snapshot_table(c->next, action->table);
    if (!table)
        return err_set(c->err, -ENOENT, "table %s does not exist", action->name);
    switch (action->op) {
    case ACTION_DROP:
        return apply_drop(c, table);
    case ACTION_RENAME:
        return apply_rename(c, table, action->name);
    case ACTION_SCHEMA:
        return apply_schema(c, table, action);
    default:
        return apply_rows(c, table, action);
    }
}

/* --- drafts ----------------------------------------------------------------- */

static struct snapshot *snapshot_copy(const struct snapshot *base)
{
    struct snapshot *copy = malloc(sizeof *copy);

    if (!copy)
        return NULL;
    /* Not by assignment: others count references of the base meanwhile. */
    *copy = (struct snapshot){
        .position = base->position,
        .version = base->version,
        .time_usec = base->time_usec,
        .named_usec = base->named_usec,
        .read_only = base->read_only,
        .by_name = ptree_ref(base->by_name),
        .by_uuid = ptree_ref(base->by_uuid),
        .objects = ptree_ref(base->objects),
        .history = ptree_ref(base->history),
        .ids = ptree_ref(base->ids),
    };
    atomic_init(&copy->refs, 1);
    return copy;
}

int draft_begin(struct snapshot *base, struct draft *ret_draft)
{
    struct snapshot *next = snapshot_copy(base);

    if (!next)
        return -ENOMEM;
    *ret_draft = (struct draft){.next = next, .seq = base->position.seq + 1};
    return 0;
}

int draft_begin_commit(struct draft *draft, const struct member *member, struct err *err)
{
    const struct snapshot *next = draft->next;

    if (member->version != next->version + 1 || member->time_usec <= next->time_usec)
        return err_set(err, -EINVAL, "version %" PRIu64 " does not follow %" PRIu64,
                       member->version, next->version);
    draft->pending = snapshot_copy(next);
    return draft->pending ? 0 : err_nomem(err);
}

int draft_use_object(struct draft *draft, struct object *object)
{
    struct snapshot *pending = draft->pending;
    struct ptree *objects;
    int r;

    if (ptree_find(&object_class, pending->objects, &object->id.uuid))
        return 0;
    r = ptree_insert(&object_class, pending->objects, &object->id.uuid, object, &objects);
    if (r < 0)
        return r;
    ptree_unref(&object_class, pending->objects);
    pending->objects = objects;
    return 0;
}

int draft_add_object(struct draft *draft, const struct object_entry *entry, struct err *err)
{
    cleanup(object_unref_p) struct object *object = NULL;
    int r;

    if (ptree_find(&object_class, draft->pending->objects, &entry->uuid))
        return err_set(err, -EEXIST, "it brings in an object that is known");
    r = object_create_segment(entry, &object);
    if (!r)
        r = draft_use_object(draft, object);
    return r < 0 ? err_nomem(err) : 0;
}

int draft_apply_action(struct draft *draft, const struct member *member,
                       const struct action *action, struct err *err)
{
    struct commit_context c = {
        .next = draft->pending, .draft = draft, .member = member, .err = err};
    int r = apply_action(&c, action);

    return r == -ENOMEM ? err_nomem(err) : r;
}

static int add_history(struct draft *draft, const struct member *member, const char *host)
{
    struct snapshot *pending = draft->pending;
    cleanup_buf struct buf line = {0};
    struct ptree *history;
    int r = history_print(member, host, &line);

    if (!r)
        r = history_append(pending->history, draft->seq, line.bytes, &history);
    if (r < 0)
        return r;
    ptree_unref(&history_class, pending->history);
    pending->history = history;
    return 0;
}

static int add_id(struct snapshot *pending, const struct member *member, struct err *err)
{
    size_t bytes = strlen(member->id) + 1;
    struct commit_id *id;
    struct ptree *ids;
    int r;

    if (snapshot_committed_id(pending, member->id))
        return err_set(err, -EEXIST, "transaction %s has committed before", member->id);
    id = malloc(sizeof *id + bytes);
    if (!id)
        return err_nomem(err);
    atomic_init(&id->refs, 1);
    id->version = member->version;
    memcpy(id->id, member->id, bytes);
    r = ptree_insert(&commit_id_class, pending->ids, id->id, id, &ids);
    commit_id_unref(id);
    if (r < 0)
        return err_nomem(err);
    ptree_unref(&commit_id_class, pending->ids);
    pending->ids = ids;
    return 0;
}

int draft_end_commit(struct draft *draft, const struct member *member, const char *host,
                     struct err *err)
{
    struct snapshot *pending = draft->pending;
    int r = 0;

    if (host && add_history(draft, member, host) < 0)
        r = err_nomem(err);
    if (!r && member->id)
        r = add_id(pending, member, err);
    if (r < 0)
        return r;
    pending->version = member->version;
    pending->time_usec = member->time_usec;
    snapshot_unref(draft->next);
    draft->next = steal_pointer(draft->pending);
    return 0;
}

void draft_undo_commit(struct draft *draft)
{
    snapshot_unref(draft->pending);
    draft->pending = NULL;
}

struct snapshot *draft_finish(struct draft *draft, const struct log_position *position,
                              bool read_only)
{
    struct snapshot *next = steal_pointer(draft->next);

    object_unref(steal_pointer(draft->body));
    next->position = *position;
    next->read_only = next->read_only || read_only;
    return next;
}

void draft_abandon(struct draft *draft)
{
    draft_undo_commit(draft);
    snapshot_unref(draft->next);
    draft->next = NULL;
    object_unref(steal_pointer(draft->body));
}

int draft_apply_member(struct draft *draft, const struct record *record, size_t index,
                       struct err *err)
{
    const struct member *member = &record->members[index];
    int r = draft_begin_commit(draft, member, err);

    for (size_t i = 0; !index && i < record->object_count && !r; i++)
        r = draft_add_object(draft, &record->objects[i], err);
    for (size_t i = 0; i < member->action_count && !r; i++)
        r = draft_apply_action(draft, member, &member->actions[i], err);
    return r < 0 ? r : draft_end_commit(draft, member, record->host, err);
}

static int apply_record(struct draft *draft, const struct record *record, uint64_t until,
                        struct err *err)
{
    int r = 0;

    if (record->object_count && !record->member_count)
        return err_set(err, -EINVAL, "it brings in objects for no commit");
    for (size_t i = 0; i < record->member_count && !r && record->members[i].version <= until; i++)
        r = draft_apply_member(draft, record, i, err);
    return r;
}

int snapshot_apply_record(struct snapshot *base, const struct record *record,
                          const struct log_position *position, struct snapshot **ret_snapshot,
                          struct err *err)
{
    return snapshot_apply_record_until(base, record, position, UINT64_MAX, ret_snapshot, err);
}

int snapshot_apply_record_until(struct snapshot *base, const struct record *record,
                                const struct log_position *position, uint64_t version,
                                struct snapshot **ret_snapshot, struct err *err)
{
    char key[RECORD_KEY_BYTES];
    struct draft draft;
    int r;

    record_key(record->seq, key);
    if (record->seq != base->position.seq + 1 || !hash_equal(record->prev, base->position.hash))
        return err_set(err, -EIO, "%s is damaged: it does not follow the record before it", key);
    r = draft_begin(base, &draft);
    if (r < 0)
        return err_nomem(err);
    r = apply_record(&draft, record, version, err);
    if (r < 0) {
        draft_abandon(&draft);
        return r == -ENOMEM ? err_nomem(err) : err_prefix(err, -EIO, "%s is damaged", key);
    }
    if (record->member_count &&
        draft.next->version < record->members[record->member_count - 1].version)
        position = &base->position;
    *ret_snapshot = draft_finish(&draft, position, record->read_only);
    return 0;
}

int snapshot_create_empty(const struct log_position *position, int64_t time_usec,
                          struct snapshot **ret_snapshot)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);

    if (!snapshot)
        return -ENOMEM;
    atomic_init(&snapshot->refs, 1);
    snapshot->position = *position;
    snapshot->time_usec = snapshot->named_usec = time_usec;
    *ret_snapshot = snapshot;
    return 0;
}
