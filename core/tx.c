/* SPDX-License-Identifier: MIT */
/* The life of a transaction: statements on a view, and one commit or none. */
#include "core/tx.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "core/db_private.h"
#include "core/tx_private.h"

CLEANUP_POINTER(struct commit, commit_destroy)
CLEANUP_POINTER(struct object, object_unref)

int tx_create(struct db *db, const char *id, struct snapshot *base, struct tx **ret_tx)
{
    static _Atomic uint64_t serials;
    struct tx *tx = calloc(1, sizeof *tx);

    if (!tx)
        return -ENOMEM;
    tx->id = strdup(id);
    if (!tx->id) {
        free(tx);
        return -ENOMEM;
    }
    atomic_init(&tx->refs, 1);
    tx->db = db;
    tx->serial = ++serials;
    tx->uuid = uuid_random();
    tx->began_usec = time_now_usec();
    atomic_init(&tx->used_usec, time_monotonic_usec());
    pthread_mutex_init(&tx->lock, NULL);
    tx->base = snapshot_ref(base);
    tx->view = snapshot_ref(base);
    tx->base_version = base->version;
    tx->touched_end = &tx->touched;
    *ret_tx = tx;
    return 0;
}

struct tx *tx_ref(struct tx *tx)
{
    atomic_fetch_add_explicit(&tx->refs, 1, memory_order_relaxed);
    return tx;
}

static void forget_nothing(void *entry)
{
    (void)entry; /* the list owns what the tree finds */
}

/* Which of the rows that it has written no record names, or ever will. */
enum leftovers { LEFTOVERS_UNKNOWN, LEFTOVERS_UNNEEDED, LEFTOVERS_ALL };

/* Lets go of all that it has read and written; the lock is held, or nobody else has it. */
static void drop_state(struct tx *tx, enum leftovers leftovers)
{
    tdestroy(tx->touched_tree, forget_nothing);
    tx->touched_tree = NULL;
    while (tx->touched) {
        struct touched *touched = tx->touched;

        tx->touched = touched->next;
        if (touched->staged &&
            (leftovers == LEFTOVERS_ALL || (leftovers == LEFTOVERS_UNNEEDED && !touched->needed)))
            staged_discard(touched->staged);
        free(touched->deleted);
        while (touched->read_count)
            selection_unref(touched->read_selections[--touched->read_count]);
        table_unref(touched->base);
        staged_unref(touched->staged);
        free(touched);
    }
    tx->touched_end = &tx->touched;
    tx->writing_count = 0;
    for (size_t i = 0; i < tx->naming_count; i++)
        free(tx->namings[i].name);
    free(tx->namings);
    tx->namings = NULL;
    tx->naming_count = 0;
    snapshot_unref(tx->view);
    snapshot_unref(tx->base);
    tx->view = tx->base = NULL;
}

void tx_unref(struct tx *tx)
{
    if (!tx || atomic_fetch_sub_explicit(&tx->refs, 1, memory_order_acq_rel) != 1)
        return;
    drop_state(tx, LEFTOVERS_UNKNOWN); /* never ended: a test's, or out of memory */
    json_decref(tx->failure.samples);
    free(tx->failure.table);
    pthread_mutex_destroy(&tx->lock);
    free(tx->id);
    free(tx);
}

const char *tx_id(const struct tx *tx)
{
    return tx->id;
}

uint64_t tx_serial(const struct tx *tx)
{
    return tx->serial;
}

int64_t tx_began_usec(const struct tx *tx)
{
    return tx->began_usec;
}

uint64_t tx_base_version(const struct tx *tx)
{
    return tx->base_version;
}

enum tx_state tx_state(struct tx *tx)
{
    enum tx_state state;

    pthread_mutex_lock(&tx->lock);
    state = tx->state;
    pthread_mutex_unlock(&tx->lock);
    return state;
}

/* --- who may do what --------------------------------------------------------------- */

