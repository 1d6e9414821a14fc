/* SPDX-License-Identifier: MIT */
/* A client's random transactions. */
#include "tests/history/client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/history/clientlog.h"
#include "tests/history/mounted.h"
#include "tests/history/simulate.h"

struct client {
    const struct client_options *options;
    const char *mnt;
    int number, log, hold;
    unsigned serial;
    uint64_t seed;
    int64_t generation;
    timer_t timer;
    char id[HISTORY_ID_BYTES];
    char dir[PATH_MAX]; /* where the transaction works */
};

void client_table_name(const struct client_options *options, int64_t generation, size_t key,
                       char ret_name[32])
{
    static const char *const names[] = {"list", "account", "person"};

    if (options->workload == CLIENT_LISTS)
        snprintf(ret_name, 32, "list%zu_%" PRId64, key, generation);
    else
        snprintf(ret_name, 32, "%s%zu", names[options->workload], key);
}

static size_t below(struct client *c, size_t bound)
{
    return simulate_random(&c->seed, bound);
}

static bool one_in(struct client *c, size_t n)
{
    return below(c, n) == 0;
}

static void break_off(struct client *c, const char *what, int error)
{
    char text[128];

    snprintf(text, sizeof text, "%s: %s", c->id, what);
    clientlog_broken(c->log, text, error < 0 ? err_name(error) : "not as it must be");
    _exit(CLIENT_EXIT_BROKEN);
}

static void need(struct client *c, const char *what, int r)
{
    if (r < 0)
        break_off(c, what, r);
}

/* In this workload another transaction may win. */
static bool may_conflict(const struct client *c)
{
    return c->options->workload != CLIENT_LISTS || c->options->isolation == HISTORY_SERIALIZABLE;
}

/* --- deaths ----------------------------------------------------------------------------- */

static void make_timer(struct client *c)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};

    if (timer_create(CLOCK_MONOTONIC, &event, &c->timer) < 0)
        break_off(c, "timer_create", -errno);
}

/* At some moment from now on; perhaps in another transaction. */
static void die_within(struct client *c, size_t usec)
{
    struct itimerspec when = {.it_value.tv_nsec = 1 + (long)below(c, usec) * 1000};

    timer_settime(c->timer, 0, &when, NULL);
}

/* --- operations ------------------------------------------------------------------------- */

static int64_t new_value(const struct client *c)
{
    return atomic_fetch_add(&c->options->shared->last_value, 1) + 1;
}

static void table_name(struct client *c, size_t key, char ret_name[32])
{
    client_table_name(c->options, c->generation, key, ret_name);
}

/* Mostly small rows; some that are stored as segments. */
static size_t any_padding(struct client *c)
{
    if (one_in(c, 200))
        return 100000;
    return one_in(c, 15) ? 1 + below(c, 4000) : 0;
}

static void append(struct client *c)
{
    size_t count = one_in(c, 5) ? 2 + below(c, 3) : 1;
    int64_t values[4];
    char table[32];

    table_name(c, below(c, c->options->keys), table);
    for (size_t i = 0; i < count; i++) {
        struct history_op op = {.kind = HISTORY_APPEND, .value = values[i] = new_value(c)};

        clientlog_op(c->log, &op, table);
    }
    if (strcmp(c->dir, c->mnt) == 0)
        clientlog_invoke(c->log, mounted_now());
    need(c, "append", mounted_append(c->dir, table, values, count, any_padding(c)));
}

/* The last value that was read, and its amount; 0: no row. */
static int64_t read_key(struct client *c, size_t key, int64_t *ret_amount)
{
    struct mounted_rows rows = {0};
    struct history_op op = {.kind = HISTORY_READ};
    int64_t opened, last;
    char table[32];

    table_name(c, key, table);
    need(c, "read", mounted_read(c->dir, table, &rows, &opened));
    if (strcmp(c->dir, c->mnt) == 0)
        clientlog_begun(c->log, opened);
    op.values = rows.values;
    op.value_count = rows.count;
    op.amount = rows.amount;
    clientlog_op(c->log, &op, table);
    last = rows.count ? rows.values[rows.count - 1] : 0;
    *ret_amount = rows.amount;
    free(rows.values);
    return last;
}

