/* SPDX-License-Identifier: MIT */
/* The commit protocol: a queue, a leader, and one put-if-absent for all that waits. */
#include "core/commit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "core/commit_private.h"
#include "core/db_private.h"

/* Members of one record: bounds its header, and so what a reader must parse at once. */
#define BATCH_COMMITS 256

/* Lost races before a commit gives up. Each is a commit of somebody else's, so only a storm gets
 * here. */
#define REBASE_TRIES 10000

/* Puts in doubt of one number before the outcome is called unknown. */
#define DOUBT_TRIES 8

CLEANUP_POINTER(struct snapshot, snapshot_unref)

/* One try to publish a batch: a record built on a base. */
struct attempt {
    struct db *db;         /* borrowed */
    struct snapshot *base; /* borrowed */
    struct draft draft;
    struct record record; /* its objects' strings belong to the stages */
    struct iovec *body;
    size_t body_pieces;
    struct body_position body_end;
    uint64_t spare; /* bytes of the body that the batch leaves */
};

static int read_body(void *context, void *buf, size_t bytes, uint64_t offset, struct err *err)
{
    const struct attempt *a = context;
    uint64_t before = 0;
    size_t done = 0;

    for (size_t i = 0; i < a->body_pieces && done < bytes; i++) {
        const struct iovec *piece = &a->body[i];
        uint64_t skip = offset + done - before;

        if (skip < piece->iov_len) {
            size_t n = piece->iov_len - (size_t)skip;

            n = n < bytes - done ? n : bytes - done;
            memcpy((char *)buf + done, (const char *)piece->iov_base + skip, n);
            done += n;
        }
        before += piece->iov_len;
    }
    return done == bytes ? 0 : err_set(err, -EIO, "rows of this record are not there yet");
}

static uint64_t body_bytes(void *context)
{
    return ((const struct attempt *)context)->body_end.bytes;
}

/* The rows of members that stand before the one that is evaluated. */
static const struct object_source pending_body = {.read = read_body, .bytes = body_bytes};

static int read_lost(void *context, void *buf, size_t bytes, uint64_t offset, struct err *err)
{
    (void)context;
    (void)buf;
    (void)bytes;
    (void)offset;
    return err_set(err, -EIO, "the rows were never committed");
}

static uint64_t lost_bytes(void *context)
{
    (void)context;
    return 0;
}

/* The same of an attempt that came to nothing; a conflict may still hold a table of it. */
static const struct object_source lost_body = {.read = read_lost, .bytes = lost_bytes};

static void attempt_finish(struct attempt *a)
{
    if (a->draft.body)
        object_set_source(a->draft.body, &lost_body, NULL);
    for (size_t i = 0; i < a->record.member_count; i++)
        member_finish(&a->record.members[i]);
    free(a->record.members);
    free(a->record.objects);
    free(a->body);
    draft_abandon(&a->draft);
}

static void fail_commit(struct commit *commit, int code, const char *reason)
{
    commit->state = COMMIT_FAILED;
    commit->result = code;
    err_set(&commit->reason, code, "%s", reason);
    conflict_finish(&commit->conflict); /* it was with a commit that has failed too */
}

/* --- building a record ------------------------------------------------------- */

/* Brings in the data objects of a stage. */
static int add_objects(struct attempt *a, const struct stage *stage)
{
    struct record *record = &a->record;
    struct object_entry *objects;

    if (!stage->entry_count)
        return 0;
    objects =
        realloc(record->objects, (record->object_count + stage->entry_count) * sizeof *objects);
    if (!objects)
        return -ENOMEM;
    record->objects = objects;
    for (size_t i = 0; i < stage->entry_count; i++)
        objects[record->object_count++] = stage->entries[i];
    return 0;
}

static void add_body(struct attempt *a, const struct stage *stage)
{
    if (!stage->memory.bytes)
        return;
    a->body[a->body_pieces++] =
        (struct iovec){.iov_base = stage->memory.data, .iov_len = stage->memory.bytes};
    a->body_end.bytes += stage->memory.bytes;
    a->body_end.rows += stage->memory_rows;
}

/* What a commit brings besides its actions. */
static int add_rows(struct attempt *a, const struct commit *commit)
{
    int r = 0;

    for (size_t i = 0; i < commit->change_count; i++) {
        const struct stage *stages[CHANGE_STAGES];
        unsigned count = change_stages(&commit->changes[i], stages);

        for (unsigned j = 0; j < count && !r; j++) {
            add_body(a, stages[j]);
            r = add_objects(a, stages[j]);
        }
    }
    return r;
}

