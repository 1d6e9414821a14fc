/* SPDX-License-Identifier: MIT */
/* States of the past, from the nearest one that was kept and the records behind it. */
#include <errno.h>
#include <inttypes.h>

#include "core/base/mem.h"
#include "core/db_private.h"

CLEANUP_POINTER(struct snapshot, snapshot_unref)

/* Every other mark goes, not the first, which is the empty store; the lock is held. */
static void thin_out(struct db *db)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < db->mark_count; i++)
        if (i % 2)
            snapshot_unref(db->marks[i]);
        else
            db->marks[kept++] = db->marks[i];
    db->mark_count = kept;
    db->mark_spacing *= 2;
}

void db_mark(struct db *db, struct snapshot *snapshot)
{
    uint64_t seq = snapshot->position.seq;

    pthread_mutex_lock(&db->marks_lock);
    if (!db->mark_count) {
        db->mark_spacing = 64;
        db->marks[db->mark_count++] = snapshot_ref(snapshot);
    } else if (seq >= db->marks[db->mark_count - 1]->position.seq + db->mark_spacing) {
        if (db->mark_count == DB_MARKS)
            thin_out(db);
        db->marks[db->mark_count++] = snapshot_ref(snapshot);
    }
    pthread_mutex_unlock(&db->marks_lock);
}

/* The last mark that is not after what is wanted; new reference. */
static struct snapshot *find_mark(struct db *db, bool (*is_after)(const struct snapshot *, int64_t),
                                  int64_t wanted)
{
    struct snapshot *mark;
    unsigned low = 0, high;

    pthread_mutex_lock(&db->marks_lock);
    high = db->mark_count; /* marks[low] is not after it, marks[high] is */
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;

        if (is_after(db->marks[middle], wanted))
            high = middle;
        else
            low = middle;
    }
    mark = snapshot_ref(db->marks[low]);
    pthread_mutex_unlock(&db->marks_lock);
    return mark;
}

static bool is_after_version(const struct snapshot *snapshot, int64_t version)
{
    return snapshot->version > (uint64_t)version;
}

static bool is_after_time(const struct snapshot *snapshot, int64_t usec)
{
    return snapshot->time_usec > usec;
}

static int go_to(struct db *db, uint64_t version, struct snapshot **snapshot, struct err *err)
{
    int r = 0;

    while (!r && (*snapshot)->version < version) {
        cleanup(record_finish) struct record record = {0};
        struct log_position position;
        struct snapshot *next;

        r = log_read_known(db->store, (*snapshot)->position.seq + 1, &record, &position, err);
        if (!r)
            r = snapshot_apply_record_until(*snapshot, &record, &position, version, &next, err);
        if (!r) {
            snapshot_unref(*snapshot);
            *snapshot = next;
        }
    }
    return r;
}

int db_at(struct db *db, uint64_t version, struct snapshot **ret_snapshot, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *head = db_head(db);
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    int r;

    if (version > head->version) {
        snapshot_unref(steal_pointer(head));
        r = db_refresh(db, &head, err);
        if (r < 0)
            return r;
    }
    if (version > head->version)
        return err_set(err, -ENOENT, "version %" PRIu64 " is not there yet, the last is %" PRIu64,
                       version, head->version);
    if (version == head->version) {
        *ret_snapshot = steal_pointer(head);
        return 0;
    }
    db_before_wait(db);
    snapshot = find_mark(db, is_after_version, (int64_t)version);
    r = go_to(db, version, &snapshot, err);
    if (!r)
        *ret_snapshot = steal_pointer(snapshot);
    return r;
}

int db_version_at(struct db *db, int64_t time_usec, uint64_t *ret_version, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *head = NULL, *mark = NULL;
    uint64_t version;
    int r = db_refresh(db, &head, err);

    if (r < 0)
        return r;
    if (time_usec >= head->time_usec) {
        *ret_version = head->version;
        return 0;
    }
    db_before_wait(db);
    mark = find_mark(db, is_after_time, time_usec);
    version = mark->version; /* of the empty store also for a time before it was made */
    for (uint64_t seq = mark->position.seq + 1; seq <= head->position.seq; seq++) {
        cleanup(record_finish) struct record record = {0};
        struct log_position position;

        r = log_read_known(db->store, seq, &record, &position, err);
        if (r < 0)
            return r;
        for (size_t i = 0; i < record.member_count; i++) {
            if (record.members[i].time_usec > time_usec) {
                *ret_version = version;
                return 0;
            }
            version = record.members[i].version;
        }
    }
    *ret_version = version;
    return 0;
}
