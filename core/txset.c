/* SPDX-License-Identifier: MIT */
/* Transactions by id. */
#include "core/txset.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/name.h"

struct txset_entry {
    char *id;
    struct tx *tx;
    uid_t owner;
    struct txset_entry *next, **link; /* oldest first */
};

struct txset {
    struct db *db;
    uint64_t idle_usec;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void *tree; /* tsearch(3), by id */
    struct txset_entry *first, **end;
    unsigned count;
    bool closing, reaping;
    pthread_t reaper;
};

CLEANUP_POINTER(struct snapshot, snapshot_unref)
CLEANUP_POINTER(struct tx, tx_unref)

int txset_create(struct db *db, uint64_t idle_usec, struct txset **ret_set)
{
    struct txset *set = calloc(1, sizeof *set);
    pthread_condattr_t attr;

    if (!set)
        return -ENOMEM;
    set->db = db;
    set->idle_usec = idle_usec;
    set->end = &set->first;
    pthread_mutex_init(&set->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&set->changed, &attr);
    pthread_condattr_destroy(&attr);
    *ret_set = set;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct txset_entry *)a)->id, ((const struct txset_entry *)b)->id);
}

static struct txset_entry *find(struct txset *set, const char *id)
{
    struct txset_entry key = {.id = (char *)id}, **found = tfind(&key, &set->tree, compare_ids);

    return found ? *found : NULL;
}

static int add(struct txset *set, struct tx *tx, uid_t owner)
{
    struct txset_entry *entry = calloc(1, sizeof *entry);

    if (entry)
        entry->id = strdup(tx_id(tx));
    if (!entry || !entry->id || !tsearch(entry, &set->tree, compare_ids)) {
        if (entry)
            free(entry->id);
        free(entry);
        return -ENOMEM;
    }
    entry->tx = tx_ref(tx);
    entry->owner = owner;
    entry->link = set->end;
    *set->end = entry;
    set->end = &entry->next;
    set->count++;
    return 0;
}

static void forget(struct txset *set, struct txset_entry *entry)
{
    tdelete(entry, &set->tree, compare_ids);
    *entry->link = entry->next;
    if (entry->next)
        entry->next->link = entry->link;
    else
        set->end = entry->link;
    set->count--;
    tx_unref(entry->tx);
    free(entry->id);
    free(entry);
}

void txset_destroy(struct txset *set)
{
    if (!set)
        return;
    pthread_mutex_lock(&set->lock);
    set->closing = true;
    pthread_cond_broadcast(&set->changed);
    pthread_mutex_unlock(&set->lock);
    if (set->reaping)
        pthread_join(set->reaper, NULL);
    while (set->first) {
        tx_abort(set->first->tx, -ECANCELED, "the mount has ended");
        forget(set, set->first);
    }
    pthread_cond_destroy(&set->changed);
    pthread_mutex_destroy(&set->lock);
    free(set);
}

/* --- the idle ------------------------------------------------------------------------------ */

/* Aborts what is too idle; returns when the next one can be, in microseconds from now. */
static int64_t reap(struct txset *set)
{
    int64_t limit = (int64_t)set->idle_usec, next = limit;

    for (struct txset_entry *entry = set->first; entry; entry = entry->next) {
        int64_t idle;

        if (tx_state(entry->tx) != TX_OPEN)
            continue;
        idle = tx_idle_usec(entry->tx);
        if (idle >= limit) {
            char reason[80];

            snprintf(reason, sizeof reason, "nobody has used it for %" PRIu64 " s (tx_timeout)",
                     set->idle_usec / 1000000);
            tx_abort(entry->tx, -ECANCELED, reason);
        } else if (limit - idle < next) {
            next = limit - idle;
        }
    }
    return next;
}

static void *reap_all(void *context)
{
    struct txset *set = context;

    pthread_mutex_lock(&set->lock);
    while (!set->closing) {
        int64_t usec = reap(set);
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        usec += until.tv_nsec / 1000;
        until.tv_sec += usec / 1000000;
        until.tv_nsec = usec % 1000000 * 1000;
        pthread_cond_timedwait(&set->changed, &set->lock, &until);
    }
    pthread_mutex_unlock(&set->lock);
    return NULL;
}

