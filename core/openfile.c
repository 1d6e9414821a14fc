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
#include "core/rowcheck.h"

/* A process that has written and not closed. */
struct writer {
    uint64_t owner;
    bool opener;
    struct buf tail; /* its unfinished line */
    uint64_t lines;  /* that it has finished */
    struct writer *next;
};

struct openfile {
    struct db *db;
    struct openfile_options options;
    struct rowcheck *check; /* while lines are being taken */

    pthread_mutex_t lock;
    pthread_cond_t idle;
    bool busy; /* a commit is under way: everybody else waits */

    struct table *base; /* what readers of this file see before what was written */
    struct stage stage;
    struct writer *writers;
    struct buf leftover; /* the unfinished line of a writer that has closed */
    uint64_t leftover_lines; /* that writer's, before it */
    uint64_t start, received; /* the end of the file: bytes at open, and written since */
    bool replace;             /* the next commit deletes what is there */
    bool replace_at_close;    /* also when nothing was written */
    int poisoned;             /* 0, or the first refusal */

    /* the operation whose commit is under way */
    openfile_done_fn *done;
    void *context;
    bool releasing;
};

CLEANUP_POINTER(struct commit, commit_destroy)

int openfile_create(struct db *db, struct table *table, const struct openfile_options *options,
                    struct openfile **ret_file)
{
    struct openfile *file = calloc(1, sizeof *file);

    if (!file)
        return -ENOMEM;
    file->db = db;
    file->options = *options;
    pthread_mutex_init(&file->lock, NULL);
    pthread_cond_init(&file->idle, NULL);
    file->base = table_ref(table);
    stage_init(&file->stage, db_store(db), table->uuid);
    file->replace = options->replace;
    file->start = options->replace ? 0 : table_bytes(table);
    *ret_file = file;
    return 0;
}

static void writer_destroy(struct writer *writer)
{
    buf_finish(&writer->tail);
    free(writer);
}

static void drop_rows(struct openfile *file)
{
    while (file->writers) {
        struct writer *writer = file->writers;

        file->writers = writer->next;
        writer_destroy(writer);
    }
    buf_finish(&file->leftover);
    stage_finish(&file->stage);
}

static void openfile_destroy(struct openfile *file)
{
    drop_rows(file);
    table_unref(file->base);
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
    if (file->options.kind == OPENFILE_ROWS)
        file->poisoned = code;
    drop_rows(file);
    return code;
}

/* --- lines ------------------------------------------------------------------- */

