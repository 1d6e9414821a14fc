/* SPDX-License-Identifier: MIT */
/*
 * Runs random transactions on two mounts of one store, and checks the history.
 *
 *     history-run lists|bank|oncall [OPTIONS] MNT MNT
 *     history-run skew [-i ISOLATION] MNT MNT
 *     history-run check [-b TOTAL] [-o] [-l] FILE
 *
 * The store is a new one for each of lists, bank and oncall: their tables and
 * transactions have the same names every time. Both MNT may be the same.
 *
 *     -i snapshot|serializable   snapshot unless given
 *     -c CLIENTS                 at a time; 8
 *     -n TRANSACTIONS            1500
 *     -t SECONDS                 after which no transaction begins; 20
 *     -k KEYS                    tables that are used together; 8, accounts 6
 *     -s SEED                    of the time unless given, and printed
 *     -d DIRECTORY               for the clients' logs and history.ndjson; a new one in /tmp
 *     -l                         a mount may lag behind what another shows (check.h)
 *     -b TOTAL, -o               the history is of a bank, or about who is on call
 *
 * Exit status: 0, nothing is wrong; 1, something is; 2, it could not be tried.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/history/array.h"
#include "tests/history/check.h"
#include "tests/history/mounted.h"
#include "tests/history/settle.h"
#include "tests/history/skew.h"

struct client_slot {
    pid_t pid; /* 0: none */
    int number;
};

struct run {
    struct client_options options;
    size_t client_count;
    int seconds;
    struct client_slot *slots;
    int last_number;
    struct history history;
    struct report report;
    size_t killed, failed, exited; /* clients that ended in a transaction */
    bool broken, mounts_may_lag;
};

static const char *const workload_names[] = {"lists", "bank", "oncall"};

/* --- clients ---------------------------------------------------------------------------- */

static void start_client(struct run *run, struct client_slot *slot)
{
    slot->number = ++run->last_number;
    fflush(stdout);
    slot->pid = fork();
    if (slot->pid == 0)
        client_run(&run->options, slot->number);
    if (slot->pid < 0) {
        perror("fork");
        exit(2);
    }
}

static bool may_start(const struct run *run)
{
    return !run->broken && atomic_load(&run->options.shared->tickets) > 0 &&
           mounted_now() < run->options.deadline;
}

static void complain(struct run *run, const char *text)
{
    printf("# %s\n", text);
    run->broken = true;
}

static int load_log(struct run *run, int number, struct clientlog_end *ret_end, struct err *err)
{
    char path[PATH_MAX];
    FILE *file;
    int r;

    snprintf(path, sizeof path, "%s/client%d", run->options.logs, number);
    file = fopen(path, "r");
    if (!file)
        return err_set(err, -errno, "cannot open %s", path);
    r = clientlog_load(file, number, &run->history, ret_end, err);
    fclose(file);
    return r;
}

static void count_end(struct run *run, int status, const struct clientlog_end *end)
{
    if (end->txn == SIZE_MAX)
        return;
    if (WIFSIGNALED(status))
        run->killed++;
    else if (WEXITSTATUS(status))
        run->failed++;
    else
        run->exited++;
}

