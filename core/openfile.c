/* SPDX-License-Identifier: MIT */
/* Open files: lines become rows, closes become commits. */
#include "core/openfile.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/input.h"

struct openfile {
    struct db *db;
    struct openfile_options options; /* its transaction is referenced */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    bool busy; /* a commit is under way: everybody else waits */

    struct table *base; /* what readers of this file see before what was written */
    struct input input;
    bool duplicate_closed;    /* a process has closed a descriptor and holds another */
    uint64_t start, received; /* the end of the file: bytes at open, and written since */
    int poisoned;             /* 0, or the first refusal */
    bool committed;           /* something of it */

    /* a stream's write that may yet be refused */
    uint64_t write_owner;
    bool rest_follows; /* then: it did not end its line, or not begin it */

    /* the operation whose commit is under way */
    openfile_done_fn *done;
    void *context;
    bool releasing;
    int end; /* while the removed rows are put back: what the release will tell */
    bool end_is_new;
    struct err end_reason;
};

CLEANUP_POINTER(struct commit, commit_destroy)
CLEANUP_POINTER(struct snapshot, snapshot_unref)
CLEANUP_POINTER(struct table, table_unref)

static enum input_kind input_kind(enum openfile_kind kind)
{
    switch (kind) {
    case OPENFILE_CSV:
        return INPUT_CSV;
    case OPENFILE_TSV:
        return INPUT_TSV;
    case OPENFILE_PATCH:
        return INPUT_PATCH;
    case OPENFILE_SCHEMA:
        return INPUT_SCHEMA;
    default:
        return INPUT_ROWS;
    }
}

/* Where what is appended begins, for whoever reads the file. */
static uint64_t start_bytes(const struct openfile_options *options, const struct table *table)
{
    return options->kind <= OPENFILE_STREAM && !options->selection ? table_bytes(table)
                                                                   : options->start_bytes;
}

int openfile_create(struct db *db, struct table *table, const struct openfile_options *options,
                    struct openfile **ret_file)
{
    struct openfile *file = calloc(1, sizeof *file);

    if (!file)
        return -ENOMEM;
    file->db = db;
    file->options = *options;
    if (options->tx)
        tx_hold(tx_ref(options->tx));
    pthread_mutex_init(&file->lock, NULL);
    pthread_cond_init(&file->idle, NULL);
    file->base = table_ref(table);
    input_init(&file->input, db, input_kind(options->kind), table->uuid, options->selection);
    file->input.replace = options->replace && options->kind != OPENFILE_PATCH;
    file->start = options->replace ? 0 : start_bytes(options, table);
    *ret_file = file;
    return 0;
}

static void openfile_destroy(struct openfile *file)
{
    input_finish(&file->input);
    table_unref(file->base);
    if (file->options.tx)
        tx_release(file->options.tx);
    tx_unref(file->options.tx);
    pthread_mutex_destroy(&file->lock);
    pthread_cond_destroy(&file->idle);
    free(file);
}

static void lock_idle(struct openfile *file)
{
    pthread_mutex_lock(&file->lock);
    if (file->busy)
        db_before_wait(file->db);
    while (file->busy)
        pthread_cond_wait(&file->idle, &file->lock);
}

/*
 * A refusal: nothing of what is there will be committed. A stream goes on with
 * its next write, rows are one commit and so end here.
 */
static int poison(struct openfile *file, int code)
{
    if (file->options.kind != OPENFILE_STREAM) {
        file->poisoned = code;
        input_drop(&file->input);
    } else {
        input_drop_ready(&file->input); /* lines of other writers may still be finished */
        writers_drop_line(&file->input.writers, file->write_owner, file->rest_follows);
    }
    return code;
}

/* --- commits ------------------------------------------------------------------ */

/* A close has dropped rows of a transaction. */
static void abort_tx(const struct openfile *file, const struct err *err)
{
    struct err reason = *err;

    if (!file->options.tx || file->options.close_is_told)
        return;
    err_prefix(&reason, -ECANCELED, "what was written to table %s was dropped", file->base->name);
    tx_abort(file->options.tx, -ECANCELED, reason.text);
}

/* Ends an operation that holds the lock: unlocks, frees the file if it was the last, tells. */
static void end_operation(struct openfile *file, bool release, openfile_done_fn *done,
                          void *context, int result, const struct err *err)
{
    pthread_mutex_unlock(&file->lock);
    if (release)
        openfile_destroy(file);
    done(context, result, err);
}

