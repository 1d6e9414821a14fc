/* SPDX-License-Identifier: MIT */
/* The head of a store that is open, and how it moves forward. */
#include "core/db.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/rowcheck.h"

CLEANUP_POINTER(struct snapshot, snapshot_unref)

struct store *db_store(struct db *db)
{
    return db->store;
}

const struct db_limits *db_limits(const struct db *db)
{
    return &db->options.limits;
}

struct uuid db_uuid(const struct db *db)
{
    return db->uuid;
}

struct snapshot *db_head(struct db *db)
{
    struct snapshot *head;

    pthread_mutex_lock(&db->head_lock);
    head = snapshot_ref(db->head);
    pthread_mutex_unlock(&db->head_lock);
    return head;
}

void db_publish(struct db *db, struct snapshot *snapshot)
{
    struct snapshot *old = snapshot;

    db_mark(db, snapshot);
    pthread_mutex_lock(&db->head_lock);
    if (!db->head || snapshot->position.seq > db->head->position.seq) {
        old = db->head;
        db->head = snapshot;
    }
    pthread_mutex_unlock(&db->head_lock);
    snapshot_unref(old);
    if (db->options.on_publish)
        db->options.on_publish(db->options.on_publish_context);
}

void db_set_on_publish(struct db *db, void (*on_publish)(void *context), void *context)
{
    db->options.on_publish_context = context;
    db->options.on_publish = on_publish;
}

void db_set_in_flight(struct db *db, const struct log_position *position)
{
    pthread_mutex_lock(&db->head_lock);
    db->in_flight = position ? *position : (struct log_position){0};
    pthread_cond_broadcast(&db->landed);
    pthread_mutex_unlock(&db->head_lock);
}

void db_before_wait(struct db *db)
{
    if (db->options.before_wait)
        db->options.before_wait();
}

struct rowcheck *db_take_checker(struct db *db)
{
    struct rowcheck *checker = NULL;

    pthread_mutex_lock(&db->checkers_lock);
    if (db->checker_count)
        checker = db->checkers[--db->checker_count];
    pthread_mutex_unlock(&db->checkers_lock);
    if (!checker && rowcheck_create(&checker) < 0)
        return NULL;
    return checker;
}

void db_return_checker(struct db *db, struct rowcheck *checker)
{
    pthread_mutex_lock(&db->checkers_lock);
    if (db->checker_count < DB_CHECKERS) {
        db->checkers[db->checker_count++] = checker;
        checker = NULL;
    }
    pthread_mutex_unlock(&db->checkers_lock);
    rowcheck_destroy(checker);
}

/* Whether the head is what we think it is, asked after a probe that found no successor. */
static int check_head(struct db *db, const struct snapshot *head, struct err *err)
{
    int r = log_holds(db->store, &head->position, err);

    if (r == 0) {
        char key[RECORD_KEY_BYTES];

        record_key(head->position.seq, key);
        return err_set(err, -EIO, "the store is damaged: %s is gone or was replaced", key);
    }
    return r < 0 ? r : 0;
}

int db_read_forward(struct db *db, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    bool moved = false;
    int r;

    db_before_wait(db);
    pthread_mutex_lock(&db->forward_lock);
    snapshot = db_head(db);
    for (;;) {
        cleanup(record_finish) struct record record = {0};
        struct log_position position;
        struct snapshot *next;

        r = log_read(db->store, snapshot->position.seq + 1, &record, &position, err);
        if (r < 0)
            break;
        r = snapshot_apply_record(snapshot, &record, &position, &next, err);
        if (r < 0)
            break;
        snapshot_unref(snapshot);
        snapshot = next;
        db_mark(db, snapshot);
        moved = true;
    }
    if (r == -ENOENT)
        r = check_head(db, snapshot, err);
    /* Somebody else's record may be visible and not durable yet. */
    if (!r && moved)
        r = log_settle(db->store, err);
    if (!r && moved)
        db_publish(db, steal_pointer(snapshot));
    pthread_mutex_unlock(&db->forward_lock);
    return r;
}

/*
 * The record behind the head is there. If it is the one that this process is putting right
 * now, waits until that is over: true. Other mounts may show it already, and whoever
 * has seen it there must find it here, too; but making it durable is the leader's work.
 */
static bool wait_for_our_own(struct db *db, const struct snapshot *head)
{
    uint64_t seq = head->position.seq + 1;
    struct log_position in_flight;

    pthread_mutex_lock(&db->head_lock);
    in_flight = db->in_flight;
    pthread_mutex_unlock(&db->head_lock);
    if (in_flight.seq != seq || log_holds(db->store, &in_flight, NULL) != 1)
        return false;
    db_before_wait(db);
    pthread_mutex_lock(&db->head_lock);
    while (db->in_flight.seq == seq && hash_equal(db->in_flight.hash, in_flight.hash))
        pthread_cond_wait(&db->landed, &db->head_lock);
    pthread_mutex_unlock(&db->head_lock);
    return true;
}

/* Whether there are records behind the head: 1, 0, or an error. */
static int is_behind(struct db *db, struct snapshot **head, struct err *err)
{
    int r = log_exists(db->store, (*head)->position.seq + 1, err);

    if (r <= 0 || !wait_for_our_own(db, *head))
        return r;
    snapshot_unref(*head);
    *head = db_head(db);
    return log_exists(db->store, (*head)->position.seq + 1, err);
}

int db_refresh(struct db *db, struct snapshot **ret_snapshot, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *head = db_head(db);
    int r = is_behind(db, &head, err);

    if (!r)
        r = check_head(db, head, err);
    else if (r > 0)
        r = db_read_forward(db, err);
    if (r < 0)
        return r;
    *ret_snapshot = db_head(db);
    return 0;
}

int db_check_writable(struct db *db, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *head = NULL;
    int r = 0;

    if (db->options.read_only)
        return err_set(err, -EROFS, "this mount is read-only");
    head = db_head(db);
    if (head->read_only)
        return err_set(err, -EROFS,
                       "a newer rowfs has written here: this one can read the store, not write it");
    pthread_mutex_lock(&db->queue_lock);
    if (db->fenced)
        r = err_set(err, -EIO, "%s", db->fenced_reason);
    pthread_mutex_unlock(&db->queue_lock);
    return r;
}
