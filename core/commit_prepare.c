/* SPDX-License-Identifier: MIT */
/* Changes, and what they mean on the version that they are committed on. */
#include "core/commit_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/tx_private.h"

/* --- the list of changes ------------------------------------------------------ */

int commit_create(struct commit **ret_commit)
{
    struct commit *commit = calloc(1, sizeof *commit);

    if (!commit)
        return -ENOMEM;
    commit->transaction = uuid_random();
    *ret_commit = commit;
    return 0;
}

static void change_finish(struct change *change)
{
    free(change->name);
    free(change->to_name);
    table_unref(change->old);
    stage_finish(&change->stage);
    intake_destroy(change->intake);
    edit_destroy(change->edit);
    reshape_destroy(change->reshape);
}

unsigned change_stages(const struct change *change, const struct stage *stages[CHANGE_STAGES])
{
    unsigned count = 0;

    if (change->edit)
        stages[count++] = edit_kept_stage(change->edit);
    stages[count++] = change->staged ? change->staged : &change->stage;
    if (change->reshape) {
        stages[count++] = reshape_stage(change->reshape);
        stages[count++] = reshape_late_stage(change->reshape);
    }
    if (change->edit) {
        stages[count++] = edit_patched_stage(change->edit);
        stages[count++] = edit_late_stage(change->edit);
    }
    return count;
}

void conflict_finish(struct conflict *conflict)
{
    table_unref(conflict->base);
    table_unref(conflict->now);
    *conflict = (struct conflict){0};
}

void commit_destroy(struct commit *commit)
{
    if (!commit)
        return;
    conflict_finish(&commit->conflict);
    for (size_t i = 0; i < commit->change_count; i++)
        change_finish(&commit->changes[i]);
    free(commit->changes);
    free(commit);
}

const struct err *commit_reason(const struct commit *commit)
{
    return &commit->reason;
}

const struct conflict *commit_conflict(const struct commit *commit)
{
    return &commit->conflict;
}

bool commit_is_unknown(const struct commit *commit)
{
    return commit->unknown;
}

uint64_t commit_rebases(const struct commit *commit)
{
    return commit->rebases;
}

uint64_t commit_version(const struct commit *commit)
{
    return commit->version;
}

int commit_add_change(struct commit *commit, struct change *change)
{
    struct change *changes =
        realloc(commit->changes, (commit->change_count + 1) * sizeof *commit->changes);

    if (!changes) {
        change_finish(change);
        return -ENOMEM;
    }
    commit->changes = changes;
    changes[commit->change_count++] = *change;
    return 0;
}

static int add_named(struct commit *commit, struct change *change, const char *name,
                     const char *to_name)
{
    change->name = strdup(name);
    change->to_name = to_name ? strdup(to_name) : NULL;
    if (!change->name || (to_name && !change->to_name)) {
        change_finish(change);
        return -ENOMEM;
    }
    return commit_add_change(commit, change);
}

int commit_add_create(struct commit *commit, const char *name)
{
    struct change change = {.kind = CHANGE_CREATE, .table = uuid_random()};

    return add_named(commit, &change, name, NULL);
}

int commit_add_drop(struct commit *commit, struct uuid table, const char *name)
{
    struct change change = {.kind = CHANGE_DROP, .table = table};

    return add_named(commit, &change, name, NULL);
}

int commit_add_rename(struct commit *commit, struct uuid table, const char *from, const char *to,
                      bool no_replace)
{
    struct change change = {.kind = CHANGE_RENAME, .table = table, .no_replace = no_replace};

    return add_named(commit, &change, from, to);
}

/* What a change brings and does not fit in the record beside the others goes to data objects now.
 */
static int bound_inlined(struct commit *commit, struct change *change)
{
    const struct stage *stages[CHANGE_STAGES];
    unsigned count = change_stages(change, stages);
    uint64_t room = RECORD_INLINE_BYTES - commit_inlined(commit).bytes;
    int r = 0;

    for (unsigned i = 0; i < count && !r; i++) {
        if (stages[i]->memory.bytes > room)
            r = stage_spill((struct stage *)stages[i], &commit->reason);
        room -= stages[i]->memory.bytes;
    }
    return r;
}

int commit_add_statement(struct commit *commit, struct uuid table, struct write *write)
{
    struct change change = {.kind = CHANGE_WRITE,
                            .table = table,
                            .replace = write->replace,
                            .expect_version = write->expect_version,
                            .intake = steal_pointer(write->intake),
                            .edit = steal_pointer(write->edit)};
    int r;

    stage_move(write->stage, &change.stage);
    r = bound_inlined(commit, &change);
    if (r < 0) {
        change_finish(&change);
        return r;
    }
    r = commit_add_change(commit, &change);
    return r < 0 ? err_nomem(&commit->reason) : r;
}