static void refresh_base(struct openfile *file)
{
    struct snapshot *now = NULL;
    struct table *table;

    if (!file->options.tx)
        now = db_head(file->db);
    else if (tx_view(file->options.tx, &now, NULL) < 0)
        return; /* it is over already: what was written stays to be read as it was */
    table = snapshot_table(now, file->base->uuid);
    if (table) {
        table_unref(file->base);
        file->base = table_ref(table);
    }
    snapshot_unref(now);
}

static void note_outcome(struct openfile *file, int result)
{
    if (result < 0) {
        poison(file, result);
    } else {
        file->input.replace = false;
        file->committed = true;
        refresh_base(file);
    }
}

static void committed(struct commit *commit, int result, void *context)
{
    struct openfile *file = context;
    struct err err = *commit_reason(commit);
    bool releasing;

    commit_destroy(commit);
    pthread_mutex_lock(&file->lock);
    note_outcome(file, result);
    file->busy = false;
    releasing = file->releasing;
    pthread_cond_broadcast(&file->idle);
    /* The file may be gone as soon as it is unlocked: another operation can be its release. */
    end_operation(file, releasing, file->done, file->context, result, result < 0 ? &err : NULL);
}

/* The version of the table that is there now, with a reference. */
static int current_table(struct openfile *file, struct table **ret_table, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *now = NULL;
    struct table *table;
    int r = 0;

    if (file->options.tx)
        r = tx_view(file->options.tx, &now, err);
    else
        now = db_head(file->db);
    if (r < 0)
        return r;
    table = snapshot_table(now, file->base->uuid);
    if (!table)
        return err_set(err, -ENOENT, "the table does not exist any more");
    *ret_table = table_ref(table);
    return 0;
}

/* Makes a commit of what is ready, or runs it as a statement of the transaction. */
static int make_commit(struct openfile *file, struct commit **ret_commit, struct err *err)
{
    cleanup(commit_destroy_p) struct commit *commit = NULL;
    cleanup(table_unref_p) struct table *table = NULL;
    int r = current_table(file, &table, err);

    if (!r && commit_create(&commit) < 0)
        r = err_nomem(err);
    if (!r)
        r = input_commit(&file->input, table, file->options.expect_version, commit, err);
    if (!r && file->options.tx)
        r = tx_apply(file->options.tx, commit, err);
    if (!r)
        *ret_commit = steal_pointer(commit);
    return r;
}

/* An operation goes on elsewhere: the file is busy until it is over. Unlocks. */
static void begin_busy(struct openfile *file, bool release, openfile_done_fn *done, void *context)
{
    file->busy = true;
    file->done = done;
    file->context = context;
    file->releasing = release;
    pthread_mutex_unlock(&file->lock);
}

/*
 * Commits what is complete, if there is anything, as the operation that holds the lock; `done` is
 * called when it is over.
 */
static void commit_rows(struct openfile *file, bool release, openfile_done_fn *done, void *context)
{
    cleanup(commit_destroy_p) struct commit *commit = NULL;
    struct err err = ERR_INIT;
    int r;

    if (!input_is_ready(&file->input)) {
        end_operation(file, release, done, context, 0, NULL);
        return;
    }
    if (!file->options.tx || file->input.stage.writer)
        db_before_wait(file->db);
    r = make_commit(file, &commit, &err);
    if (r < 0 && file->options.kind != OPENFILE_STREAM)
        abort_tx(file, &err);
    if (r < 0 || file->options.tx) {
        note_outcome(file, r);
        end_operation(file, release, done, context, r, r < 0 ? &err : NULL);
        return;
    }
    begin_busy(file, release, done, context);
    commit_submit(file->db, steal_pointer(commit), committed, file);
}

/* --- operations ---------------------------------------------------------------- */

static int check_offset(const struct openfile *file, uint64_t offset, struct err *err)
{
    if (file->options.append || file->options.kind == OPENFILE_STREAM ||
        offset == file->start + file->received)
        return 0;
    return err_set(err, -EINVAL,
                   "rows are appended, never overwritten in place: a write at offset %" PRIu64
                   ", the end is %" PRIu64,
                   offset, file->start + file->received);
}

static int write_now(struct openfile *file, uint64_t owner, bool by_opener, const char *data,
                     size_t bytes, struct err *err)
{
    cleanup(table_unref_p) struct table *table = NULL;
    int r = current_table(file, &table, err);

    return r < 0 ? r : input_write(&file->input, table, owner, by_opener, data, bytes, err);
}