static void read_any(struct client *c)
{
    int64_t amount;

    read_key(c, below(c, c->options->keys), &amount);
}

static void replace(struct client *c, size_t key, int64_t previous, int64_t amount)
{
    struct history_op op = {
        .kind = HISTORY_REPLACE, .value = new_value(c), .previous = previous, .amount = amount};
    char table[32];

    table_name(c, key, table);
    clientlog_op(c->log, &op, table);
    need(c, "replace", mounted_replace(c->dir, table, op.value, previous, amount));
}

/* --- work ------------------------------------------------------------------------------- */

static void work_on_lists(struct client *c)
{
    for (size_t n = 1 + below(c, 6); n > 0; n--) {
        if (one_in(c, 2))
            read_any(c);
        else
            append(c);
    }
}

static void read_all(struct client *c)
{
    int64_t amount;

    for (size_t key = 0; key < c->options->keys; key++)
        read_key(c, key, &amount);
}

static void transfer(struct client *c)
{
    size_t from = below(c, c->options->keys), to = below(c, c->options->keys - 1);
    int64_t amount = (int64_t)below(c, 20), from_amount, to_amount;
    int64_t from_row, to_row;

    to += to >= from;
    from_row = read_key(c, from, &from_amount);
    to_row = read_key(c, to, &to_amount);
    replace(c, from, from_row, from_amount - amount);
    if (one_in(c, 4))
        read_key(c, from, &from_amount);
    replace(c, to, to_row, to_amount + amount);
}

static void work_on_bank(struct client *c)
{
    if (one_in(c, 4))
        read_all(c);
    else
        transfer(c);
}

/* Who is alone on call stays; who is not may leave; who is off comes back. */
static void work_on_call(struct client *c)
{
    size_t me = below(c, 2);
    int64_t on, other_on, row = read_key(c, me, &on);

    read_key(c, 1 - me, &other_on);
    if (on && other_on)
        replace(c, me, row, 0);
    else if (!on)
        replace(c, me, row, 1);
}

static void work(struct client *c)
{
    if (c->options->workload == CLIENT_LISTS)
        work_on_lists(c);
    else if (c->options->workload == CLIENT_BANK)
        work_on_bank(c);
    else
        work_on_call(c);
}

/* --- the end of a transaction ----------------------------------------------------------- */

static void abort_it(struct client *c)
{
    need(c, "rmdir", mounted_abort(c->mnt, c->id));
    clientlog_outcome(c->log, HISTORY_ABORTED, mounted_now(), 0);
}

static void note_refused(struct client *c)
{
    clientlog_outcome(c->log, HISTORY_ABORTED, mounted_now(), 0);
    if (!may_conflict(c))
        break_off(c, "a commit that conflicts with nothing", -ECANCELED);
    if (one_in(c, 2))
        need(c, "rmdir of a failed transaction", mounted_abort(c->mnt, c->id));
}

static void commit_by_write(struct client *c)
{
    struct mounted_status status = {0};
    int64_t end;
    int r;

    clientlog_invoke(c->log, mounted_now());
    if (one_in(c, 20))
        die_within(c, 4000);
    r = mounted_commit(c->mnt, c->id);
    end = mounted_now();
    if (r == -ECANCELED) {
        note_refused(c);
        return;
    }
    need(c, "commit", r);
    if (one_in(c, 4)) {
        need(c, "status", mounted_status(c->mnt, c->id, &status));
        if (strcmp(status.state, "committed") != 0)
            break_off(c, "status after a commit", 0);
    }
    clientlog_outcome(c->log, HISTORY_OK, end, status.version);
}

