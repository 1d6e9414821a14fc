/* SPDX-License-Identifier: MIT */
/* Histories in memory and as NDJSON. */
#include "tests/history/history.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/history/array.h"

static const char *const outcome_names[] = {"ok", "aborted", "unknown"};
static const char *const isolation_names[] = {"snapshot", "serializable"};
static const char *const kind_names[] = {"append", "replace", "read"};

void history_finish(struct history *history)
{
    for (size_t i = 0; i < history->txn_count; i++) {
        struct history_txn *txn = &history->txns[i];

        for (size_t j = 0; j < txn->op_count; j++)
            free(txn->ops[j].values);
        free(txn->ops);
    }
    free(history->txns);
    for (size_t i = 0; i < history->key_count; i++)
        free(history->keys[i]);
    free(history->keys);
    *history = (struct history){0};
}

size_t history_key(struct history *history, const char *name)
{
    /* From the end: the tables that are used together are made together. */
    for (size_t i = history->key_count; i-- > 0;)
        if (strcmp(history->keys[i], name) == 0)
            return i;
    *ARRAY_ADD(history->keys, history->key_count) = strdup(name);
    return history->key_count - 1;
}

struct history_txn *history_add(struct history *history, int client, const char *id, int64_t start)
{
    struct history_txn *txn = ARRAY_ADD(history->txns, history->txn_count);

    *txn = (struct history_txn){.client = client, .outcome = HISTORY_UNKNOWN, .start = start};
    snprintf(txn->id, sizeof txn->id, "%s", id);
    return txn;
}

void history_append(struct history_txn *txn, size_t key, int64_t value)
{
    *ARRAY_ADD(txn->ops, txn->op_count) =
        (struct history_op){.kind = HISTORY_APPEND, .key = key, .value = value};
}

void history_replace(struct history_txn *txn, size_t key, int64_t value, int64_t previous,
                     int64_t amount)
{
    *ARRAY_ADD(txn->ops, txn->op_count) = (struct history_op){.kind = HISTORY_REPLACE,
                                                              .key = key,
                                                              .value = value,
                                                              .previous = previous,
                                                              .amount = amount};
}

void history_read(struct history_txn *txn, size_t key, const int64_t *values, size_t count,
                  int64_t amount)
{
    int64_t *copy = array_new(count, sizeof *copy);

    if (count)
        memcpy(copy, values, count * sizeof *copy);
    *ARRAY_ADD(txn->ops, txn->op_count) = (struct history_op){
        .kind = HISTORY_READ, .key = key, .values = copy, .value_count = count, .amount = amount};
}

bool history_writes(const struct history_txn *txn)
{
    for (size_t i = 0; i < txn->op_count; i++)
        if (txn->ops[i].kind != HISTORY_READ)
            return true;
    return false;
}

/* --- as text ---------------------------------------------------------------------------- */

static int print_number(struct buf *buf, const char *name, int64_t number)
{
    return number ? buf_printf(buf, ",\"%s\":%" PRId64, name, number) : 0;
}

static int print_values(const struct history_op *op, struct buf *buf)
{
    int r = buf_printf(buf, ",\"values\":[");

    for (size_t i = 0; r >= 0 && i < op->value_count; i++)
        r = buf_printf(buf, "%s%" PRId64, i ? "," : "", op->values[i]);
    return r < 0 ? r : buf_printf(buf, "]");
}

int history_print_op(const struct history_op *op, const char *name, struct buf *buf)
{
    int r = buf_printf(buf, "{\"%s\":\"%s\"", kind_names[op->kind], name);

    if (r >= 0)
        r = op->kind == HISTORY_READ ? print_values(op, buf)
                                     : print_number(buf, "value", op->value);
    if (r >= 0)
        r = print_number(buf, "previous", op->previous);
    if (r >= 0)
        r = print_number(buf, "amount", op->amount);
    return r < 0 ? r : buf_printf(buf, "}");
}

static int print_head(const struct history_txn *txn, struct buf *buf)
{
    int r = buf_printf(buf, "{\"client\":%d,\"id\":\"%s\",\"isolation\":\"%s\",\"start\":%" PRId64,
                       txn->client, txn->id, isolation_names[txn->isolation], txn->start);

    if (r >= 0)
        r = print_number(buf, "begun", txn->begun);
    if (r >= 0)
        r = print_number(buf, "committing", txn->committing);
    if (r >= 0)
        r = print_number(buf, "end", txn->end);
    return r < 0 ? r : buf_printf(buf, ",\"outcome\":\"%s\"", outcome_names[txn->outcome]);
}

static int print_store(const struct history_txn *txn, struct buf *buf)
{
    int r = print_number(buf, "mount", txn->mount);

    if (r >= 0)
        r = print_number(buf, "version", txn->version);
    if (r >= 0)
        r = print_number(buf, "base", txn->base);
    if (r >= 0 && txn->logged != HISTORY_NOT_ASKED)
        r = buf_printf(buf, ",\"logged\":%s", txn->logged == HISTORY_LOGGED ? "true" : "false");
    if (r >= 0 && txn->final)
        r = buf_printf(buf, ",\"final\":true");
    return r;
}

static int print_txn(const struct history *history, const struct history_txn *txn, struct buf *buf)
{
    int r = print_head(txn, buf);

    if (r >= 0)
        r = print_store(txn, buf);
    if (r >= 0)
        r = buf_printf(buf, ",\"ops\":[");
    for (size_t i = 0; r >= 0 && i < txn->op_count; i++) {
        if (i)
            r = buf_printf(buf, ",");
        if (r >= 0)
            r = history_print_op(&txn->ops[i], history->keys[txn->ops[i].key], buf);
    }
    return r < 0 ? r : buf_printf(buf, "]}\n");
}