/* With the first transaction; one that cannot be started now is tried again with the next. */
static void start_reaper(struct txset *set)
{
    sigset_t all, old;

    if (set->reaping || !set->idle_usec)
        return;
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    set->reaping = pthread_create(&set->reaper, NULL, reap_all, set) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* --- beginning ------------------------------------------------------------------------------ */

static unsigned count_ended(const struct txset *set)
{
    unsigned count = 0;

    for (const struct txset_entry *entry = set->first; entry; entry = entry->next)
        count += tx_state(entry->tx) >= TX_COMMITTED;
    return count;
}

/* Forgets the oldest of those that have ended when there are too many. */
static int make_room(struct txset *set, struct err *err)
{
    struct txset_entry *next;
    unsigned ended;

    if (set->count < TXSET_FINISHED)
        return 0;
    ended = count_ended(set);
    for (struct txset_entry *entry = set->first; entry && ended >= TXSET_FINISHED; entry = next) {
        next = entry->next;
        if (tx_state(entry->tx) < TX_COMMITTED)
            continue;
        forget(set, entry);
        ended--;
    }
    return set->count - ended < TXSET_OPEN
               ? 0
               : err_set(err, -ENOSPC, "%u transactions are open: commit some, or remove them",
                         set->count - ended);
}

static int check_id(struct txset *set, const struct snapshot *snapshot, const char *id,
                    struct err *err)
{
    const struct txset_entry *entry = find(set, id);
    uint64_t version = snapshot_committed_id(snapshot, id);

    if (version)
        return err_set(err, -EEXIST, "transaction %s has committed, as version %" PRIu64, id,
                       version);
    if (!entry)
        return 0;
    if (tx_state(entry->tx) <= TX_COMMITTING)
        return err_set(err, -EBUSY, "transaction %s is open", id);
    return err_set(err, -EEXIST, "transaction %s has ended: read its status, then rmdir it", id);
}

static void fresh_id(char ret_id[TXSET_FRESH_BYTES + 1])
{
    struct uuid uuid = uuid_random();

    for (int i = 0; i < TXSET_FRESH_BYTES / 2; i++)
        sprintf(ret_id + 2 * i, "%02x", uuid.bytes[i]);
}

int txset_begin(struct txset *set, const char *id, uid_t owner, struct tx **ret_tx, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *base = NULL;
    cleanup(tx_unref_p) struct tx *tx = NULL;
    char fresh[TXSET_FRESH_BYTES + 1];
    int r = id ? name_check(id, err) : 0;

    if (!r)
        r = db_check_writable(set->db, err);
    if (!r)
        r = db_refresh(set->db, &base, err);
    if (r < 0)
        return r;
    if (!id) {
        fresh_id(fresh);
        id = fresh;
    }
    if (tx_create(set->db, id, base, &tx) < 0)
        return err_nomem(err);
    pthread_mutex_lock(&set->lock);
    r = check_id(set, base, id, err);
    if (!r)
        r = make_room(set, err);
    if (!r && add(set, tx, owner) < 0)
        r = err_nomem(err);
    if (!r)
        start_reaper(set);
    pthread_mutex_unlock(&set->lock);
    if (!r)
        *ret_tx = steal_pointer(tx);
    return r;
}

struct tx *txset_find(struct txset *set, const char *id, uid_t *ret_owner)
{
    struct tx *tx = NULL;
    struct txset_entry *entry;

    pthread_mutex_lock(&set->lock);
    entry = find(set, id);
    if (entry) {
        tx = tx_ref(entry->tx);
        *ret_owner = entry->owner;
    }
    pthread_mutex_unlock(&set->lock);
    return tx;
}

int txset_remove(struct txset *set, const char *id, struct err *err)
{
    struct txset_entry *entry;
    int r = 0;

    pthread_mutex_lock(&set->lock);
    entry = find(set, id);
    if (!entry)
        r = err_set(err, -ENOENT, "there is no transaction %s", id);
    if (!r) {
        tx_abort(entry->tx, -ECANCELED, "it was removed");
        if (tx_state(entry->tx) <= TX_COMMITTING) /* open again: its store was full just now */
            r = err_set(err, -EBUSY, "transaction %s is being committed", id);
        else
            forget(set, entry);
    }
    pthread_mutex_unlock(&set->lock);
    return r;
}

int txset_list(struct txset *set, uid_t owner, struct buf *ids)
{
    int r = 0;

    pthread_mutex_lock(&set->lock);
    for (const struct txset_entry *entry = set->first; entry && !r; entry = entry->next)
        if ((owner == (uid_t)-1 || entry->owner == owner) && tx_state(entry->tx) <= TX_COMMITTING)
            r = buf_append(ids, entry->id, strlen(entry->id) + 1);
    pthread_mutex_unlock(&set->lock);
    return r;
}