int commit_add_write(struct commit *commit, struct uuid table, bool replace, struct stage *stage,
                     uint64_t expect_version)
{
    struct write write = {.stage = stage, .replace = replace, .expect_version = expect_version};

    return commit_add_statement(commit, table, &write);
}

int commit_add_schema(struct commit *commit, struct uuid table, struct reshape *reshape)
{
    struct change change = {.kind = CHANGE_SCHEMA, .table = table, .reshape = reshape};
    int r = bound_inlined(commit, &change);

    if (r < 0) {
        change_finish(&change);
        return r;
    }
    r = commit_add_change(commit, &change);
    return r < 0 ? err_nomem(&commit->reason) : r;
}

int commit_add_restore(struct commit *commit, struct table *old, uint64_t expect_version)
{
    struct change change = {.kind = CHANGE_RESTORE,
                            .table = old->uuid,
                            .old = table_ref(old),
                            .expect_version = expect_version};

    return commit_add_change(commit, &change);
}

int commit_add_move_rows(struct commit *commit, struct uuid from, struct uuid to)
{
    struct change change = {.kind = CHANGE_MOVE_ROWS, .table = from, .to_table = to};

    return commit_add_change(commit, &change);
}

struct body_position commit_inlined(const struct commit *commit)
{
    struct body_position inlined = {0};

    for (size_t i = 0; i < commit->change_count; i++) {
        const struct stage *stages[CHANGE_STAGES];
        unsigned count = change_stages(&commit->changes[i], stages);

        for (unsigned j = 0; j < count; j++) {
            inlined.bytes += stages[j]->memory.bytes;
            inlined.rows += stages[j]->memory_rows;
        }
    }
    return inlined;
}

/* --- changes on a version ------------------------------------------------------ */

struct action *prepare_action(struct preparation *p, enum action_op op, struct uuid table,
                              const char *name)
{
    struct member *member = p->member;
    struct action *actions = realloc(member->actions, (member->action_count + 1) * sizeof *actions);
    struct action *action;

    if (!actions)
        return NULL;
    member->actions = actions;
    action = &actions[member->action_count++];
    *action =
        (struct action){.op = op, .table = table, .name = strdup(name), .before = ACTION_ALL_ROWS};
    return action->name ? action : NULL;
}

int prepare_conflict(struct preparation *p, enum conflict_kind kind, struct table *base,
                     struct table *now)
{
    struct conflict *conflict = &p->commit->conflict;

    conflict_finish(conflict);
    conflict->kind = kind;
    conflict->table = base ? base->uuid : now ? now->uuid : (struct uuid){0};
    conflict->base = base ? table_ref(base) : NULL;
    conflict->now = now ? table_ref(now) : NULL;
    return -ECANCELED;
}

static int plain_action(struct preparation *p, enum action_op op, const struct table *table,
                        const char *name)
{
    return prepare_action(p, op, table->uuid, name) ? 0 : -ENOMEM;
}

static int gone(struct preparation *p, const char *name)
{
    return err_set(p->err, -ENOENT, "table %s does not exist any more", name);
}

/* The table of a change that has a name: it must still be called so. */
static int named_table(struct preparation *p, const struct change *change,
                       const struct table **ret_table)
{
    const struct table *table = snapshot_table_named(p->on, change->name);

    if (!table || !uuid_equal(table->uuid, change->table))
        return gone(p, change->name);
    *ret_table = table;
    return 0;
}

static int refuse_if_rows(struct preparation *p, const struct table *table)
{
    if (!table_rows(table))
        return 0;
    return err_set(p->err, -ENOTEMPTY, "table %s has %" PRIu64 " rows: remove them first",
                   table->name, table_rows(table));
}

static int prepare_create(struct preparation *p, const struct change *change)
{
    if (snapshot_table_named(p->on, change->name))
        return err_set(p->err, -EEXIST, "a table %s exists", change->name);
    return prepare_action(p, ACTION_CREATE, change->table, change->name) ? 0 : -ENOMEM;
}

static int prepare_drop(struct preparation *p, const struct change *change)
{
    const struct table *table;
    int r = named_table(p, change, &table);

    if (!r)
        r = refuse_if_rows(p, table);
    return r < 0 ? r : plain_action(p, ACTION_DROP, table, table->name);
}

static int prepare_rename(struct preparation *p, const struct change *change)
{
    const struct table *table, *target;
    int r = named_table(p, change, &table);

    if (r < 0)
        return r;
    if (!strcmp(change->name, change->to_name))
        return 0;
    target = snapshot_table_named(p->on, change->to_name);
    if (target && change->no_replace)
        return err_set(p->err, -EEXIST, "a table %s exists", change->to_name);
    if (target) {
        r = refuse_if_rows(p, target);
        if (!r)
            r = plain_action(p, ACTION_DROP, target, target->name);
    }
    return r < 0 ? r : plain_action(p, ACTION_RENAME, table, change->to_name);
}

