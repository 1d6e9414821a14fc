/* SPDX-License-Identifier: MIT */
/* The system calls of a client. */
#include "tests/history/mounted.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "tests/history/array.h"

int64_t mounted_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int open_in(const char *dir, const char *name, const char *file, int flags)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s/%s/%s", dir, name, file);
    fd = open(path, flags | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : fd;
}

/* To a table, or to a transaction's file. */
static int open_rows(const char *dir, const char *table, int flags)
{
    char tables[PATH_MAX];

    snprintf(tables, sizeof tables, "%s/tables", dir);
    return open_in(tables, table, "rows", flags);
}

static int open_control(const char *mnt, const char *id, const char *file, int flags)
{
    char tx[PATH_MAX];

    snprintf(tx, sizeof tx, "%s/tx", mnt);
    return open_in(tx, id, file, flags);
}

/* As a shell does it: one write, and no part of it may be left out. */
static int write_text(int fd, const char *text, size_t bytes)
{
    ssize_t n = write(fd, text, bytes);

    if (n < 0)
        return -errno;
    return (size_t)n == bytes ? 0 : -EIO;
}

/* The error of the write, or else that of the close, in which rows are committed. */
static int close_after(int fd, int r)
{
    if (close(fd) < 0 && r == 0)
        return -errno;
    return r;
}

int mounted_make_table(const char *dir, const char *table)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "%s/tables/%s", dir, table);
    if (mkdir(path, 0777) < 0)
        return -errno;
    /* Whoever makes a table sees no rows for some seconds, until it makes them, too. */
    fd = open_rows(dir, table, O_WRONLY | O_CREAT | O_APPEND);
    return fd < 0 ? fd : close_after(fd, 0);
}

/* --- rows ------------------------------------------------------------------------------- */

static int print_row(struct buf *text, int64_t value, size_t padding)
{
    int r = buf_printf(text, "{\"v\":%" PRId64, value);

    if (r >= 0 && padding)
        r = buf_printf(text, ",\"pad\":\"%0*d\"", (int)padding, 0);
    return r < 0 ? r : buf_printf(text, "}\n");
}

int mounted_append(const char *dir, const char *table, const int64_t *values, size_t count,
                   size_t padding)
{
    int fd = open_rows(dir, table, O_WRONLY | O_CREAT | O_APPEND), r = 0;

    if (fd < 0)
        return fd;
    for (size_t i = 0; r == 0 && i < count; i++) {
        cleanup_buf struct buf text = {0};

        r = print_row(&text, values[i], padding);
        if (r == 0)
            r = write_text(fd, text.data, text.bytes);
    }
    return close_after(fd, r);
}

int mounted_replace(const char *dir, const char *table, int64_t value, int64_t previous,
                    int64_t amount)
{
    int fd = open_rows(dir, table, O_WRONLY | O_CREAT | O_TRUNC);
    char text[128];
    int bytes = snprintf(text, sizeof text,
                         "{\"v\":%" PRId64 ",\"p\":%" PRId64 ",\"amount\":%" PRId64 "}\n", value,
                         previous, amount);

    return fd < 0 ? fd : close_after(fd, write_text(fd, text, (size_t)bytes));
}

int mounted_slurp(const char *path, struct buf *ret_text, int64_t *ret_opened)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    ssize_t n;

    if (fd < 0)
        return -errno;
    if (ret_opened)
        *ret_opened = mounted_now();
    if (fstat(fd, &st) < 0)
        return -errno;
    do {
        if (buf_reserve(ret_text, 65536) < 0)
            return -ENOMEM;
        n = read(fd, ret_text->data + ret_text->bytes, 65536);
        if (n < 0)
            return -errno;
        ret_text->bytes += (size_t)n;
    } while (n > 0);
    return ret_text->bytes == (size_t)st.st_size ? 0 : -EBADMSG;
}