/* Whether it can be read: 0, or what a user of it is told. The lock is held. */
static int check_readable(struct tx *tx, struct err *err)
{
    atomic_store(&tx->used_usec, time_monotonic_usec());
    switch (tx->state) {
    case TX_COMMITTED:
        return err_set(err, -ENOENT, "transaction %s has committed, as version %" PRIu64, tx->id,
                       tx->version);
    case TX_ABORTED:
    case TX_UNKNOWN:
        return err_set(err, -ECANCELED, "transaction %s is over: %s", tx->id,
                       tx->failure.reason.text);
    default:
        return 0;
    }
}

static int check_open(struct tx *tx, struct err *err)
{
    if (tx->state == TX_COMMITTING)
        return err_set(err, -EBUSY, "transaction %s is being committed", tx->id);
    return check_readable(tx, err);
}

int tx_view(struct tx *tx, struct snapshot **ret_view, struct err *err)
{
    int r;

    pthread_mutex_lock(&tx->lock);
    r = check_readable(tx, err);
    if (!r)
        *ret_view = snapshot_ref(tx->view);
    pthread_mutex_unlock(&tx->lock);
    return r;
}

int64_t tx_idle_usec(struct tx *tx)
{
    return atomic_load(&tx->holders) ? 0 : time_monotonic_usec() - atomic_load(&tx->used_usec);
}

void tx_hold(struct tx *tx)
{
    atomic_fetch_add(&tx->holders, 1);
}

void tx_release(struct tx *tx)
{
    atomic_store(&tx->used_usec, time_monotonic_usec());
    atomic_fetch_sub(&tx->holders, 1);
}

bool tx_is_serializable(struct tx *tx)
{
    bool serializable;

    pthread_mutex_lock(&tx->lock);
    serializable = tx->serializable;
    pthread_mutex_unlock(&tx->lock);
    return serializable;
}

int tx_set_serializable(struct tx *tx, bool serializable, struct err *err)
{
    int r;

    pthread_mutex_lock(&tx->lock);
    r = check_open(tx, err);
    if (!r)
        tx->serializable = serializable;
    pthread_mutex_unlock(&tx->lock);
    return r;
}

/* --- what it has touched -------------------------------------------------------------- */

static int compare_touched(const void *a, const void *b)
{
    return uuid_compare(((const struct touched *)a)->table, ((const struct touched *)b)->table);
}

struct touched *tx_touched(const struct tx *tx, struct uuid table)
{
    struct touched key = {.table = table}, **found;

    found = tfind(&key, &tx->touched_tree, compare_touched);
    return found ? *found : NULL;
}

struct touched *tx_touch(struct tx *tx, struct uuid table)
{
    struct touched *touched = tx_touched(tx, table);
    struct table *base;

    if (touched)
        return touched;
    touched = calloc(1, sizeof *touched);
    if (!touched)
        return NULL;
    touched->table = table;
    if (!tsearch(touched, &tx->touched_tree, compare_touched)) {
        free(touched);
        return NULL;
    }
    base = snapshot_table(tx->base, table);
    touched->base = base ? table_ref(base) : NULL;
    *tx->touched_end = touched;
    tx->touched_end = &touched->next;
    return touched;
}

static void note_read(struct touched *touched, struct selection *selection)
{
    for (unsigned i = 0; i < touched->read_count; i++)
        if (selection_equal(touched->read_selections[i], selection))
            return;
    if (!selection || touched->read_count == TX_READ_SELECTIONS)
        touched->read = true;
    else
        touched->read_selections[touched->read_count++] = selection_ref(selection);
}

void tx_note_read(struct tx *tx, struct uuid table, struct selection *selection)
{
    struct touched *touched;

    pthread_mutex_lock(&tx->lock);
    if (tx->state == TX_OPEN) {
        touched = tx_touch(tx, table);
        if (touched)
            note_read(touched, selection);
        else
            tx->listed = true; /* without memory for what was read, more than that is checked */
    }
    pthread_mutex_unlock(&tx->lock);
}

void tx_note_tables_listed(struct tx *tx)
{
    pthread_mutex_lock(&tx->lock);
    if (tx->state == TX_OPEN) /* a commit that is under way looks at it without the lock */
        tx->listed = true;
    pthread_mutex_unlock(&tx->lock);
}