/* What another has made or renamed meanwhile stands in the way of a transaction's table. */
static int name_is_taken(struct preparation *p, const struct action *action)
{
    struct table *now = snapshot_table_named(p->draft->pending, action->name);

    return prepare_conflict(p, CONFLICT_NAMES, NULL, now);
}

bool prepare_is_committed(const struct preparation *p, const struct table *table)
{
    return p->base && snapshot_table(p->base, table->uuid) == table;
}

int prepare_apply(struct preparation *p)
{
    int r = 0;

    for (; p->applied < p->member->action_count && !r; p->applied++)
        r = draft_apply_action(p->draft, p->member, &p->member->actions[p->applied], p->err);
    if (r == -EEXIST && p->commit->tx)
        r = name_is_taken(p, &p->member->actions[p->applied - 1]);
    p->on = p->draft->pending;
    return r;
}

int prepare_spare(struct preparation *p, struct stage *late)
{
    uint64_t bytes = late->memory.bytes;

    if (p->spare && bytes > *p->spare)
        return stage_spill(late, p->err);
    if (p->spare)
        *p->spare -= bytes;
    return stage_seal(late, p->err);
}

int prepare_set_schema(struct preparation *p, const struct table *table,
                       const struct schema *schema)
{
    struct action *action = prepare_action(p, ACTION_SCHEMA, table->uuid, table->name);

    if (action && schema)
        action->schema = strndup(schema->text.data, schema->text.bytes);
    return action && (!schema || action->schema) ? 0 : -ENOMEM;
}

struct extent_ref *prepare_extents(struct action *action, size_t count)
{
    action->extents = calloc(count ? count : 1, sizeof *action->extents);
    action->extent_count = action->extents ? count : 0;
    return action->extents;
}

/* The data objects of a stage, unless they are known, before an action names them. */
static int add_objects(struct preparation *p, const struct stage *stage)
{
    int r = 0;

    for (size_t i = 0; i < stage->entry_count && !r; i++)
        r = draft_add_object(p->draft, &stage->entries[i], p->err);
    return r;
}

int prepare_append_stage(struct preparation *p, const struct table *table, struct stage *stage)
{
    bool inlined = stage->memory.bytes > 0;
    struct action *action;
    struct extent_ref *to;
    int r;

    if (!inlined && !stage->entry_count)
        return 0;
    if (p->statement)
        return tx_append_stage(p, table, stage);
    r = add_objects(p, stage);
    if (r < 0)
        return r;
    action = prepare_action(p, ACTION_APPEND, table->uuid, table->name);
    to = action ? prepare_extents(action, stage->entry_count + inlined) : NULL;
    if (!to)
        return -ENOMEM;
    for (size_t i = 0; i < stage->entry_count; i++)
        *to++ = (struct extent_ref){.object = {.uuid = stage->entries[i].uuid},
                                    .bytes = stage->entries[i].bytes,
                                    .rows = stage->entries[i].rows};
    if (inlined) {
        *to = (struct extent_ref){.object = {.inlined = true, .seq = p->draft->seq},
                                  .offset = p->body.bytes,
                                  .bytes = stage->memory.bytes,
                                  .first_row = p->body.rows,
                                  .rows = stage->memory_rows};
        p->body.bytes += to->bytes;
        p->body.rows += to->rows;
    }
    return 0;
}

static int expect_version(struct preparation *p, const struct table *table, uint64_t version)
{
    if (table->version == version)
        return 0;
    return err_set(p->err, -ECANCELED,
                   "the rows of table %s were changed by version %" PRIu64
                   " after this file was made",
                   table->name, table->version);
}

/* The table of a change that knows it by its UUID, in the version that it expects. */
static int known_table(struct preparation *p, const struct change *change, struct table **ret_table)
{
    struct table *table = snapshot_table(p->on, change->table);

    if (!table)
        return err_set(p->err, -ENOENT, "the table does not exist any more");
    *ret_table = table;
    return change->expect_version ? expect_version(p, table, change->expect_version) : 0;
}

/* The schema is not the one that the rows were checked for: they are checked again. */
static int check_again(struct preparation *p, struct change *change, struct table *table)
{
    struct intake *intake;
    int r = intake_create(p->db, table, NULL, change->replace, &intake);

    if (r < 0)
        return err_nomem(p->err);
    r = intake_stage(intake, &change->stage, p->err);
    if (r < 0) {
        intake_destroy(intake);
        return err_prefix(p->err, r, "the schema of table %s has changed", table->name);
    }
    intake_destroy(change->intake);
    change->intake = intake;
    change->intake_is_provisional = !prepare_is_committed(p, table);
    return 0;
}

