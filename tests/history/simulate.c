/* SPDX-License-Identifier: MIT */
/* A database in memory, and clients that take turns at random. */
#include "tests/history/simulate.h"

#include <stdlib.h>
#include <string.h>

#include "tests/history/array.h"

struct row {
    int64_t value, amount, version;
};

/* A list shows all its rows up to a version, a register the last of them. */
struct table {
    struct row *rows;
    size_t count;
};

enum phase { PHASE_IDLE, PHASE_BEGIN, PHASE_WORK, PHASE_COMMIT, PHASE_APPLY, PHASE_ANSWER };

struct client {
    enum phase phase;
    size_t txn; /* in the history */
    size_t steps_left;
    int64_t base, version;
    bool refused;
};

struct sim {
    const struct simulate_options *options;
    struct history *history;
    struct table *tables;
    size_t table_count;
    struct client *clients;
    uint64_t seed;
    int64_t now, head, last_value;
    size_t begun;
};

size_t simulate_random(uint64_t *state, size_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return below ? (size_t)(*state * UINT64_C(0x2545f4914f6cdd1d) >> 20) % below : 0;
}

static bool chance(struct sim *s, size_t one_in)
{
    return simulate_random(&s->seed, one_in) == 0;
}

static bool fails(struct sim *s, enum simulate_fault fault, size_t one_in)
{
    return s->options->fault == fault && chance(s, one_in);
}

static struct history_txn *txn_of(const struct sim *s, const struct client *client)
{
    return &s->history->txns[client->txn];
}

/* --- tables ----------------------------------------------------------------------------- */

static size_t rows_at(const struct table *table, int64_t version)
{
    size_t count = table->count;

    while (count && table->rows[count - 1].version > version)
        count--;
    return count;
}

static int64_t shown_version(const struct sim *s, const struct client *client, size_t key)
{
    if (s->options->fault == SIMULATE_READ_COMMITTED)
        return s->head;
    if (s->options->fault == SIMULATE_LAGGING_KEYS && key % 2)
        return client->base - 4;
    return client->base;
}

/* What the transaction has written last to the key; NULL: nothing. */
static const struct history_op *own_write(const struct history_txn *txn, size_t key)
{
    for (size_t i = txn->op_count; i-- > 0;)
        if (txn->ops[i].kind != HISTORY_READ && txn->ops[i].key == key)
            return &txn->ops[i];
    return NULL;
}

static void read_list(struct sim *s, const struct client *client, size_t key)
{
    struct history_txn *txn = txn_of(s, client);
    const struct table *table = &s->tables[key];
    size_t count = rows_at(table, shown_version(s, client, key));
    int64_t *values = array_new(count + txn->op_count, sizeof *values);

    for (size_t i = 0; i < count; i++)
        values[i] = table->rows[i].value;
    for (size_t i = 0; i < txn->op_count; i++)
        if (txn->ops[i].kind == HISTORY_APPEND && txn->ops[i].key == key)
            values[count++] = txn->ops[i].value;
    history_read(txn, key, values, count, 0);
    free(values);
}

static struct row read_row(struct sim *s, const struct client *client, size_t key)
{
    struct history_txn *txn = txn_of(s, client);
    const struct history_op *own = own_write(txn, key);
    size_t count = rows_at(&s->tables[key], shown_version(s, client, key));
    struct row row = {0};

    if (own)
        row = (struct row){.value = own->value, .amount = own->amount};
    else if (count)
        row = s->tables[key].rows[count - 1];
    history_read(txn, key, &row.value, row.value != 0, row.amount);
    return row;
}

static void replace_row(struct sim *s, const struct client *client, size_t key, struct row row,
                        int64_t amount)
{
    history_replace(txn_of(s, client), key, ++s->last_value, row.value, amount);
}

/* --- commit ----------------------------------------------------------------------------- */

static bool has_changed(const struct sim *s, const struct client *client, size_t key)
{
    const struct table *table = &s->tables[key];

    return table->count && table->rows[table->count - 1].version > client->base;
}

/* First committer wins; serializable: and nothing that was read has changed. */
static bool may_commit(const struct sim *s, const struct client *client)
{
    const struct history_txn *txn = txn_of(s, client);
    bool validates = txn->isolation == HISTORY_SERIALIZABLE &&
                     s->options->fault != SIMULATE_NO_VALIDATION && history_writes(txn);

    for (size_t i = 0; i < txn->op_count; i++) {
        const struct history_op *op = &txn->ops[i];
        bool checked = op->kind == HISTORY_READ ? validates
                                                : op->kind == HISTORY_REPLACE &&
                                                      s->options->fault != SIMULATE_NO_CONFLICT;

        if (checked && has_changed(s, client, op->key))
            return false;
    }
    return true;
}

static void apply_op(struct sim *s, const struct history_op *op)
{
    struct table *table = &s->tables[op->key];

    *ARRAY_ADD(table->rows, table->count) =
        (struct row){.value = op->value, .amount = op->amount, .version = s->head};
}