/* --- statements ------------------------------------------------------------------------ */

/* Keeps the memory of all tables together below the bound. */
static int bound_memory(struct tx *tx, struct staged *staged, uint64_t before, struct err *err)
{
    uint64_t after = staged_memory(staged);
    int r;

    tx->memory = tx->memory - before + after;
    if (tx->memory <= TX_MEMORY_BYTES || !after)
        return 0;
    db_before_wait(tx->db);
    r = staged_spill(staged, err);
    if (!r)
        tx->memory -= after;
    return r;
}

/* And the number of data objects that are being written: of too many the oldest is ended. */
static int bound_writers(struct tx *tx, struct staged *staged, struct err *err)
{
    const struct stage *stage;
    int r = 0;

    for (unsigned i = 0; i < tx->writing_count; i++)
        if (tx->writing[i] == staged)
            return 0;
    if (!staged_is_writing(staged))
        return 0;
    if (tx->writing_count == TX_WRITERS) {
        db_before_wait(tx->db);
        r = staged_seal(tx->writing[0], &stage, err);
        memmove(tx->writing, tx->writing + 1, --tx->writing_count * sizeof tx->writing[0]);
    }
    tx->writing[tx->writing_count++] = staged;
    return r;
}

int tx_append_stage(struct preparation *p, const struct table *table, struct stage *stage)
{
    struct tx *tx = p->statement;
    struct touched *touched = tx_touch(tx, table->uuid);
    cleanup(object_unref_p) struct object *object = NULL;
    struct action *action;
    uint64_t before;
    int r;

    if (touched && !touched->staged)
        staged_create(db_store(tx->db), table->uuid, &touched->staged);
    if (!touched || !touched->staged || staged_object(touched->staged, &object) < 0)
        return -ENOMEM;
    r = draft_use_object(p->draft, object);
    action = prepare_action(p, ACTION_APPEND, table->uuid, table->name);
    if (r < 0 || !action || !prepare_extents(action, 1))
        return -ENOMEM;
    before = staged_memory(touched->staged);
    tx->bytes += stage_bytes(stage);
    r = staged_append(touched->staged, stage, action->extents, p->err);
    if (!r)
        r = bound_memory(tx, touched->staged, before, p->err);
    return r < 0 ? r : bound_writers(tx, touched->staged, p->err);
}

static int note_naming(struct tx *tx, const struct action *action)
{
    struct naming *namings = realloc(tx->namings, (tx->naming_count + 1) * sizeof *namings);

    if (!namings)
        return -ENOMEM;
    tx->namings = namings;
    namings[tx->naming_count] =
        (struct naming){.op = action->op, .table = action->table, .name = strdup(action->name)};
    return namings[tx->naming_count++].name ? 0 : -ENOMEM;
}

/* Rows of the base that go; those of the transaction itself are just not in its view any more. */
static int note_deletes(struct touched *touched, const struct action *action)
{
    size_t count = touched->deleted_count + action->extent_count;

    if (!touched->base || touched->cleared)
        return 0;
    if (count > touched->deleted_capacity) {
        size_t capacity = 2 * count;
        struct extent_ref *deleted = realloc(touched->deleted, capacity * sizeof *deleted);

        if (!deleted)
            return -ENOMEM;
        touched->deleted = deleted;
        touched->deleted_capacity = capacity;
    }
    for (size_t i = 0; i < action->extent_count; i++)
        if (action->extents[i].row < touched->base->appended)
            touched->deleted[touched->deleted_count++] = action->extents[i];
    return 0;
}

static int note_action(struct tx *tx, const struct action *action)
{
    struct touched *touched = tx_touch(tx, action->table);

    if (!touched)
        return -ENOMEM;
    switch (action->op) {
    case ACTION_CREATE:
    case ACTION_DROP:
    case ACTION_RENAME:
        touched->named = true;
        return note_naming(tx, action);
    case ACTION_CLEAR:
        touched->cleared = true;
        return 0;
    case ACTION_DELETE:
        return note_deletes(touched, action);
    case ACTION_SCHEMA:
        touched->schema = true;
        return 0;
    default:
        return 0;
    }
}

