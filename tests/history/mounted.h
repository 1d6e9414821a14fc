/* SPDX-License-Identifier: MIT */
/*
 * What a client does with a mount: the system calls of a shell's redirections.
 *
 * `dir` is the tree that is worked in, MNT or MNT/tx/<id>. All return 0 or a
 * negative errno, that of the first call that failed; -EBADMSG: rows that are
 * not as they were written, or a size that is not that of the bytes.
 */
#ifndef ROWFS_TESTS_HISTORY_MOUNTED_H
#define ROWFS_TESTS_HISTORY_MOUNTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* The rows of a table: those of lists are {"v":1}, of registers {"v":2,"p":1,"amount":9}. */
struct mounted_rows {
    int64_t *values; /* free */
    size_t count;
    int64_t amount; /* of the last one */
};

int mounted_make_table(const char *dir, const char *table);

/* One open file, one write for each value; with so many bytes of padding in each row. */
int mounted_append(const char *dir, const char *table, const int64_t *values, size_t count,
                   size_t padding);
int mounted_replace(const char *dir, const char *table, int64_t value, int64_t previous,
                    int64_t amount);

/* `*ret_opened`: the clock after the open, when the snapshot was taken. NULL: not wanted. */
int mounted_read(const char *dir, const char *table, struct mounted_rows *ret_rows,
                 int64_t *ret_opened);

int mounted_begin(const char *mnt, const char *id);
int mounted_set_serializable(const char *mnt, const char *id);
int mounted_commit(const char *mnt, const char *id); /* the verdict of the write */
int mounted_abort(const char *mnt, const char *id);

/* Holds `commit` open; returns the descriptor. */
int mounted_hold(const char *mnt, const char *id);

struct mounted_status {
    char state[16]; /* "open", "committing", "committed", "aborted", "unknown" */
    int64_t base, version;
};

int mounted_status(const char *mnt, const char *id, struct mounted_status *ret_status);
bool mounted_is_decided(const struct mounted_status *status);

/* The whole of a file. */
int mounted_slurp(const char *path, struct buf *ret_text, int64_t *ret_opened);

/* Nanoseconds of the clock that all clients share. */
int64_t mounted_now(void);

#endif