/* What the member says of the commit itself. Errors: -ENOMEM. */
static int fill_member(struct commit *commit, const struct snapshot *on, struct member *member)
{
    int64_t now = time_now_usec();

    if (!commit->evaluated && !commit->tx)
        commit->base = on->version;
    if (!commit->evaluated && commit->base != on->version)
        commit->rebases++; /* others have committed since the transaction began */
    commit->evaluated = true;
    *member = (struct member){
        .version = on->version + 1,
        .transaction = commit->transaction,
        .time_usec = now > on->time_usec ? now : on->time_usec + 1,
        .base = commit->base,
        .rebases = commit->rebases,
        .id = commit->id ? strdup(commit->id) : NULL,
    };
    return commit->id && !member->id ? err_nomem(&commit->reason) : 0;
}

/* The commit as a member of the draft; undone by the caller unless it is IN_RECORD then. */
static int evaluate(struct attempt *a, struct commit *commit, struct member *member,
                    const char *host)
{
    struct preparation p = {.db = a->db,
                            .commit = commit,
                            .draft = &a->draft,
                            .base = a->base,
                            .body = a->body_end,
                            .spare = &a->spare,
                            .member = member,
                            .err = &commit->reason};
    int r = fill_member(commit, a->draft.next, member);

    if (!r)
        r = draft_begin_commit(&a->draft, member, &commit->reason);
    if (!r)
        r = commit_prepare(&p);
    if (r < 0)
        return r;
    if (!member->action_count) {
        commit->state = COMMIT_NOTHING_TO_DO;
        return 0;
    }
    r = draft_end_commit(&a->draft, member, host, &commit->reason);
    if (!r)
        commit->state = COMMIT_IN_RECORD;
    return r;
}

/*
 * Validates a commit on the result of those before it and makes it a member.
 * A refusal is the commit's own; a returned error is the whole attempt's.
 */
static int add_commit(struct attempt *a, struct commit *commit, const char *host)
{
    struct member *member = &a->record.members[a->record.member_count];
    const struct snapshot *on = a->draft.next;
    int r;

    commit->version = on->version;
    r = evaluate(a, commit, member, host);
    if (r < 0) {
        commit->state = COMMIT_FAILED;
        commit->result = r;
    }
    if (commit->state != COMMIT_IN_RECORD) {
        draft_undo_commit(&a->draft);
        member_finish(member);
        return 0;
    }
    commit->version = member->version;
    a->record.member_count++;
    return add_rows(a, commit);
}

static int attempt_build(struct attempt *a, struct db *db, struct snapshot *base,
                         struct commit *batch, struct err *err)
{
    size_t count = 0, changes = 0;
    uint64_t inlined = 0;
    int r = 0;

    *a = (struct attempt){.db = db, .base = base};
    for (struct commit *c = batch; c; c = c->next) {
        count++;
        changes += c->change_count;
        inlined += commit_inlined(c).bytes;
    }
    a->spare = inlined < RECORD_INLINE_BYTES ? RECORD_INLINE_BYTES - inlined : 0;
    a->record.seq = base->position.seq + 1;
    a->record.prev = base->position.hash;
    a->record.host = db->host;
    a->record.members = calloc(count, sizeof *a->record.members);
    a->body = calloc(CHANGE_STAGES * changes + 1, sizeof *a->body);
    if (!a->record.members || !a->body || draft_begin(base, &a->draft) < 0 ||
        object_create_pending(a->record.seq, &pending_body, a, &a->draft.body) < 0)
        return err_nomem(err);
    for (struct commit *c = batch; c && !r; c = c->next)
        r = add_commit(a, c, db->host);
    a->record.inline_bytes = a->body_end.bytes;
    return r < 0 ? err_nomem(err) : 0;
}

/* --- putting it --------------------------------------------------------------- */

/* What became of a put. */
enum outcome {
    OUTCOME_WON,
    OUTCOME_LOST,    /* somebody else's record has the number */
    OUTCOME_REFUSED, /* the store did not take it; nothing is visible */
    OUTCOME_UNKNOWN,
};