static bool is_blank(const char *line, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

/* A row of `row` bytes that is to stand behind `before` others that are not staged yet. */
static int check_limits(struct openfile *file, const struct stage *stage, size_t row,
                        size_t before, struct err *err)
{
    const struct db_limits *limits = db_limits(file->db);

    if (row > limits->row_bytes)
        return err_set(err, -EFBIG, "the row is longer than %" PRIu64 " bytes (row_limit)",
                       limits->row_bytes);
    if (stage_bytes(stage) + before + row >= limits->tx_bytes)
        return err_set(err, -EFBIG, "one commit may hold %" PRIu64 " bytes of rows (tx_limit)",
                       limits->tx_bytes);
    return 0;
}

/*
 * One line with its line feed: into the stage as it is, without a CR before the
 * line feed, or not at all when it is blank.
 */
static int take_line(struct openfile *file, struct stage *stage, const char *line, size_t bytes,
                     struct err *err)
{
    size_t row = bytes - 1;
    int r;

    if (is_blank(line, row))
        return 0;
    if (line[row - 1] == '\r')
        row--;
    r = check_limits(file, stage, row, 0, err);
    if (!r)
        r = rowcheck_line(file->check, line, row, err);
    if (r < 0 || row == bytes - 1)
        return r < 0 ? r : stage_append(stage, line, bytes, 1, err);
    r = stage_append(stage, line, row, 0, err);
    return r < 0 ? r : stage_append(stage, "\n", 1, 1, err);
}

/* Whether a line can be passed on as it is, together with its neighbours. */
static bool is_plain(const char *line, size_t row)
{
    return row && line[0] == '{' && line[row - 1] != '\r';
}

/*
 * Complete lines, checked one by one. Those that need no change are staged
 * together. `*lines` counts them for the refusal.
 */
static int take_checked_lines(struct openfile *file, struct stage *stage, const char *data, size_t bytes,
                      uint64_t *lines, struct err *err)
{
    const char *run = data, *end = data + bytes;
    uint64_t run_rows = 0;
    int r = 0;

    for (const char *line = data; line < end && !r;) {
        const char *feed = memchr(line, '\n', (size_t)(end - line));
        size_t row = (size_t)(feed - line);

        ++*lines;
        if (is_plain(line, row)) {
            r = check_limits(file, stage, row, (size_t)(line - run), err);
            if (!r)
                r = rowcheck_line(file->check, line, row, err);
            run_rows++;
        } else {
            if (line > run)
                r = stage_append(stage, run, (size_t)(line - run), run_rows, err);
            if (!r)
                r = take_line(file, stage, line, row + 1, err);
            run = feed + 1;
            run_rows = 0;
        }
        line = feed + 1;
    }
    if (!r && end > run)
        r = stage_append(stage, run, (size_t)(end - run), run_rows, err);
    if (r < 0 && err)
        err->line = *lines;
    return r;
}

static int take_lines(struct openfile *file, struct stage *stage, const char *data, size_t bytes,
                      uint64_t *lines, struct err *err)
{
    int r;

    file->check = db_take_checker(file->db);
    if (!file->check)
        return err_nomem(err);
    r = take_checked_lines(file, stage, data, bytes, lines, err);
    db_return_checker(file->db, steal_pointer(file->check));
    return r;
}

/* The unfinished line that a writer without one is to continue: left behind, or the opener's. */
static struct buf *find_unfinished(struct openfile *file)
{
    if (file->leftover.bytes)
        return &file->leftover;
    for (struct writer *writer = file->writers; writer; writer = writer->next)
        if (writer->opener && writer->tail.bytes)
            return &writer->tail;
    return NULL;
}

/* The writer's entry, made at its first write. */
static struct writer *get_writer(struct openfile *file, uint64_t owner, bool by_opener)
{
    struct writer *writer;
    struct buf *unfinished;

    for (writer = file->writers; writer; writer = writer->next)
        if (writer->owner == owner)
            break;
    if (!writer) {
        writer = calloc(1, sizeof *writer);
        if (!writer)
            return NULL;
        writer->owner = owner;
        writer->opener = by_opener;
        writer->next = file->writers;
        file->writers = writer;
    }
    unfinished = writer->tail.bytes ? NULL : find_unfinished(file);
    if (unfinished) {
        buf_finish(&writer->tail);
        writer->tail = *unfinished;
        *unfinished = (struct buf){0};
    }
    return writer;
}

static int keep_tail(struct openfile *file, struct writer *writer, const char *data, size_t bytes,
                     struct err *err)
{
    int r = check_limits(file, &file->stage, writer->tail.bytes + bytes, 0, err);

    if (r < 0) {
        if (err)
            err->line = writer->lines + 1;
        return r;
    }
    return buf_append(&writer->tail, data, bytes) < 0 ? err_nomem(err) : 0;
}

/* Takes what a writer wrote: complete lines into the stage, the rest into its tail. */
static int take_bytes(struct openfile *file, struct stage *stage, struct writer *writer,
                      const char *data, size_t bytes, struct err *err)
{
    const char *last = memrchr(data, '\n', bytes), *first = data;
    int r = 0;

    if (last && writer->tail.bytes) {
        const char *feed = memchr(data, '\n', bytes);

        first = feed + 1;
        r = keep_tail(file, writer, data, (size_t)(first - data), err);
        if (!r)
            r = take_lines(file, stage, writer->tail.data, writer->tail.bytes, &writer->lines, err);
        writer->tail.bytes = 0;
    }
    if (!r && last && first <= last)
        r = take_lines(file, stage, first, (size_t)(last + 1 - first), &writer->lines, err);
    if (last)
        first = last + 1;
    if (!r && first < data + bytes)
        r = keep_tail(file, writer, first, (size_t)(data + bytes - first), err);
    return r;
}

/* An unfinished line at the end: a row that only lacks its line feed, or a refusal. */
static int take_leftover(struct openfile *file, struct err *err)
{
    uint64_t lines = file->leftover_lines;
    int r;

    if (!file->leftover.bytes)
        return 0;
    if (buf_append(&file->leftover, "\n", 1) < 0)
        return err_nomem(err);
    r = take_lines(file, &file->stage, file->leftover.data, file->leftover.bytes, &lines, err);
    if (r == -EINVAL)
        err_prefix(err, r, "the last line is unfinished");
    buf_finish(&file->leftover);
    return r;
}

/* The writer has closed: what it left unfinished is the file's. */
static int finish_writer(struct openfile *file, uint64_t owner)
{
    for (struct writer **at = &file->writers; *at; at = &(*at)->next) {
        struct writer *writer = *at;
        int r;

        if (writer->owner != owner)
            continue;
        r = buf_append(&file->leftover, writer->tail.data, writer->tail.bytes);
        file->leftover_lines = writer->lines;
        *at = writer->next;
        writer_destroy(writer);
        return r;
    }
    return 0;
}

static bool has_written(const struct openfile *file, uint64_t owner)
{
    for (const struct writer *writer = file->writers; writer; writer = writer->next)
        if (writer->owner == owner)
            return true;
    return false;
}

/* --- commits ------------------------------------------------------------------ */

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
    struct snapshot *head = db_head(file->db);
    struct table *table = snapshot_table(head, file->base->uuid);

    if (table) {
        table_unref(file->base);
        file->base = table_ref(table);
    }
    snapshot_unref(head);
}