int history_save(const struct history *history, FILE *file)
{
    cleanup_buf struct buf buf = {0};

    for (size_t i = 0; i < history->txn_count; i++) {
        int r = print_txn(history, &history->txns[i], &buf);

        if (r < 0)
            return r;
        if (fwrite(buf.data, 1, buf.bytes, file) != buf.bytes)
            return -EIO;
        buf.bytes = 0;
    }
    return fflush(file) ? -EIO : 0;
}

/* --- from text -------------------------------------------------------------------------- */

static int64_t number_of(json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* The index of a member's text among `names`. Errors: -EINVAL. */
static int choice_of(json_t *object, const char *name, const char *const *names, size_t count)
{
    const char *text = json_string_value(json_object_get(object, name));

    for (size_t i = 0; text && i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return (int)i;
    return -EINVAL;
}

static int parse_read(struct history_txn *txn, size_t key, json_t *object, struct err *err)
{
    json_t *array = json_object_get(object, "values");
    size_t count = json_array_size(array);
    cleanup_free int64_t *values = array_new(count, sizeof *values);

    if (!json_is_array(array))
        return err_set(err, -EINVAL, "a read has no values");
    for (size_t i = 0; i < count; i++) {
        values[i] = json_integer_value(json_array_get(array, i));
        if (values[i] <= 0)
            return err_set(err, -EINVAL, "a value is not a positive integer");
    }
    history_read(txn, key, values, count, number_of(object, "amount"));
    return 0;
}

int history_parse_op(struct history *history, struct history_txn *txn, json_t *object,
                     struct err *err)
{
    size_t kind = 0;
    int64_t value = number_of(object, "value");
    const char *name = NULL;

    for (; kind < ARRAY_COUNT(kind_names) && !name; kind++)
        name = json_string_value(json_object_get(object, kind_names[kind]));
    if (!name)
        return err_set(err, -EINVAL, "not an operation");
    if (kind - 1 == HISTORY_READ)
        return parse_read(txn, history_key(history, name), object, err);
    if (value <= 0)
        return err_set(err, -EINVAL, "a write has no value");
    if (kind - 1 == HISTORY_APPEND)
        history_append(txn, history_key(history, name), value);
    else
        history_replace(txn, history_key(history, name), value, number_of(object, "previous"),
                        number_of(object, "amount"));
    return 0;
}

static int check_times(const struct history_txn *txn, struct err *err)
{
    int64_t times[] = {txn->start, txn->begun, txn->committing, txn->end}, last = 1;

    if (!txn->start)
        return err_set(err, -EINVAL, "a transaction has no start");
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        if (times[i] && times[i] < last)
            return err_set(err, -EINVAL, "the times of a transaction run backwards");
        last = times[i] ? times[i] : last;
    }
    return 0;
}

static void parse_store(struct history_txn *txn, json_t *object)
{
    json_t *logged = json_object_get(object, "logged");

    txn->mount = (int)number_of(object, "mount");
    txn->version = number_of(object, "version");
    txn->base = number_of(object, "base");
    txn->final = json_is_true(json_object_get(object, "final"));
    if (logged)
        txn->logged = json_is_true(logged) ? HISTORY_LOGGED : HISTORY_NOT_LOGGED;
}

static int parse_txn(struct history *history, json_t *object, struct err *err)
{
    const char *id = json_string_value(json_object_get(object, "id"));
    int isolation = choice_of(object, "isolation", isolation_names, ARRAY_COUNT(isolation_names));
    int outcome = choice_of(object, "outcome", outcome_names, ARRAY_COUNT(outcome_names));
    json_t *ops = json_object_get(object, "ops"), *op;
    struct history_txn *txn;
    size_t i;

    if (!id || isolation < 0 || outcome < 0 || !json_is_array(ops))
        return err_set(err, -EINVAL, "not a transaction");
    txn = history_add(history, (int)number_of(object, "client"), id, number_of(object, "start"));
    txn->isolation = (enum history_isolation)isolation;
    txn->outcome = (enum history_outcome)outcome;
    txn->begun = number_of(object, "begun");
    txn->committing = number_of(object, "committing");
    txn->end = number_of(object, "end");
    parse_store(txn, object);
    json_array_foreach (ops, i, op) {
        int r = history_parse_op(history, txn, op, err);

        if (r < 0)
            return r;
    }
    return check_times(txn, err);
}

static int parse_line(struct history *history, const char *line, size_t bytes, struct err *err)
{
    json_error_t error;
    json_t *object = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &error);
    int r;

    if (!object)
        return err_set(err, -EINVAL, "%s", error.text);
    r = parse_txn(history, object, err);
    json_decref(object);
    return r;
}

int history_load(struct history *history, FILE *file, struct err *err)
{
    cleanup_free char *line = NULL;
    size_t capacity = 0;
    ssize_t bytes;

    for (uint64_t n = 1; (bytes = getline(&line, &capacity, file)) > 0; n++) {
        int r = parse_line(history, line, (size_t)bytes, err);

        if (r < 0) {
            err->line = n;
            return err_prefix(err, r, "line %" PRIu64, n);
        }
    }
    return ferror(file) ? err_set(err, -EIO, "cannot read the history") : 0;
}
