/* SPDX-License-Identifier: MIT */
/*
 * A directory of its own for each test, with a store in it if that is wanted,
 * and what tests do to its files from outside. Failures end the test.
 */
#ifndef ROWFS_TESTS_LIB_TEMPSTORE_H
#define ROWFS_TESTS_LIB_TEMPSTORE_H

#include <sys/types.h>

#include "core/base/buf.h"
#include "core/db.h"

#define TEMPSTORE_PATH_BYTES 256

struct tempstore {
    char root[TEMPSTORE_PATH_BYTES]; /* removed with all that is in it by tempstore_end */
    char path[TEMPSTORE_PATH_BYTES]; /* root/store, made by whoever opens it */
    struct store *store;             /* of tempstore_open_store, or the db's */
    struct db *db;
};

/* Makes the root, below $TMPDIR or /var/tmp; nothing is open. */
void tempstore_begin(struct tempstore *t);
void tempstore_open_store(struct tempstore *t); /* an empty one, that no db was made of */
void tempstore_open_db(struct tempstore *t);    /* makes it the first time */
void tempstore_close(struct tempstore *t);      /* what is open; the files stay */
void tempstore_end(struct tempstore *t);

/* Another database on the same store, as another mount would open it (db_close). */
struct db *tempstore_another(const struct tempstore *t);

/* The result of db_open; a database that opened after all is closed again. */
int tempstore_try(const struct tempstore *t, bool read_only, struct err *err);

/* Files by their name below the store (or any absolute path). */
void tempstore_file(const struct tempstore *t, const char *name,
                    char ret_path[TEMPSTORE_PATH_BYTES]);
void tempstore_read(const struct tempstore *t, const char *name, struct buf *ret_buf);
void tempstore_replace(const struct tempstore *t, const char *name, const void *data, size_t bytes);
void tempstore_remove(const struct tempstore *t, const char *name);
void tempstore_flip(const struct tempstore *t, const char *name, size_t offset, unsigned char bits);
void tempstore_cut(const struct tempstore *t, const char *name, off_t bytes);
bool tempstore_has(const struct tempstore *t, const char *name);

/* How many files and directories there are in a directory of the store, not below it. */
size_t tempstore_entries(const struct tempstore *t, const char *name);

/* Everything there is to know of the files below the store, in one text. */
void tempstore_describe(const struct tempstore *t, struct buf *ret_text);

#endif