static void committed(struct commit *commit, int result, void *context)
{
    struct openfile *file = context;
    struct err err = *commit_reason(commit);
    bool releasing;

    commit_destroy(commit);
    pthread_mutex_lock(&file->lock);
    if (result < 0)
        poison(file, result);
    if (!result) {
        file->replace = file->replace_at_close = false;
        refresh_base(file);
    }
    file->busy = false;
    releasing = file->releasing;
    pthread_cond_broadcast(&file->idle);
    /* The file may be gone as soon as it is unlocked: another operation can be its release. */
    end_operation(file, releasing, file->done, file->context, result, result < 0 ? &err : NULL);
}

/*
 * Commits a stage, which is emptied, as the operation that holds the lock; `done`
 * is called when it is over.
 */
static void commit_stage(struct openfile *file, struct stage *stage, bool release,
                         openfile_done_fn *done, void *context)
{
    cleanup(commit_destroy_p) struct commit *commit = NULL;
    struct err err = ERR_INIT;
    int r;

    db_before_wait(file->db);
    r = stage_seal(stage, &err);
    if (!r && (commit_create(&commit) < 0 ||
               commit_add_write(commit, file->base->uuid, file->replace, stage,
                                file->options.expect_version) < 0))
        r = err_nomem(&err);
    if (r < 0) {
        poison(file, r);
        end_operation(file, release, done, context, r, &err);
        return;
    }
    file->busy = true;
    file->done = done;
    file->context = context;
    file->releasing = release;
    pthread_mutex_unlock(&file->lock);
    commit_submit(file->db, steal_pointer(commit), committed, file);
}