/* Writes from operation `first` on; a torn commit comes back for the rest. */
static bool apply(struct sim *s, struct client *client, size_t *first)
{
    const struct history_txn *txn = txn_of(s, client);
    size_t key = SIZE_MAX;

    s->head++;
    client->version = s->head;
    for (size_t i = *first; i < txn->op_count; i++) {
        if (txn->ops[i].kind == HISTORY_READ)
            continue;
        if (s->options->fault == SIMULATE_TORN_COMMIT && key != SIZE_MAX &&
            key != txn->ops[i].key) {
            *first = i;
            return false;
        }
        key = txn->ops[i].key;
        apply_op(s, &txn->ops[i]);
    }
    return true;
}

static void apply_wrongly(struct sim *s, struct client *client)
{
    size_t first = 0;

    if (fails(s, SIMULATE_LOST_COMMIT, 100))
        return;
    apply(s, client, &first);
    first = 0;
    if (fails(s, SIMULATE_DOUBLE_COMMIT, 100))
        apply(s, client, &first);
}

/* --- what a client does ----------------------------------------------------------------- */

static size_t random_key(struct sim *s)
{
    size_t generation = s->options->per_generation ? s->begun / s->options->per_generation : 0;
    size_t key = generation * s->options->keys + simulate_random(&s->seed, s->options->keys);

    return key < s->table_count ? key : s->table_count - 1;
}

static void work_on_lists(struct sim *s, struct client *client)
{
    size_t key = random_key(s);

    if (chance(s, 2))
        read_list(s, client, key);
    else
        history_append(txn_of(s, client), key, ++s->last_value);
}

static void work_on_bank(struct sim *s, struct client *client)
{
    size_t from = random_key(s), to = random_key(s);
    int64_t amount = (int64_t)simulate_random(&s->seed, 20);
    struct row row;

    client->steps_left = 1;
    if (from == to) {
        for (size_t k = 0; k < s->table_count; k++)
            read_row(s, client, k);
        return;
    }
    row = read_row(s, client, from);
    replace_row(s, client, from, row, row.amount - amount);
    row = read_row(s, client, to);
    replace_row(s, client, to, row, row.amount + amount);
}

/* Who is alone on call stays; who is not may leave. */
static void work_on_call(struct sim *s, struct client *client)
{
    size_t me = simulate_random(&s->seed, 2);
    struct row mine, other;

    client->steps_left = 1;
    mine = read_row(s, client, me);
    other = read_row(s, client, 1 - me);
    if (mine.amount && other.amount)
        replace_row(s, client, me, mine, 0);
    else if (!mine.amount)
        replace_row(s, client, me, mine, 1);
}

static void work(struct sim *s, struct client *client)
{
    if (s->options->workload == SIMULATE_LISTS)
        work_on_lists(s, client);
    else if (s->options->workload == SIMULATE_BANK)
        work_on_bank(s, client);
    else
        work_on_call(s, client);
    if (--client->steps_left == 0)
        client->phase = PHASE_COMMIT;
}

static void begin(struct sim *s, struct client *client)
{
    char id[HISTORY_ID_BYTES];
    struct history_txn *txn;

    snprintf(id, sizeof id, "t%zu", ++s->begun);
    txn = history_add(s->history, (int)(client - s->clients) + 1, id, s->now);
    txn->isolation = s->options->isolation;
    *client = (struct client){.phase = PHASE_BEGIN,
                              .txn = s->history->txn_count - 1,
                              .steps_left = 1 + simulate_random(&s->seed, 6)};
}

static void take_snapshot(struct sim *s, struct client *client)
{
    client->base = s->head;
    if (fails(s, SIMULATE_STALE_SNAPSHOT, 20))
        client->base -= 5;
    txn_of(s, client)->begun = s->now;
    if (s->options->numbered)
        txn_of(s, client)->base = client->base;
    client->phase = PHASE_WORK;
}

static void end(struct sim *s, struct client *client, enum history_outcome outcome)
{
    struct history_txn *txn = txn_of(s, client);

    txn->outcome = outcome;
    if (outcome != HISTORY_UNKNOWN)
        txn->end = s->now;
    if (outcome == HISTORY_OK && s->options->numbered)
        txn->version = client->version;
    if (s->options->numbered && history_writes(txn))
        txn->logged = client->version ? HISTORY_LOGGED : HISTORY_NOT_LOGGED;
    client->phase = PHASE_IDLE;
}

static void commit(struct sim *s, struct client *client)
{
    size_t first = 0;

    client->refused = !may_commit(s, client);
    client->phase = PHASE_ANSWER;
    if (client->refused)
        return;
    if (s->options->fault == SIMULATE_TORN_COMMIT)
        client->phase = apply(s, client, &first) ? PHASE_ANSWER : PHASE_APPLY;
    else if (history_writes(txn_of(s, client)))
        apply_wrongly(s, client);
}

