/* SPDX-License-Identifier: MIT */
/* Outcomes, the first state and the last. */
#include "tests/history/settle.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/mem.h"
#include "tests/history/array.h"
#include "tests/history/mounted.h"

#define DECISION_NSEC INT64_C(20000000000) /* far more than any commit takes */

/* --- outcomes --------------------------------------------------------------------------- */

/* Errors: -ETIMEDOUT; those of reading `status`. */
static int wait_decided(const char *mnt, const char *id, struct mounted_status *ret_status)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    int64_t limit = mounted_now() + DECISION_NSEC;

    for (;;) {
        int r = mounted_status(mnt, id, ret_status);

        if (r < 0 || mounted_is_decided(ret_status))
            return r;
        if (mounted_now() > limit)
            return -ETIMEDOUT;
        nanosleep(&pause, NULL);
    }
}

static int fail_undecided(const struct history_txn *txn, const char *what, int r, struct err *err)
{
    return err_set(err, r, "%s: %s: %s", txn->id, what, err_name(r));
}

/* It never asked to commit. Without a holder it is still open, and nobody else will end it. */
static int settle_unasked(const char *mnt, const struct clientlog_end *end, struct history_txn *txn,
                          struct err *err)
{
    struct mounted_status status;
    int r = end->held ? wait_decided(mnt, txn->id, &status) : 0;

    txn->outcome = HISTORY_ABORTED;
    if (r < 0)
        return fail_undecided(txn, "its holder has failed, and it is not aborted", r, err);
    mounted_abort(mnt, txn->id); /* there may be none: killed before the mkdir */
    txn->end = mounted_now();
    return 0;
}

/* The holder exited with status 0: the verdict is in `status`. */
static int settle_exited(const char *mnt, struct history_txn *txn, struct err *err)
{
    struct mounted_status status;
    int r = wait_decided(mnt, txn->id, &status);

    if (r < 0)
        return fail_undecided(txn, "its holder has ended, and it is not decided", r, err);
    txn->outcome = strcmp(status.state, "committed") == 0 ? HISTORY_OK : HISTORY_ABORTED;
    txn->version = status.version;
    txn->end = mounted_now();
    return 0;
}

/* Killed while it asked: the question may be on its way, or was never asked. */
static int settle_unknown(const char *mnt, struct history_txn *txn, struct err *err)
{
    struct mounted_status status;
    int r;

    mounted_abort(mnt, txn->id); /* of one that has committed: whatever it says */
    r = wait_decided(mnt, txn->id, &status);
    return r == 0 || r == -ENOENT ? 0 : fail_undecided(txn, "it is not decided", r, err);
}

int settle_last(const struct client_options *options, int client, int status,
                const struct clientlog_end *end, struct history *history, struct err *err)
{
    const char *mnt = options->mounts[client % 2];
    struct history_txn *txn;

    if (end->txn == SIZE_MAX)
        return 0;
    txn = &history->txns[end->txn];
    if (!end->named) {
        txn->outcome = end->invoked ? HISTORY_UNKNOWN : HISTORY_ABORTED;
        txn->end = end->invoked ? 0 : mounted_now();
        return 0;
    }
    if (!end->invoked)
        return settle_unasked(mnt, end, txn, err);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return settle_exited(mnt, txn, err);
    return settle_unknown(mnt, txn, err);
}

/* --- the first state -------------------------------------------------------------------- */

static int64_t generations(const struct client_options *options)
{
    return options->workload == CLIENT_LISTS ? options->transactions / options->per_generation + 1
                                             : 1;
}

/* A list begins empty, a register with a row. */
static int set_up_table(const struct client_options *options, const char *table,
                        struct history *history)
{
    int64_t amount = options->workload == CLIENT_BANK ? CLIENT_BALANCE : 1;
    size_t key = history_key(history, table);
    struct history_txn *txn;
    int64_t value;
    char id[32];
    int r = mounted_make_table(options->mounts[0], table);

    if (r < 0 || options->workload == CLIENT_LISTS)
        return r;
    snprintf(id, sizeof id, "setup%zu", key);
    value = atomic_fetch_add(&options->shared->last_value, 1) + 1;
    txn = history_add(history, 0, id, mounted_now());
    history_replace(txn, key, value, 0, amount);
    r = mounted_replace(options->mounts[0], table, value, 0, amount);
    txn->outcome = HISTORY_OK;
    txn->end = mounted_now();
    return r;
}

int settle_setup(const struct client_options *options, struct history *history, struct err *err)
{
    char table[32];

    for (int64_t g = 0; g < generations(options); g++) {
        for (size_t key = 0; key < options->keys; key++) {
            int r;

            client_table_name(options, g, key, table);
            r = set_up_table(options, table, history);
            if (r < 0)
                return err_set(err, r, "cannot make table %s: %s", table, err_name(r));
        }
    }
    return 0;
}

/* --- the final state -------------------------------------------------------------------- */