/* What this process asks next already sees the commit, or why there is none. */
static void commit_by_close(struct client *c)
{
    struct mounted_status status;

    clientlog_invoke(c->log, mounted_now());
    if (one_in(c, 20))
        die_within(c, 4000);
    close(c->hold);
    need(c, "status", mounted_status(c->mnt, c->id, &status));
    if (strcmp(status.state, "committed") == 0)
        clientlog_outcome(c->log, HISTORY_OK, mounted_now(), status.version);
    else if (strcmp(status.state, "aborted") == 0)
        note_refused(c);
    else
        break_off(c, "status after the last close", 0);
}

static void end_as_holder(struct client *c)
{
    size_t way = below(c, 100);

    if (way < 45) {
        commit_by_close(c);
        return;
    }
    if (way < 65) {
        clientlog_invoke(c->log, mounted_now());
        _exit(0);
    }
    if (way < 82)
        _exit(1);
    kill(getpid(), SIGKILL);
    pause();
}

/* A shell closes a duplicate at once, and children close copies: neither is the last close. */
static void close_copies(struct client *c)
{
    pid_t child;

    close(dup(c->hold));
    child = fork();
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid(child, NULL, 0);
}

static void hold(struct client *c)
{
    c->hold = mounted_hold(c->mnt, c->id);
    need(c, "open of commit", c->hold);
    clientlog_held(c->log);
    if (one_in(c, 4))
        close_copies(c);
}

/* --- transactions ----------------------------------------------------------------------- */

static void begin_log(struct client *c, bool named)
{
    snprintf(c->id, sizeof c->id, "%c%d-%u", named ? CLIENT_NAMED : 'a', c->number, ++c->serial);
    if (named)
        snprintf(c->dir, sizeof c->dir, "%s/tx/%s", c->mnt, c->id);
    else
        snprintf(c->dir, sizeof c->dir, "%s", c->mnt);
    clientlog_begin(c->log, c->id, named ? c->options->isolation : HISTORY_SNAPSHOT, named,
                    mounted_now());
}

static void autocommit(struct client *c)
{
    begin_log(c, false);
    if (c->options->workload == CLIENT_LISTS && one_in(c, 2))
        append(c);
    else
        read_any(c);
    clientlog_outcome(c->log, HISTORY_OK, mounted_now(), 0);
}

static void begin(struct client *c)
{
    begin_log(c, true);
    need(c, "mkdir", mounted_begin(c->mnt, c->id));
    clientlog_begun(c->log, mounted_now());
    if (c->options->isolation == HISTORY_SERIALIZABLE)
        need(c, "isolation", mounted_set_serializable(c->mnt, c->id));
}

static void transaction(struct client *c)
{
    bool holds = one_in(c, 3), early = one_in(c, 2);

    begin(c);
    if (holds && early)
        hold(c);
    work(c);
    /* A holder's rmdir would leave its descriptor behind: it ends as a holder. */
    if (!holds && one_in(c, 10)) {
        abort_it(c);
        return;
    }
    if (holds && !early)
        hold(c);
    if (holds)
        end_as_holder(c);
    else
        commit_by_write(c);
}

static bool take_ticket(struct client *c)
{
    int64_t left = atomic_fetch_sub(&c->options->shared->tickets, 1);

    if (left <= 0 || mounted_now() > c->options->deadline)
        return false;
    if (c->options->workload == CLIENT_LISTS)
        c->generation = (c->options->transactions - left) / c->options->per_generation;
    return true;
}

static void open_log(struct client *c)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/client%d", c->options->logs, c->number);
    c->log = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (c->log < 0) {
        perror(path);
        _exit(CLIENT_EXIT_BROKEN);
    }
}

void client_run(const struct client_options *options, int number)
{
    struct client c = {.options = options, .number = number, .mnt = options->mounts[number % 2]};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    c.seed = options->seed * 1000003 + (uint64_t)number * 2 + 1;
    for (int i = 0; i < 8; i++)
        below(&c, 2); /* the first numbers of seeds that are alike are alike, too */
    open_log(&c);
    make_timer(&c);
    while (take_ticket(&c)) {
        if (one_in(&c, 50))
            die_within(&c, 20000);
        if (one_in(&c, 5))
            autocommit(&c);
        else
            transaction(&c);
    }
    _exit(0);
}