static void write_stream(struct openfile *file, uint64_t owner, bool by_opener, const char *data,
                         size_t bytes, openfile_done_fn *done, void *context)
{
    struct writers *writers = &file->input.writers;
    struct err err = ERR_INIT;
    int r;

    file->write_owner = owner;
    /* Whose commit fails can be tried again: from its first byte on, which may be within a line. */
    file->rest_follows = writers_has_line(writers, owner);
    r = write_now(file, owner, by_opener, data, bytes, &err);
    if (r < 0) {
        input_drop_ready(&file->input);
        writers_drop_line(writers, owner, bytes && data[bytes - 1] != '\n');
        end_operation(file, false, done, context, r, &err);
    } else {
        commit_rows(file, false, done, context);
    }
}

void openfile_write(struct openfile *file, uint64_t owner, bool by_opener, const char *data,
                    size_t bytes, uint64_t offset, openfile_done_fn *done, void *context)
{
    struct err err = ERR_INIT;
    int r;

    lock_idle(file);
    if (file->poisoned) {
        end_operation(file, false, done, context, file->poisoned, NULL);
        return;
    }
    if (file->options.kind == OPENFILE_STREAM) {
        write_stream(file, owner, by_opener, data, bytes, done, context);
        return;
    }
    r = check_offset(file, offset, &err);
    if (!r)
        r = write_now(file, owner, by_opener, data, bytes, &err);
    if (!r && file->options.tx) /* what can be known now is told by this write, not by the close */
        r = tx_check_room(file->options.tx, input_bytes(&file->input), &err);
    if (r < 0)
        poison(file, r);
    else
        file->received += bytes;
    end_operation(file, false, done, context, r, r < 0 ? &err : NULL);
}

/* Whether the end of a process means that what was written is not to be committed. */
static bool is_failure(const struct openfile *file, uint64_t owner, bool by_opener,
                       enum openfile_end end, bool pending)
{
    if (end <= OPENFILE_ALIVE)
        return false;
    if (by_opener || writers_has(&file->input.writers, owner))
        return true;
    return end >= OPENFILE_FAILED_PARENT && pending;
}

static int end_input(struct openfile *file, struct err *err)
{
    cleanup(table_unref_p) struct table *table = NULL;
    int r = input_is_pending(&file->input) ? current_table(file, &table, err) : 0;

    return r < 0 || !table ? r : input_end(&file->input, table, err);
}

void openfile_close(struct openfile *file, uint64_t owner, bool by_opener, enum openfile_end end,
                    const char *why, openfile_done_fn *done, void *context)
{
    struct err err = ERR_INIT;
    bool pending;
    int r = 0;

    lock_idle(file);
    file->duplicate_closed |= end == OPENFILE_HOLDS;
    if (file->poisoned || end == OPENFILE_HOLDS) {
        end_operation(file, false, done, context, file->poisoned, NULL);
        return;
    }
    pending = input_is_pending(&file->input);
    if (end > OPENFILE_ALIVE && file->options.kind == OPENFILE_STREAM)
        writers_drop_line(&file->input.writers, owner, false); /* the rest of it will not come */
    if (is_failure(file, owner, by_opener, end, pending))
        r = poison(file, err_set(&err, -ECANCELED, "nothing was committed: %s", why));
    if (writers_close(&file->input.writers, owner) < 0)
        r = poison(file, err_nomem(&err));
    if (!r && by_opener && !writers_any(&file->input.writers)) {
        r = end_input(file, &err);
        if (r < 0)
            poison(file, r);
    }
    if (r < 0 && pending)
        abort_tx(file, &err);
    if (r < 0)
        end_operation(file, false, done, context, r, pending ? &err : NULL);
    else if (by_opener && !writers_any(&file->input.writers))
        commit_rows(file, false, done, context);
    else
        end_operation(file, false, done, context, 0, NULL);
}

void openfile_sync(struct openfile *file, openfile_done_fn *done, void *context)
{
    lock_idle(file);
    if (file->poisoned)
        end_operation(file, false, done, context, file->poisoned, NULL);
    else if (!input_has_content(&file->input))
        end_operation(file, false, done, context, 0, NULL); /* no line is complete */
    else
        commit_rows(file, false, done, context);
}

int openfile_truncate(struct openfile *file, uint64_t bytes, struct err *err)
{
    int r;

    lock_idle(file);
    r = file->poisoned;
    if (!r && bytes == 0) {
        input_drop(&file->input);
        file->input.replace = file->options.kind != OPENFILE_PATCH;
        file->start = file->received = 0;
    } else if (!r && bytes != file->start + file->received) {
        r = err_set(err, -EINVAL, "rows can be truncated to 0 bytes only, not to %" PRIu64, bytes);
    }
    pthread_mutex_unlock(&file->lock);
    return r;
}