static int read_tables(const char *dir, const char *id, int mount, struct history *history,
                       struct err *err)
{
    struct history_txn *txn = history_add(history, 0, id, mounted_now());

    txn->mount = mount;
    for (size_t key = 0; key < history->key_count; key++) {
        struct mounted_rows rows = {0};
        int r = mounted_read(dir, history->keys[key], &rows, NULL);

        if (r < 0)
            return err_set(err, r, "cannot read %s/tables/%s: %s", dir, history->keys[key],
                           err_name(r));
        history_read(txn, key, rows.values, rows.count, rows.amount);
        free(rows.values);
    }
    txn->outcome = HISTORY_OK;
    txn->final = true;
    txn->end = mounted_now();
    return 0;
}

static int read_in_transaction(const char *mnt, struct history *history, struct err *err)
{
    char id[32], dir[PATH_MAX];
    int r;

    /* A name of its own for each run, as several may use one store. */
    snprintf(id, sizeof id, "final-%" PRId64, mounted_now());
    snprintf(dir, sizeof dir, "%s/tx/%s", mnt, id);
    r = mounted_begin(mnt, id);
    if (r == 0)
        r = read_tables(dir, "final", 0, history, err);
    else
        err_set(err, r, "cannot begin a transaction: %s", err_name(r));
    if (r == 0)
        mounted_abort(mnt, id);
    return r;
}

/* --- the log ---------------------------------------------------------------------------- */

struct logged {
    char id[HISTORY_ID_BYTES];
    int64_t version, base;
};

struct logged_ids {
    struct logged *items;
    size_t count;
};

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct logged *)a)->id, ((const struct logged *)b)->id);
}

static int take_log_line(const char *line, size_t bytes, struct logged_ids *ids)
{
    json_t *object = json_loadb(line, bytes, 0, NULL);
    const char *id = json_string_value(json_object_get(object, "id"));

    if (id) {
        struct logged *logged = ARRAY_ADD(ids->items, ids->count);

        *logged = (struct logged){
            .version = json_integer_value(json_object_get(object, "version")),
            .base = json_integer_value(json_object_get(object, "base")),
        };
        snprintf(logged->id, sizeof logged->id, "%s", id);
    }
    json_decref(object);
    return object ? 0 : -EBADMSG;
}

static int read_log(const char *mnt, struct logged_ids *ret_ids)
{
    cleanup_buf struct buf text = {0};
    char path[PATH_MAX];
    size_t at = 0;
    int r;

    snprintf(path, sizeof path, "%s/log", mnt);
    r = mounted_slurp(path, &text, NULL);
    while (r == 0 && at < text.bytes) {
        const char *end = memchr(text.data + at, '\n', text.bytes - at);

        if (!end)
            return -EBADMSG;
        r = take_log_line(text.data + at, (size_t)(end - text.data) - at, ret_ids);
        at = (size_t)(end - text.data) + 1;
    }
    if (ret_ids->count)
        qsort(ret_ids->items, ret_ids->count, sizeof *ret_ids->items, compare_ids);
    return r;
}

/* One that only read leaves nothing in the log. */
static void look_up(struct history_txn *txn, const struct logged_ids *ids, struct report *report)
{
    const struct logged *logged = ids->count
                                      ? bsearch(txn->id, ids->items, ids->count, sizeof *ids->items,
                                                (int (*)(const void *, const void *))strcmp)
                                      : NULL;

    if (txn->id[0] != CLIENT_NAMED || !history_writes(txn))
        return;
    txn->logged = logged ? HISTORY_LOGGED : HISTORY_NOT_LOGGED;
    if (!logged)
        return;
    if (txn->version && txn->version != logged->version)
        report_add(report, ANOMALY_WRONG_LOG,
                   "%s has version %" PRId64 " in its status, and %" PRId64 " in the log", txn->id,
                   txn->version, logged->version);
    txn->version = logged->version;
    txn->base = logged->base;
}

static void look_up_all(struct history *history, const struct logged_ids *ids,
                        struct report *report)
{
    for (size_t i = 0; i + 1 < ids->count; i++)
        if (strcmp(ids->items[i].id, ids->items[i + 1].id) == 0)
            report_add(report, ANOMALY_WRONG_LOG, "%s is in the log twice", ids->items[i].id);
    for (size_t t = 0; t < history->txn_count; t++)
        look_up(&history->txns[t], ids, report);
}

int settle_final(const struct client_options *options, struct history *history,
                 struct report *report, struct err *err)
{
    struct logged_ids ids = {0};
    int r = read_in_transaction(options->mounts[0], history, err);

    if (r == 0)
        r = read_tables(options->mounts[1], "final2", 1, history, err);
    if (r < 0)
        return r;
    r = read_log(options->mounts[1], &ids);
    if (r == 0)
        look_up_all(history, &ids, report);
    free(ids.items);
    return r < 0 ? err_set(err, r, "cannot read the log: %s", err_name(r)) : 0;
}