static int check_deletes(const struct tx *tx, const struct member *member, struct err *err)
{
    for (size_t i = 0; i < member->action_count; i++) {
        const struct action *action = &member->actions[i];
        const struct touched *touched = tx_touched(tx, action->table);

        if (action->op == ACTION_DELETE && touched &&
            touched->deleted_count + action->extent_count > TX_DELETED_RUNS)
            return err_set(err, -EFBIG,
                           "a transaction may delete or change rows of table %s in %d places",
                           action->name, TX_DELETED_RUNS);
    }
    return 0;
}

/* Evaluates a statement on the view, in a draft that the caller abandons if it fails. */
static int evaluate(struct tx *tx, struct commit *statement, struct draft *draft,
                    struct member *member, struct err *err)
{
    struct preparation p = {.db = tx->db,
                            .commit = statement,
                            .draft = draft,
                            .member = member,
                            .err = err,
                            .statement = tx};
    int64_t now = time_now_usec(), last = tx->view->time_usec;
    int r;

    member->version = tx->view->version + 1;
    member->time_usec = now > last ? now : last + 1;
    r = draft_begin_commit(draft, member, err);
    if (!r)
        r = commit_prepare(&p);
    if (!r)
        r = check_deletes(tx, member, err);
    if (!r)
        r = draft_end_commit(draft, member, NULL, err);
    return r;
}

/* Notes what the statement did; after a failure the transaction cannot go on. */
static int note_actions(struct tx *tx, const struct member *member)
{
    int r = 0;

    for (size_t i = 0; i < member->action_count && !r; i++)
        r = note_action(tx, &member->actions[i]);
    return r;
}

static void abort_locked(struct tx *tx, enum tx_state state, int code, const char *reason)
{
    tx->state = state;
    tx->failure.code = code;
    if (reason != tx->failure.reason.text) /* or it has been explained already */
        err_set(&tx->failure.reason, code, "%s", reason);
    drop_state(tx, state == TX_ABORTED ? LEFTOVERS_ALL : LEFTOVERS_UNKNOWN);
}

/* Whoever finds the rows of a selection has read the table. */
static int note_reads(struct tx *tx, const struct commit *statement, struct err *err)
{
    for (size_t i = 0; i < statement->change_count; i++) {
        const struct change *change = &statement->changes[i];
        struct touched *touched = change->edit ? tx_touch(tx, change->table) : NULL;

        if (change->edit && !touched)
            return err_nomem(err);
        if (touched)
            touched->read = true;
    }
    return 0;
}

static int run_statement(struct tx *tx, struct commit *statement, struct err *err)
{
    cleanup(member_finish) struct member member = {0};
    struct log_position position = tx->view->position;
    struct draft draft;
    int r;

    if (draft_begin(tx->view, &draft) < 0)
        return err_nomem(err);
    r = evaluate(tx, statement, &draft, &member, err);
    if (!r && note_actions(tx, &member) < 0) {
        r = err_nomem(err);
        draft_abandon(&draft);
        abort_locked(tx, TX_ABORTED, -ENOMEM, "out of memory");
        return r;
    }
    if (r < 0) {
        draft_abandon(&draft);
        return r;
    }
    snapshot_unref(tx->view);
    tx->view = draft_finish(&draft, &position, false);
    return 0;
}

static int check_limit(const struct tx *tx, uint64_t more, struct err *err)
{
    uint64_t limit = db_limits(tx->db)->tx_bytes;

    if (tx->bytes + more <= limit)
        return 0;
    return err_set(err, -EFBIG, "one transaction may write %" PRIu64 " bytes of rows (tx_limit)",
                   limit);
}

int tx_check_room(struct tx *tx, uint64_t bytes, struct err *err)
{
    int r;

    pthread_mutex_lock(&tx->lock);
    r = check_open(tx, err);
    if (!r)
        r = check_limit(tx, bytes, err);
    pthread_mutex_unlock(&tx->lock);
    return r;
}