/* The number behind `name` in a row, or behind the last one: they stand in this order. */
static bool take_number(const char **at, const char *name, int64_t *ret_number)
{
    size_t bytes = strlen(name);
    char *end;

    if (strncmp(*at, name, bytes) != 0)
        return false;
    *ret_number = strtoll(*at + bytes, &end, 10);
    *at = end;
    return true;
}

static void skip_padding(const char **at)
{
    static const char name[] = ",\"pad\":\"";

    if (strncmp(*at, name, sizeof name - 1) != 0)
        return;
    *at += sizeof name - 1;
    *at += strspn(*at, "0");
    *at += **at == '"';
}

/* Every byte must be as some client has written it: nothing here is a general reader. */
static int parse_row(const char **at, struct mounted_rows *rows)
{
    int64_t value, previous;

    if (!take_number(at, "{\"v\":", &value))
        return -EBADMSG;
    skip_padding(at);
    if (take_number(at, ",\"p\":", &previous) && !take_number(at, ",\"amount\":", &rows->amount))
        return -EBADMSG;
    if (strncmp(*at, "}\n", 2) != 0)
        return -EBADMSG;
    *at += 2;
    *ARRAY_ADD(rows->values, rows->count) = value;
    return 0;
}

int mounted_read(const char *dir, const char *table, struct mounted_rows *ret_rows,
                 int64_t *ret_opened)
{
    cleanup_buf struct buf text = {0};
    struct mounted_rows rows = {0};
    char path[PATH_MAX];
    const char *at;
    int r;

    snprintf(path, sizeof path, "%s/tables/%s/rows", dir, table);
    r = mounted_slurp(path, &text, ret_opened);
    if (r == 0)
        r = buf_append(&text, "", 1);
    if (r < 0)
        return r;
    for (at = text.data; r == 0 && at < text.data + text.bytes - 1;)
        r = parse_row(&at, &rows);
    if (r == 0)
        *ret_rows = rows;
    else
        free(rows.values);
    return r;
}

/* --- transactions ----------------------------------------------------------------------- */

static int write_control(const char *mnt, const char *id, const char *file, const char *text)
{
    int fd = open_control(mnt, id, file, O_WRONLY | O_TRUNC);

    return fd < 0 ? fd : close_after(fd, write_text(fd, text, strlen(text)));
}

int mounted_begin(const char *mnt, const char *id)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/tx/%s", mnt, id);
    return mkdir(path, 0777) < 0 ? -errno : 0;
}

int mounted_set_serializable(const char *mnt, const char *id)
{
    return write_control(mnt, id, "isolation", "serializable\n");
}

int mounted_commit(const char *mnt, const char *id)
{
    return write_control(mnt, id, "commit", "1\n");
}

int mounted_hold(const char *mnt, const char *id)
{
    return open_control(mnt, id, "commit", O_WRONLY | O_TRUNC);
}

int mounted_abort(const char *mnt, const char *id)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/tx/%s", mnt, id);
    return rmdir(path) < 0 ? -errno : 0;
}

int mounted_status(const char *mnt, const char *id, struct mounted_status *ret_status)
{
    cleanup_buf struct buf text = {0};
    struct mounted_status status = {0};
    char path[PATH_MAX];
    json_t *object;
    int r;

    snprintf(path, sizeof path, "%s/tx/%s/status", mnt, id);
    r = mounted_slurp(path, &text, NULL);
    if (r < 0)
        return r;
    object = json_loadb(text.data, text.bytes, 0, NULL);
    if (!json_is_string(json_object_get(object, "state"))) {
        json_decref(object);
        return -EBADMSG;
    }
    snprintf(status.state, sizeof status.state, "%s",
             json_string_value(json_object_get(object, "state")));
    status.base = json_integer_value(json_object_get(object, "base"));
    status.version = json_integer_value(json_object_get(object, "version"));
    json_decref(object);
    *ret_status = status;
    return 0;
}

bool mounted_is_decided(const struct mounted_status *status)
{
    return strcmp(status->state, "open") != 0 && strcmp(status->state, "committing") != 0;
}