static void pause_before_try(unsigned i)
{
    struct timespec pause = {.tv_nsec = 1000000L << i};

    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

/* One put of the attempt's record, with a nonce of its own. */
static int put_once(struct attempt *a, struct db *db, struct log_position *ret_position,
                    enum put_state *ret_state, struct err *err)
{
    cleanup_buf struct buf encoded = {0};
    struct log_position position = {.seq = a->record.seq};
    int r;

    *ret_state = PUT_ABSENT;
    a->record.nonce = uuid_random();
    r = record_encode(&a->record, a->body, a->body_pieces, &encoded, &position.hash);
    if (r < 0)
        return err_nomem(err);
    db_set_in_flight(db, &position);
    return log_put(db->store, position.seq, &encoded, position.hash, ret_position, ret_state, err);
}

/* Whose record has the number that we tried to put? 1: ours, 0: another's, -ENOENT: nobody's. */
static int look_at_number(struct db *db, uint64_t seq, const struct uuid *nonces, unsigned count,
                          struct log_position *ret_position, struct err *err)
{
    cleanup(record_finish) struct record record = {0};
    int r = log_read(db->store, seq, &record, ret_position, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < count; i++)
        if (uuid_equal(record.nonce, nonces[i]))
            return 1;
    return 0;
}

/*
 * The answer to a put was lost, so it may have happened or may yet happen. Until
 * the number is seen to be somebody's, only the same members are put under the
 * same number: the next number could commit them twice.
 */
static enum outcome resolve_doubt(struct attempt *a, struct db *db,
                                  struct log_position *ret_position, struct err *err)
{
    struct uuid nonces[DOUBT_TRIES + 1] = {a->record.nonce};
    unsigned count = 1;

    for (unsigned i = 0; i < DOUBT_TRIES; i++) {
        enum put_state state;
        int r = look_at_number(db, a->record.seq, nonces, count, ret_position, err);

        if (r == 1)
            return log_settle(db->store, err) < 0 ? OUTCOME_UNKNOWN : OUTCOME_WON;
        if (r == 0)
            return OUTCOME_LOST;
        if (r == -ENOENT) {
            if (log_holds(db->store, &a->base->position, err) == 0)
                return OUTCOME_UNKNOWN; /* cleaned up past us: too old to be remembered */
            r = put_once(a, db, ret_position, &state, err);
            nonces[count++] = a->record.nonce;
            if (!r)
                return OUTCOME_WON;
            if (r == -EEXIST)
                continue;
            if (state == PUT_VISIBLE)
                return OUTCOME_UNKNOWN;
        }
        pause_before_try(i);
    }
    return OUTCOME_UNKNOWN;
}

static enum outcome put_attempt(struct attempt *a, struct db *db, struct log_position *ret_position,
                                int *ret_code, struct err *err)
{
    enum outcome outcome = OUTCOME_WON;
    enum put_state state;
    int r = put_once(a, db, ret_position, &state, err);

    *ret_code = r;
    if (r == -EEXIST)
        return OUTCOME_LOST;
    if (r < 0 && state == PUT_ABSENT)
        return OUTCOME_REFUSED;
    if (r < 0 && state == PUT_VISIBLE)
        return OUTCOME_UNKNOWN;
    if (r < 0)
        outcome = resolve_doubt(a, db, ret_position, err);

    /* A put counts only on the predecessor that it was built on (identity, not existence). */
    if (outcome == OUTCOME_WON && log_holds(db->store, &a->base->position, err) != 1)
        outcome = OUTCOME_UNKNOWN;
    return outcome;
}

static void fence(struct db *db, const struct err *err)
{
    pthread_mutex_lock(&db->queue_lock);
    db->fenced = true;
    snprintf(db->fenced_reason, sizeof db->fenced_reason,
             "the outcome of a commit is unknown (%.300s): mount the store again to write",
             err->text);
    pthread_mutex_unlock(&db->queue_lock);
}

/* --- the leader ---------------------------------------------------------------- */

/*
 * Fails the commits that were to be in the record, and those behind the first of
 * them: what was found of these rests on it. Before it, refusals stand.
 */
static void fail_batch(struct commit *batch, int code, const char *reason)
{
    bool rests = false;

    for (struct commit *c = batch; c; c = c->next) {
        rests = rests || c->state == COMMIT_IN_RECORD || c->state == COMMIT_WAITING;
        if (rests)
            fail_commit(c, code, reason);
    }
}

static bool any_in_record(const struct commit *batch)
{
    for (const struct commit *c = batch; c; c = c->next)
        if (c->state == COMMIT_IN_RECORD)
            return true;
    return false;
}

/* For the next try: what was found on one base says nothing about another. */
static void rebase_batch(struct commit *batch)
{
    for (struct commit *c = batch; c; c = c->next) {
        c->state = COMMIT_WAITING;
        c->rebases++;
        conflict_finish(&c->conflict);
    }
}

/* One try; true: the batch is decided, false: `*base` has moved, try again. */
static bool try_batch(struct db *db, struct commit *batch, struct snapshot **base)
{
    cleanup(attempt_finish) struct attempt a;
    struct snapshot *newest;
    struct log_position position;
    struct err err = ERR_INIT;
    int code, r;

    if ((*base)->read_only) { /* a record that we rebased on has an unknown write feature */
        a = (struct attempt){0};
        r = db_check_writable(db, &err);
        fail_batch(batch, r < 0 ? r : -EROFS, err.text);
        return true;
    }
    r = attempt_build(&a, db, *base, batch, &err);
    if (r < 0) {
        fail_batch(batch, r, err.text);
        return true;
    }
    if (any_in_record(batch)) {
        switch (put_attempt(&a, db, &position, &code, &err)) {
        case OUTCOME_WON:
            object_set_source(a.draft.body, NULL, NULL); /* it is in the store now */
            db_publish(db, draft_finish(&a.draft, &position, false));
            db_set_in_flight(db, NULL);
            return true;
        case OUTCOME_REFUSED:
            db_set_in_flight(db, NULL);
            fail_batch(batch, code, err.text);
            return true;
        case OUTCOME_UNKNOWN:
            if (!err.text[0])
                err_set(&err, -EIO, "its predecessor could not be verified");
            fence(db, &err);
            db_set_in_flight(db, NULL);
            for (struct commit *c = batch; c; c = c->next)
                c->unknown = c->state == COMMIT_IN_RECORD;
            fail_batch(batch, -EIO, db->fenced_reason);
            return true;
        case OUTCOME_LOST:
            db_set_in_flight(db, NULL);
            break;
        }
    }
    /* Lost, or all refused: refusals hold only on the newest version. */
    r = db_refresh(db, &newest, &err);
    if (r < 0) {
        for (struct commit *c = batch; c; c = c->next)
            fail_commit(c, r, err.text);
        return true;
    }
    r = newest->position.seq > (*base)->position.seq;
    snapshot_unref(*base);
    *base = newest;
    if (!r && any_in_record(batch)) {
        fail_batch(batch, -EIO, "the next record exists and cannot be read");
        return true;
    }
    return !r;
}

static void publish_batch(struct db *db, struct commit *batch)
{
    cleanup(snapshot_unref_p) struct snapshot *base = db_head(db);
    struct err err = ERR_INIT;
    int r = db_check_writable(db, &err);

    if (r < 0) {
        fail_batch(batch, r, err.text);
        return;
    }
    for (unsigned i = 0; !try_batch(db, batch, &base); i++) {
        if (i == REBASE_TRIES) {
            fail_batch(batch, -ECANCELED, "other writers were faster too many times");
            return;
        }
        rebase_batch(batch);
    }
}

/* The commits that wait and fit in one record, cut off the queue; NULL: none, and nobody leads. */
static struct commit *take_batch(struct db *db)
{
    struct commit *batch, **end;
    uint64_t inlined = 0;
    unsigned count = 0;

    pthread_mutex_lock(&db->queue_lock);
    batch = db->queue_first;
    for (end = &batch; *end && count < BATCH_COMMITS; end = &(*end)->next, count++) {
        inlined += commit_inlined(*end).bytes;
        if (count && inlined > RECORD_INLINE_BYTES)
            break;
    }
    db->queue_first = *end;
    *end = NULL;
    if (!db->queue_first)
        db->queue_end = &db->queue_first;
    if (!batch)
        db->leader = false;
    pthread_mutex_unlock(&db->queue_lock);
    return batch;
}

static void lead(struct db *db)
{
    struct commit *batch;

    db_before_wait(db);
    while ((batch = take_batch(db))) {
        publish_batch(db, batch);
        while (batch) {
            struct commit *commit = batch;

            batch = commit->next; /* `done` may free the commit */
            if (commit->state != COMMIT_FAILED)
                commit->result = 0;
            commit->done(commit, commit->result, commit->context);
        }
    }
}

void commit_submit(struct db *db, struct commit *commit, commit_done_fn *done, void *context)
{
    bool lead_now;

    commit->done = done;
    commit->context = context;
    commit->next = NULL;
    pthread_mutex_lock(&db->queue_lock);
    *db->queue_end = commit;
    db->queue_end = &commit->next;
    lead_now = !db->leader;
    db->leader = true;
    pthread_mutex_unlock(&db->queue_lock);
    if (lead_now)
        lead(db);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t decided;
    bool done;
};

static void wake(struct commit *commit, int result, void *context)
{
    struct waiter *waiter = context;

    (void)commit;
    (void)result;
    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    pthread_cond_signal(&waiter->decided);
    pthread_mutex_unlock(&waiter->lock);
}

int commit_run(struct db *db, struct commit *commit)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .decided = PTHREAD_COND_INITIALIZER};

    commit_submit(db, commit, wake, &waiter);
    db_before_wait(db);
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.done)
        pthread_cond_wait(&waiter.decided, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    pthread_cond_destroy(&waiter.decided);
    pthread_mutex_destroy(&waiter.lock);
    return commit->result;
}