static uint64_t statement_bytes(const struct commit *statement)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < statement->change_count; i++) {
        const struct stage *stages[CHANGE_STAGES];
        unsigned count = change_stages(&statement->changes[i], stages);

        for (unsigned j = 0; j < count; j++)
            bytes += stage_bytes(stages[j]);
    }
    return bytes;
}

int tx_apply(struct tx *tx, struct commit *statement, struct err *err)
{
    int r;

    pthread_mutex_lock(&tx->lock);
    r = check_open(tx, err);
    if (!r)
        r = check_limit(tx, statement_bytes(statement), err);
    if (!r)
        r = note_reads(tx, statement, err);
    if (!r)
        r = run_statement(tx, statement, err);
    pthread_mutex_unlock(&tx->lock);
    return r;
}

/* --- the end ------------------------------------------------------------------------------ */

void tx_abort(struct tx *tx, int code, const char *reason)
{
    pthread_mutex_lock(&tx->lock);
    if (tx->state == TX_OPEN)
        abort_locked(tx, TX_ABORTED, code, reason);
    pthread_mutex_unlock(&tx->lock);
}

/* A full store can get room again: then the same commit can be asked for once more. */
static bool is_worth_keeping(const struct tx *tx, const struct commit *commit, int r)
{
    if (commit_is_unknown(commit) || (r != -ENOSPC && r != -EDQUOT))
        return false;
    for (const struct touched *t = tx->touched; t; t = t->next)
        if (t->staged && staged_has_failed(t->staged))
            return false;
    return true;
}

static void end_commit(struct tx *tx, const struct commit *commit, bool submitted, int r,
                       const struct err *err)
{
    if (commit_conflict(commit)->kind)
        tx_explain_conflict(tx, commit_conflict(commit), err->text);
    pthread_mutex_lock(&tx->lock);
    tx->rebases = commit_rebases(commit);
    if (!r) {
        tx->state = TX_COMMITTED;
        tx->version = submitted ? commit_version(commit) : tx->base_version;
        drop_state(tx, LEFTOVERS_UNNEEDED);
    } else if (is_worth_keeping(tx, commit, r)) {
        tx->state = TX_OPEN;
        tx->failure.code = r;
        tx->failure.reason = *err;
        tx->failure.retry = true;
    } else {
        enum tx_state state = commit_is_unknown(commit) ? TX_UNKNOWN : TX_ABORTED;

        tx->failure.retry = r == -ECANCELED && commit_conflict(commit)->kind != CONFLICT_ID;
        abort_locked(tx, state, r,
                     tx->failure.reason.text[0] ? tx->failure.reason.text : err->text);
    }
    pthread_mutex_unlock(&tx->lock);
}

/* Commits what is in state TX_COMMITTING. */
static int run_commit(struct tx *tx, struct err *err)
{
    cleanup(commit_destroy_p) struct commit *commit = NULL;
    struct err reason = ERR_INIT;
    bool submitted = false;
    int r = commit_create(&commit);

    if (r < 0) {
        pthread_mutex_lock(&tx->lock);
        tx->state = TX_OPEN;
        pthread_mutex_unlock(&tx->lock);
        return err_nomem(err);
    }
    r = tx_fill_commit(tx, commit, &reason);
    if (!r && commit->change_count) {
        submitted = true;
        r = commit_run(tx->db, commit);
        reason = *commit_reason(commit);
    }
    end_commit(tx, commit, submitted, r, &reason);
    if (r < 0 && err)
        *err = tx->failure.reason.text[0] ? tx->failure.reason : reason;
    return r;
}

int tx_commit(struct tx *tx, struct err *err)
{
    int r;

    db_before_wait(tx->db);
    pthread_mutex_lock(&tx->lock);
    r = check_open(tx, err);
    if (!r) {
        tx->state = TX_COMMITTING;
        tx->failure.reason.text[0] = '\0'; /* of an earlier try */
    }
    pthread_mutex_unlock(&tx->lock);
    return r < 0 ? r : run_commit(tx, err);
}