static bool is_to_restore(const struct openfile *file)
{
    return file->options.removed_version && !file->committed;
}

/* The rows that were removed for this file, which has failed. */
static int find_removed(struct openfile *file, struct table **ret_table)
{
    cleanup(snapshot_unref_p) struct snapshot *before = NULL;
    int r = db_at(file->db, file->options.removed_version - 1, &before, NULL);
    struct table *table = r < 0 ? NULL : snapshot_table(before, file->base->uuid);

    if (!r && !table)
        r = -ENOENT;
    if (!r)
        *ret_table = table_ref(table);
    return r;
}

static void restored(struct commit *commit, int result, void *context)
{
    struct openfile *file = context;
    struct err err = *commit_reason(commit);

    commit_destroy(commit);
    pthread_mutex_lock(&file->lock);
    if (result < 0) {
        err_prefix(&err, result, "the rows that were removed before could not be put back");
        file->end_reason = err;
        file->end_is_new = true;
    }
    err = file->end_reason; /* the file goes before it is told */
    end_operation(file, true, file->done, file->context, file->end, file->end_is_new ? &err : NULL);
}

/* Puts them back; false: it cannot even be tried. */
static bool restore(struct openfile *file, openfile_done_fn *done, void *context, int end,
                    const struct err *err)
{
    cleanup(commit_destroy_p) struct commit *commit = NULL;
    cleanup(table_unref_p) struct table *old = NULL;

    if (find_removed(file, &old) < 0 || commit_create(&commit) < 0 ||
        commit_add_restore(commit, old, file->options.removed_version) < 0)
        return false;
    file->end = end;
    file->end_is_new = err;
    if (err)
        file->end_reason = *err;
    begin_busy(file, true, done, context);
    commit_submit(file->db, steal_pointer(commit), restored, file);
    return true;
}

/* The end of a file of which nothing is committed any more. The lock is held. */
static void end_release(struct openfile *file, openfile_done_fn *done, void *context, int result,
                        const struct err *err)
{
    if (!is_to_restore(file) || !restore(file, done, context, result, err))
        end_operation(file, true, done, context, result, err);
}

void openfile_release(struct openfile *file, openfile_done_fn *done, void *context)
{
    struct err err = ERR_INIT;
    int r;

    lock_idle(file);
    r = file->poisoned;
    if (r < 0) {
        end_release(file, done, context, r, NULL);
        return;
    }
    /*
     * A writer whose close we were not told of: how it ended cannot be known. But what
     * looked like the close of a duplicate can have been the last.
     */
    if (file->duplicate_closed)
        r = writers_close_all(&file->input.writers);
    if (r < 0)
        err_nomem(&err);
    else if (writers_any(&file->input.writers))
        r = err_set(&err, -ECANCELED, "nothing was committed: a writer vanished without a close");
    else
        r = end_input(file, &err);
    if (r < 0) {
        abort_tx(file, &err);
        end_release(file, done, context, r, &err);
    } else {
        commit_rows(file, true, done, context);
    }
}

bool openfile_is_undecided(struct openfile *file)
{
    bool undecided;

    pthread_mutex_lock(&file->lock);
    undecided = file->busy || (file->poisoned && is_to_restore(file)) ||
                (!file->poisoned &&
                 (file->options.kind == OPENFILE_STREAM ? writers_any_line(&file->input.writers)
                                                        : input_is_pending(&file->input)));
    pthread_mutex_unlock(&file->lock);
    return undecided;
}

void openfile_abort(struct openfile *file)
{
    lock_idle(file);
    if (!file->poisoned)
        poison(file, -ECANCELED);
    pthread_mutex_unlock(&file->lock);
}

uint64_t openfile_bytes(struct openfile *file)
{
    uint64_t bytes;

    pthread_mutex_lock(&file->lock);
    bytes = file->start + file->received;
    pthread_mutex_unlock(&file->lock);
    return bytes;
}

int openfile_read(struct openfile *file, void *buf, size_t bytes, uint64_t offset, struct err *err)
{
    uint64_t base;
    int done = 0, more = 0;

    lock_idle(file);
    base = file->input.replace ? 0 : table_bytes(file->base);
    if (offset < base)
        done = table_read(db_store(file->db), file->base, buf, bytes, offset, err);
    if (done >= 0 && (size_t)done < bytes)
        more = stage_read(&file->input.stage, (char *)buf + done, bytes - (size_t)done,
                          offset + (uint64_t)done - base, err);
    pthread_mutex_unlock(&file->lock);
    return done < 0 ? done : more < 0 ? more : done + more;
}