/* The second half of a torn commit: all but its first table. */
static void commit_rest(struct sim *s, struct client *client)
{
    const struct history_txn *txn = txn_of(s, client);
    size_t first = 0, key;

    while (txn->ops[first].kind == HISTORY_READ)
        first++;
    key = txn->ops[first].key;
    while (txn->ops[first].kind == HISTORY_READ || txn->ops[first].key == key)
        first++;
    while (!apply(s, client, &first))
        continue;
    client->phase = PHASE_ANSWER;
}

static void apply_half(struct sim *s, struct client *client)
{
    const struct history_txn *txn = txn_of(s, client);

    client->version = ++s->head;
    for (size_t i = 0; i < txn->op_count; i++) {
        if (txn->ops[i].kind == HISTORY_READ)
            continue;
        apply_op(s, &txn->ops[i]);
        return;
    }
}

/* A client that dies, before it asked to commit or before it had the answer. */
static void die(struct sim *s, struct client *client)
{
    if (client->phase < PHASE_APPLY) {
        bool asked = client->phase == PHASE_COMMIT && chance(s, 2);

        txn_of(s, client)->committing = asked ? s->now : 0;
        if (asked && s->options->fault == SIMULATE_HALF_COMMIT)
            apply_half(s, client);
        end(s, client, asked ? HISTORY_UNKNOWN : HISTORY_ABORTED);
        return;
    }
    end(s, client, HISTORY_UNKNOWN);
}

static void abort_it(struct sim *s, struct client *client)
{
    size_t first = 0;

    if (fails(s, SIMULATE_ABORTED_COMMIT, 20))
        apply(s, client, &first);
    client->version = 0;
    end(s, client, HISTORY_ABORTED);
}

static void take_turn(struct sim *s, struct client *client)
{
    s->now += 1 + (int64_t)simulate_random(&s->seed, 3);
    if (client->phase == PHASE_IDLE)
        begin(s, client);
    else if (client->phase != PHASE_APPLY && chance(s, 150))
        die(s, client);
    else if (client->phase == PHASE_BEGIN)
        take_snapshot(s, client);
    else if (client->phase == PHASE_WORK && chance(s, 60))
        abort_it(s, client);
    else if (client->phase == PHASE_WORK)
        work(s, client);
    else if (client->phase == PHASE_COMMIT) {
        txn_of(s, client)->committing = s->now++;
        commit(s, client);
    } else if (client->phase == PHASE_APPLY)
        commit_rest(s, client);
    else
        end(s, client, client->refused ? HISTORY_ABORTED : HISTORY_OK);
}

/* --- the run ---------------------------------------------------------------------------- */

static int64_t first_amount(const struct sim *s)
{
    return s->options->workload == SIMULATE_BANK ? SIMULATE_BALANCE : 1;
}

static void make_tables(struct sim *s)
{
    const struct simulate_options *options = s->options;
    size_t generations =
        options->per_generation ? options->transactions / options->per_generation + 1 : 1;
    struct client setup = {.phase = PHASE_WORK};
    size_t first = 0;
    char name[32];

    s->table_count = options->keys * generations;
    s->tables = array_new(s->table_count, sizeof *s->tables);
    for (size_t k = 0; k < s->table_count; k++) {
        snprintf(name, sizeof name, "k%zu", k);
        history_key(s->history, name);
    }
    if (options->workload == SIMULATE_LISTS)
        return;
    setup.txn = s->history->txn_count;
    history_add(s->history, 0, "setup", ++s->now);
    for (size_t k = 0; k < s->table_count; k++)
        replace_row(s, &setup, k, (struct row){0}, first_amount(s));
    apply(s, &setup, &first);
    if (options->fault == SIMULATE_TORN_COMMIT)
        while (!apply(s, &setup, &first))
            continue;
    s->now++;
    end(s, &setup, HISTORY_OK);
}

static void read_everything(struct sim *s)
{
    struct client reader = {.phase = PHASE_WORK, .txn = s->history->txn_count};
    struct history_txn *txn = history_add(s->history, 0, "final", ++s->now);

    txn->final = true;
    reader.base = INT64_MAX;
    for (size_t k = 0; k < s->table_count; k++) {
        if (s->options->workload == SIMULATE_LISTS)
            read_list(s, &reader, k);
        else
            read_row(s, &reader, k);
    }
    s->now++;
    end(s, &reader, HISTORY_OK);
}

static bool is_busy(const struct sim *s)
{
    for (size_t i = 0; i < s->options->clients; i++)
        if (s->clients[i].phase != PHASE_IDLE)
            return true;
    return false;
}

void simulate(const struct simulate_options *options, struct history *ret_history)
{
    struct sim s = {.options = options, .history = ret_history, .seed = options->seed};

    s.clients = array_new(options->clients, sizeof *s.clients);
    make_tables(&s);
    while (s.begun < options->transactions || is_busy(&s)) {
        struct client *client = &s.clients[simulate_random(&s.seed, options->clients)];

        if (client->phase != PHASE_IDLE || s.begun < options->transactions)
            take_turn(&s, client);
    }
    read_everything(&s);
    for (size_t k = 0; k < s.table_count; k++)
        free(s.tables[k].rows);
    free(s.tables);
    free(s.clients);
}