static int check_rows(struct preparation *p, struct change *change, struct table *table)
{
    const struct schema *checked = change->intake ? intake_table(change->intake)->schema : NULL;

    if (change->intake_is_provisional || !schema_equal(checked, table->schema))
        return check_again(p, change, table);
    return !change->intake ? 0 : intake_update(change->intake, table, table->appended, p->err);
}

/* The rows that go, then those that come, whose keys must be none of those that stay. */
static int prepare_write(struct preparation *p, struct change *change)
{
    struct table *table;
    int r = known_table(p, change, &table);

    if (!r && change->edit)
        r = edit_prepare(change->edit, p, table);
    else if (!r && change->replace && table_rows(table))
        r = plain_action(p, ACTION_CLEAR, table, table->name);
    if (!r)
        r = prepare_apply(p);
    if (r < 0)
        return r;
    table = snapshot_table(p->on, change->table);
    r = check_rows(p, change, table);
    if (!r && change->edit)
        r = edit_check_keys(change->edit, table, p->err);
    if (!r)
        r = prepare_append_stage(p, table, &change->stage);
    return r < 0 || !change->edit ? r : edit_append(change->edit, p, table);
}

static int prepare_schema(struct preparation *p, struct change *change)
{
    struct table *table;
    int r = known_table(p, change, &table);

    return r < 0 ? r : reshape_prepare(change->reshape, p, table);
}

int prepare_append_all(struct preparation *p, const struct table *from, const struct table *to)
{
    struct action *action = prepare_action(p, ACTION_APPEND, to->uuid, to->name);
    struct extent_ref *ref = action ? prepare_extents(action, ptree_count(from->extents)) : NULL;
    struct ptree_cursor cursor;
    const struct extent *extent;

    if (!ref)
        return -ENOMEM;
    ptree_seek_first(&cursor, from->extents);
    while ((extent = ptree_next(&cursor)))
        *ref++ = extent_as_ref(extent);
    return 0;
}

static int prepare_restore(struct preparation *p, const struct change *change)
{
    struct table *table;
    int r = known_table(p, change, &table);

    if (!r && !schema_equal(table->schema, change->old->schema))
        return err_set(p->err, -ECANCELED, "the schema of table %s has changed", table->name);
    return r < 0 || !table_rows(change->old) ? r : prepare_append_all(p, change->old, table);
}

static int prepare_move_rows(struct preparation *p, const struct change *change)
{
    const struct table *from = snapshot_table(p->on, change->table);
    const struct table *to = snapshot_table(p->on, change->to_table);
    int r = 0;

    if (!from || !to)
        return err_set(p->err, -ENOENT, "the table does not exist any more");
    if (from == to)
        return 0;
    if (to->schema && !schema_equal(from->schema, to->schema))
        return err_set(p->err, -EINVAL,
                       "the schema of table %s is not that of table %s: copy the rows", to->name,
                       from->name);
    if (table_rows(to))
        r = plain_action(p, ACTION_CLEAR, to, to->name);
    if (!r && table_rows(from))
        r = prepare_append_all(p, from, to);
    if (!r && table_rows(from))
        r = plain_action(p, ACTION_CLEAR, from, from->name);
    return r;
}

static int prepare_change(struct preparation *p, struct change *change)
{
    switch (change->kind) {
    case CHANGE_CREATE:
        return prepare_create(p, change);
    case CHANGE_DROP:
        return prepare_drop(p, change);
    case CHANGE_RENAME:
        return prepare_rename(p, change);
    case CHANGE_WRITE:
        return prepare_write(p, change);
    case CHANGE_SCHEMA:
        return prepare_schema(p, change);
    case CHANGE_MOVE_ROWS:
        return prepare_move_rows(p, change);
    case CHANGE_RESTORE:
        return prepare_restore(p, change);
    case CHANGE_TX_NAMES:
        return tx_prepare_names(p, p->commit->tx);
    case CHANGE_TX_ROWS:
        return tx_prepare_rows(p, p->commit->tx, change->touched);
    }
    return -EINVAL;
}

/*
 * The objects that a transaction's rows were written to, before any action names them: the
 * rows can have moved to another table than the one that they were written to.
 */
static int add_staged_objects(struct preparation *p)
{
    const struct commit *commit = p->commit;
    int r = 0;

    for (size_t i = 0; i < commit->change_count && !r; i++)
        if (commit->changes[i].staged)
            r = add_objects(p, commit->changes[i].staged);
    return r;
}

int commit_prepare(struct preparation *p)
{
    struct commit *commit = p->commit;
    int r = add_staged_objects(p);

    p->on = p->draft->pending;
    for (size_t i = 0; i < commit->change_count && !r; i++) {
        r = prepare_change(p, &commit->changes[i]);
        if (!r)
            r = prepare_apply(p);
    }
    return r == -ENOMEM ? err_nomem(p->err) : r;
}