static void finish_client(struct run *run, const struct client_slot *slot, int status)
{
    struct err err = ERR_INIT;
    struct clientlog_end end;
    size_t first = run->history.txn_count;
    int r = load_log(run, slot->number, &end, &err);

    for (size_t t = first; t < run->history.txn_count; t++)
        run->history.txns[t].mount = slot->number % 2;
    if (r == 0 && end.broken[0])
        r = err_set(&err, -EIO, "%s", end.broken);
    if (r == 0 && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        r = err_set(&err, -EIO, "client %d: %s", slot->number, strsignal(WTERMSIG(status)));
    if (r == 0)
        r = settle_last(&run->options, slot->number, status, &end, &run->history, &err);
    if (r < 0)
        complain(run, err.text);
    count_end(run, status, &end);
}

static struct client_slot *slot_of(struct run *run, pid_t pid)
{
    for (size_t i = 0; i < run->client_count; i++)
        if (run->slots[i].pid == pid)
            return &run->slots[i];
    return NULL;
}

static void run_clients(struct run *run)
{
    int status;
    pid_t pid;

    for (size_t i = 0; i < run->client_count; i++)
        start_client(run, &run->slots[i]);
    while ((pid = wait(&status)) > 0) {
        struct client_slot *slot = slot_of(run, pid);

        if (!slot)
            continue;
        slot->pid = 0;
        finish_client(run, slot, status);
        if (may_start(run))
            start_client(run, slot);
    }
}

/* --- the end ---------------------------------------------------------------------------- */

static size_t count_outcomes(const struct history *history, enum history_outcome outcome)
{
    size_t count = 0;

    for (size_t t = 0; t < history->txn_count; t++)
        count += history->txns[t].outcome == outcome;
    return count;
}

static size_t count_found(const struct history *history)
{
    size_t count = 0;

    for (size_t t = 0; t < history->txn_count; t++)
        count += history->txns[t].outcome == HISTORY_UNKNOWN &&
                 history->txns[t].logged == HISTORY_LOGGED;
    return count;
}

static void print_summary(const struct run *run)
{
    const struct history *history = &run->history;

    printf("# %zu transactions of %d clients: %zu committed, %zu aborted, %zu without an answer "
           "(%zu of them in the log)\n",
           history->txn_count, run->last_number, count_outcomes(history, HISTORY_OK),
           count_outcomes(history, HISTORY_ABORTED), count_outcomes(history, HISTORY_UNKNOWN),
           count_found(history));
    printf("# inside of a transaction %zu clients were killed, %zu failed, %zu exited\n",
           run->killed, run->failed, run->exited);
    if (run->options.workload == CLIENT_ON_CALL)
        printf("# %zu transactions found nobody on call\n", check_nobody_on_call(history));
}

static void save(const struct run *run)
{
    char path[PATH_MAX];
    FILE *file;

    snprintf(path, sizeof path, "%s/history.ndjson", run->options.logs);
    file = fopen(path, "w");
    if (!file || history_save(&run->history, file) < 0)
        perror(path);
    else
        printf("# the history is in %s\n", path);
    if (file)
        fclose(file);
}

/* A run in which hardly anything commits would pass whatever is broken. */
static void check_yield(struct run *run)
{
    if (count_outcomes(&run->history, HISTORY_OK) * 10 < run->history.txn_count)
        complain(run, "hardly any transaction has committed");
    if (run->history.txn_count >= 1000 && (!run->killed || !run->failed || !run->exited))
        complain(run, "no client ended inside of a transaction");
}

static void check_run(struct run *run)
{
    const struct client_options *options = &run->options;
    struct check_rules rules = {
        .total = options->workload == CLIENT_BANK ? CLIENT_BALANCE * (int64_t)options->keys : 0,
        .on_call =
            options->workload == CLIENT_ON_CALL && options->isolation == HISTORY_SERIALIZABLE,
        .mounts_may_lag = run->mounts_may_lag,
    };
    struct err err = ERR_INIT;

    if (settle_final(options, &run->history, &run->report, &err) < 0 ||
        check_history(&run->history, &rules, &run->report, &err) < 0)
        complain(run, err.text);
}

static int run_workload(struct run *run)
{
    struct err err = ERR_INIT;

    printf("# %s, %s, seed %" PRIu64 "\n", workload_names[run->options.workload],
           run->options.isolation == HISTORY_SERIALIZABLE ? "serializable" : "snapshot",
           run->options.seed);
    if (settle_setup(&run->options, &run->history, &err) < 0) {
        printf("# %s\n", err.text);
        return 2;
    }
    run->options.deadline = mounted_now() + (int64_t)run->seconds * 1000000000;
    run_clients(run);
    check_run(run);
    check_yield(run);
    report_print(&run->report, "# ", stdout);
    print_summary(run);
    if (run->broken || !report_is_empty(&run->report))
        save(run);
    return run->broken || !report_is_empty(&run->report);
}

/* --- arguments -------------------------------------------------------------------------- */

static int usage(void)
{
    fprintf(stderr, "usage: history-run lists|bank|oncall|skew [-i snapshot|serializable]\n"
                    "           [-c clients] [-n transactions] [-t seconds] [-k keys] [-s seed]\n"
                    "           [-d directory] [-l] MNT MNT\n"
                    "       history-run check [-b total] [-o] [-l] FILE\n");
    return 2;
}

static int check_file(const char *path, const struct check_rules *rules)
{
    struct history history = {0};
    struct report report = {0};
    struct err err = ERR_INIT;
    FILE *file = fopen(path, "r");
    int r;

    if (!file) {
        perror(path);
        return 2;
    }
    r = history_load(&history, file, &err);
    fclose(file);
    if (r == 0)
        r = check_history(&history, rules, &report, &err);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", path, err.text);
    report_print(&report, "", stdout);
    r = r < 0 ? 2 : !report_is_empty(&report);
    report_finish(&report);
    history_finish(&history);
    return r;
}

static bool take_option(struct run *run, struct check_rules *rules, int option)
{
    if (option == 'i')
        run->options.isolation =
            strcmp(optarg, "serializable") == 0 ? HISTORY_SERIALIZABLE : HISTORY_SNAPSHOT;
    else if (option == 'c')
        run->client_count = (size_t)atoi(optarg);
    else if (option == 'n')
        run->options.transactions = atoll(optarg);
    else if (option == 't')
        run->seconds = atoi(optarg);
    else if (option == 'k')
        run->options.keys = (size_t)atoi(optarg);
    else if (option == 's')
        run->options.seed = strtoull(optarg, NULL, 10);
    else if (option == 'd')
        run->options.logs = optarg;
    else if (option == 'b')
        rules->total = atoll(optarg);
    else if (option == 'o')
        rules->on_call = true;
    else if (option == 'l')
        run->mounts_may_lag = rules->mounts_may_lag = true;
    else
        return false;
    return true;
}

static bool take_workload(struct run *run, const char *name)
{
    static const size_t keys[] = {8, 6, 2};

    for (size_t i = 0; i < ARRAY_COUNT(workload_names); i++) {
        if (strcmp(name, workload_names[i]) != 0)
            continue;
        run->options.workload = (enum client_workload)i;
        if (!run->options.keys || i == CLIENT_ON_CALL)
            run->options.keys = keys[i];
        return true;
    }
    return false;
}

static int prepare(struct run *run)
{
    static char directory[] = "/tmp/history-XXXXXX";

    if (!run->options.logs)
        run->options.logs = mkdtemp(directory);
    run->slots = array_new(run->client_count, sizeof *run->slots);
    run->options.shared = mmap(NULL, sizeof *run->options.shared, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->options.shared == MAP_FAILED || !run->options.logs) {
        perror("history-run");
        return 2;
    }
    atomic_init(&run->options.shared->tickets, run->options.transactions);
    atomic_init(&run->options.shared->last_value, 0);
    /* Whatever hangs: the clients die with this process. */
    alarm((unsigned)run->seconds + 60);
    return 0;
}

int main(int argc, char **argv)
{
    struct run run = {.client_count = 8, .seconds = 20};
    struct check_rules rules = {0};
    int option, r;

    run.options.transactions = 1500;
    run.options.per_generation = 150;
    run.options.seed = (uint64_t)time(NULL);
    while ((option = getopt(argc - (argc > 1), argv + (argc > 1), "i:c:n:t:k:s:d:b:ol")) != -1)
        if (!take_option(&run, &rules, option))
            return usage();
    optind += argc > 1; /* the options stand behind the first word */
    if (argc - optind == 1 && strcmp(argv[1], "check") == 0)
        return check_file(argv[optind], &rules);
    if (argc - optind != 2 || run.client_count < 1 || run.options.transactions < 1)
        return usage();
    run.options.mounts[0] = argv[optind];
    run.options.mounts[1] = argv[optind + 1];
    if (strcmp(argv[1], "skew") == 0)
        return skew_run(run.options.mounts, run.options.isolation) > 0;
    if (!take_workload(&run, argv[1]))
        return usage();
    if (prepare(&run))
        return 2;
    r = run_workload(&run);
    free(run.slots);
    report_finish(&run.report);
    history_finish(&run.history);
    return r;
}