/* Commits what is complete, if there is anything. The lock is held; `done` ends the operation. */
static void commit_rows(struct openfile *file, bool release, openfile_done_fn *done, void *context)
{
    bool replaces = file->replace && (file->received || file->replace_at_close || release);

    if (!stage_rows(&file->stage) && !replaces)
        end_operation(file, release, done, context, 0, NULL);
    else
        commit_stage(file, &file->stage, release, done, context);
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

static void write_stream(struct openfile *file, uint64_t owner, bool by_opener, const char *data,
                         size_t bytes, openfile_done_fn *done, void *context)
{
    struct err err = ERR_INIT;
    struct writer *writer = get_writer(file, owner, by_opener);
    struct stage stage;
    int r;

    stage_init(&stage, db_store(file->db), file->base->uuid);
    r = writer ? take_bytes(file, &stage, writer, data, bytes, &err) : err_nomem(&err);
    if (r < 0 && writer)
        writer->tail.bytes = 0;
    if (r < 0 || !stage_rows(&stage))
        end_operation(file, false, done, context, r, r < 0 ? &err : NULL);
    else
        commit_stage(file, &stage, false, done, context);
    stage_finish(&stage);
}

void openfile_write(struct openfile *file, uint64_t owner, bool by_opener, const char *data,
                    size_t bytes, uint64_t offset, openfile_done_fn *done, void *context)
{
    struct err err = ERR_INIT;
    struct writer *writer;
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
    writer = r < 0 ? NULL : get_writer(file, owner, by_opener);
    if (!r)
        r = writer ? take_bytes(file, &file->stage, writer, data, bytes, &err) : err_nomem(&err);
    if (r < 0)
        poison(file, r);
    else
        file->received += bytes;
    end_operation(file, false, done, context, r, r < 0 ? &err : NULL);
}

/* Whether there is anything that a commit would still have to bring. */
static bool has_pending(const struct openfile *file)
{
    return file->replace || file->writers || file->leftover.bytes || stage_rows(&file->stage);
}

/* Whether the end of a process means that what was written is not to be committed. */
static bool is_failure(const struct openfile *file, uint64_t owner, bool by_opener,
                       enum openfile_end end, bool pending)
{
    if (end == OPENFILE_ALIVE)
        return false;
    if (by_opener || has_written(file, owner))
        return true;
    return end == OPENFILE_KILLED && pending;
}

void openfile_close(struct openfile *file, uint64_t owner, bool by_opener, enum openfile_end end,
                    const char *why, openfile_done_fn *done, void *context)
{
    struct err err = ERR_INIT;
    bool pending;
    int r = 0;

    lock_idle(file);
    if (file->poisoned) {
        end_operation(file, false, done, context, file->poisoned, NULL);
        return;
    }
    pending = has_pending(file);
    if (is_failure(file, owner, by_opener, end, pending))
        r = poison(file, err_set(&err, -ECANCELED, "nothing was committed: %s", why));
    else if (finish_writer(file, owner) < 0)
        r = poison(file, err_nomem(&err));
    if (!r && by_opener && !file->writers) {
        r = take_leftover(file, &err);
        if (r < 0)
            poison(file, r);
    }
    if (r < 0)
        end_operation(file, false, done, context, r, pending ? &err : NULL);
    else if (by_opener && !file->writers)
        commit_rows(file, false, done, context);
    else
        end_operation(file, false, done, context, 0, NULL);
}

void openfile_sync(struct openfile *file, openfile_done_fn *done, void *context)
{
    lock_idle(file);
    if (file->poisoned)
        end_operation(file, false, done, context, file->poisoned, NULL);
    else
        commit_rows(file, false, done, context);
}

int openfile_truncate(struct openfile *file, uint64_t bytes, struct err *err)
{
    int r;

    lock_idle(file);
    r = file->poisoned;
    if (!r && bytes == 0) {
        drop_rows(file);
        file->replace = file->replace_at_close = true;
        file->start = file->received = 0;
    } else if (!r && bytes != file->start + file->received) {
        r = err_set(err, -EINVAL, "rows can be truncated to 0 bytes only, not to %" PRIu64, bytes);
    }
    pthread_mutex_unlock(&file->lock);
    return r;
}

void openfile_release(struct openfile *file, openfile_done_fn *done, void *context)
{
    struct err err = ERR_INIT;
    int r;

    lock_idle(file);
    r = file->poisoned;
    if (r < 0) {
        end_operation(file, true, done, context, r, NULL);
        return;
    }
    /* A writer whose close we were not told of: how it ended cannot be known. */
    if (file->writers)
        r = err_set(&err, -ECANCELED, "nothing was committed: a writer vanished without a close");
    else
        r = take_leftover(file, &err);
    if (r < 0)
        end_operation(file, true, done, context, r, &err);
    else
        commit_rows(file, true, done, context);
}

bool openfile_is_undecided(struct openfile *file)
{
    bool undecided;

    pthread_mutex_lock(&file->lock);
    undecided = file->busy || (!file->poisoned && has_pending(file));
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

int openfile_read(struct openfile *file, void *buf, size_t bytes, uint64_t offset,
                  struct err *err)
{
    uint64_t base;
    int done = 0, more = 0;

    lock_idle(file);
    base = file->replace ? 0 : table_bytes(file->base);
    if (offset < base)
        done = table_read(db_store(file->db), file->base, buf, bytes, offset, err);
    if (done >= 0 && (size_t)done < bytes)
        more = stage_read(&file->stage, (char *)buf + done, bytes - (size_t)done,
                          offset + (uint64_t)done - base, err);
    pthread_mutex_unlock(&file->lock);
    return done < 0 ? done : more < 0 ? more : done + more;
}
