/* SPDX-License-Identifier: MIT */
/* The lines that a client writes down. */
#include "tests/history/clientlog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"

static void write_line(int fd, struct buf *line)
{
    if (buf_append(line, "\n", 1) < 0 ||
        write(fd, line->data, line->bytes) != (ssize_t)line->bytes) {
        perror("a client's log");
        _exit(3);
    }
    buf_finish(line);
}

void clientlog_begin(int fd, const char *id, enum history_isolation isolation, bool named,
                     int64_t start)
{
    struct buf line = {0};

    buf_printf(&line, "{\"begin\":\"%s\",\"isolation\":\"%s\",\"start\":%" PRId64 ",\"named\":%s}",
               id, isolation == HISTORY_SERIALIZABLE ? "serializable" : "snapshot", start,
               named ? "true" : "false");
    write_line(fd, &line);
}

void clientlog_begun(int fd, int64_t at)
{
    struct buf line = {0};

    buf_printf(&line, "{\"begun\":%" PRId64 "}", at);
    write_line(fd, &line);
}

void clientlog_held(int fd)
{
    struct buf line = {0};

    buf_printf(&line, "{\"held\":true}");
    write_line(fd, &line);
}

void clientlog_op(int fd, const struct history_op *op, const char *key)
{
    struct buf line = {0};

    buf_printf(&line, "{\"op\":");
    history_print_op(op, key, &line);
    buf_printf(&line, "}");
    write_line(fd, &line);
}

void clientlog_invoke(int fd, int64_t at)
{
    struct buf line = {0};

    buf_printf(&line, "{\"invoke\":%" PRId64 "}", at);
    write_line(fd, &line);
}

void clientlog_outcome(int fd, enum history_outcome outcome, int64_t end, int64_t version)
{
    struct buf line = {0};

    buf_printf(&line, "{\"outcome\":\"%s\",\"end\":%" PRId64,
               outcome == HISTORY_OK ? "ok" : "aborted", end);
    if (version)
        buf_printf(&line, ",\"version\":%" PRId64, version);
    buf_printf(&line, "}");
    write_line(fd, &line);
}

void clientlog_broken(int fd, const char *what, const char *error)
{
    struct buf line = {0};

    buf_printf(&line, "{\"broken\":\"%s: %s\"}", what, error);
    write_line(fd, &line);
}

/* --- reading ---------------------------------------------------------------------------- */

struct reader {
    struct history *history;
    struct clientlog_end *end;
    int client;
};

static const char *text_of(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static int64_t number_of(json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void take_begin(struct reader *reader, json_t *line)
{
    struct history_txn *txn = history_add(reader->history, reader->client, text_of(line, "begin"),
                                          number_of(line, "start"));
    const char *isolation = text_of(line, "isolation");

    if (isolation && strcmp(isolation, "serializable") == 0)
        txn->isolation = HISTORY_SERIALIZABLE;
    *reader->end = (struct clientlog_end){.txn = reader->history->txn_count - 1,
                                          .named = json_is_true(json_object_get(line, "named"))};
}

static void take_outcome(struct reader *reader, struct history_txn *txn, json_t *line)
{
    txn->outcome = strcmp(text_of(line, "outcome"), "ok") == 0 ? HISTORY_OK : HISTORY_ABORTED;
    txn->end = number_of(line, "end");
    txn->version = number_of(line, "version");
    reader->end->txn = SIZE_MAX;
}

static int take_step(struct reader *reader, json_t *line, struct err *err)
{
    struct history_txn *txn = &reader->history->txns[reader->end->txn];

    if (json_object_get(line, "op"))
        return history_parse_op(reader->history, txn, json_object_get(line, "op"), err);
    if (json_object_get(line, "begun"))
        txn->begun = number_of(line, "begun");
    else if (json_object_get(line, "held"))
        reader->end->held = true;
    else if (json_object_get(line, "invoke")) {
        txn->committing = number_of(line, "invoke");
        reader->end->invoked = true;
    } else if (text_of(line, "outcome"))
        take_outcome(reader, txn, line);
    else
        return err_set(err, -EINVAL, "not a step");
    return 0;
}

static int take_line(struct reader *reader, json_t *line, struct err *err)
{
    if (text_of(line, "broken")) {
        snprintf(reader->end->broken, sizeof reader->end->broken, "%s", text_of(line, "broken"));
        return 0;
    }
    if (text_of(line, "begin")) {
        take_begin(reader, line);
        return 0;
    }
    if (reader->end->txn == SIZE_MAX)
        return err_set(err, -EINVAL, "a step outside of a transaction");
    return take_step(reader, line, err);
}

int clientlog_load(FILE *file, int client, struct history *history, struct clientlog_end *ret_end,
                   struct err *err)
{
    struct reader reader = {.history = history, .end = ret_end, .client = client};
    cleanup_free char *text = NULL;
    size_t capacity = 0;
    ssize_t bytes;

    *ret_end = (struct clientlog_end){.txn = SIZE_MAX};
    while ((bytes = getline(&text, &capacity, file)) > 0 && text[bytes - 1] == '\n') {
        json_t *line = json_loadb(text, (size_t)bytes, 0, NULL);
        int r = line ? take_line(&reader, line, err) : err_set(err, -EINVAL, "not JSON");

        json_decref(line);
        if (r < 0)
            return err_prefix(err, r, "log of client %d", client);
    }
    return ferror(file) ? err_set(err, -EIO, "cannot read the log of client %d", client) : 0;
}
