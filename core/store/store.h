/* SPDX-License-Identifier: MIT */
/*
 * A place that keeps objects: named, written once, never changed. The whole
 * database needs no more of it than this, so that a bucket can take the
 * directory's place (dirstore.h is the one there is).
 *
 * Keys are relative paths such as "log/00000000000000000042.ndjson". The only
 * coordination between writers is that of two puts of one key at most one
 * succeeds.
 *
 * Any thread. Counts what it is asked, so that a test can state what a commit
 * costs.
 */
#ifndef ROWFS_STORE_STORE_H
#define ROWFS_STORE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct store;
struct upload;

/*
 * Tells two objects that were put under one key from each other without reading
 * them (a bucket's ETag; inode number, modification time and size in a
 * directory). Equal tags: the same object. Different tags prove nothing: read
 * and compare.
 */
struct store_tag {
    uint64_t id[3];
};

static inline bool store_tag_equal(struct store_tag a, struct store_tag b)
{
    return a.id[0] == b.id[0] && a.id[1] == b.id[1] && a.id[2] == b.id[2];
}

/* What is known of a put that did not return 0. */
enum put_state {
    PUT_ABSENT,  /* it has not happened and will not */
    PUT_DOUBT,   /* it may have happened: look, or put the same key again */
    PUT_VISIBLE, /* it has happened, but whether it survives power loss is unknown */
};

struct store_counts {
    _Atomic uint64_t put, get, head, list, remove;
};

struct store_ops {
    void (*close)(struct store *store);
    int (*get)(struct store *store, const char *key, struct buf *buf, struct store_tag *ret_tag,
               struct err *err);
    int (*read)(struct store *store, const char *key, void *buf, size_t bytes, uint64_t offset,
                struct err *err);
    int (*head)(struct store *store, const char *key, struct store_tag *ret_tag, struct err *err);
    int (*list)(struct store *store, const char *prefix,
                int (*each)(void *context, const char *key), void *context, struct err *err);
    int (*remove)(struct store *store, const char *key, struct err *err);
    int (*settle)(struct store *store, const char *prefix, struct err *err);
    int (*statvfs)(struct store *store, struct statvfs *ret_vfs);
    int (*watch)(struct store *store, const char *prefix);
    int (*upload_begin)(struct store *store, struct upload **ret_upload, struct err *err);
    int (*upload_write)(struct upload *upload, const void *data, size_t bytes, struct err *err);
    int (*upload_read)(struct upload *upload, void *buf, size_t bytes, uint64_t offset,
                       struct err *err);
    int (*upload_finish)(struct upload *upload, const char *key, struct store_tag *ret_tag,
                         enum put_state *ret_state, struct err *err);
    void (*upload_destroy)(struct upload *upload);
};

/* The common beginning of every kind of store. */
struct store {
    const struct store_ops *ops;
    struct store_counts counts;
};

struct upload {
    struct store *store;
    uint64_t bytes; /* written so far */
};

void store_close(struct store *store); /* accepts NULL; no upload may be open */

/*
 * Reads a whole object into `buf` (appended). `ret_tag` may be NULL.
 * Errors: -ENOENT; -EIO and what the medium says.
 */
int store_get(struct store *store, const char *key, struct buf *buf, struct store_tag *ret_tag,
              struct err *err);

/* Reads exactly `bytes` at `offset`. Errors: -ENOENT; -EIO also when the object is too short. */
int store_read(struct store *store, const char *key, void *buf, size_t bytes, uint64_t offset,
               struct err *err);

/* Whether the object is there, and which. Errors: -ENOENT, without a sentence. */
int store_head(struct store *store, const char *key, struct store_tag *ret_tag, struct err *err);

/* Calls `each` for every key under `prefix` (a directory), in no order, until it returns != 0. */
int store_list(struct store *store, const char *prefix, int (*each)(void *context, const char *key),
               void *context, struct err *err);

/* Errors: -ENOENT. Durable only after a settle of its directory. */
int store_remove(struct store *store, const char *key, struct err *err);

/*
 * Makes everything that is visible directly under `prefix` survive power loss,
 * whoever put it: a reader calls this before it shows somebody else's commit.
 */
int store_settle(struct store *store, const char *prefix, struct err *err);

int store_statvfs(struct store *store, struct statvfs *ret_vfs);

/*
 * A new descriptor that becomes readable when somebody on this host has put an object
 * directly under `prefix`; what is read from it means nothing. Errors: -EOPNOTSUPP, others
 * can put without this host being told (a network file system, a bucket): look now and then.
 */
int store_watch(struct store *store, const char *prefix);

/*
 * Put if absent. On 0 the object is visible under `key` and survives power loss.
 * Errors: -EEXIST (another object has the key); anything else with
 * `*ret_state` saying what is known. `ret_tag` may be NULL.
 */
int store_put(struct store *store, const char *key, const void *data, size_t bytes,
              struct store_tag *ret_tag, enum put_state *ret_state, struct err *err);

/*
 * The same for an object that is too large to hold: begin, write in order,
 * finish once. Nobody sees it, and nothing is left of it after a crash, before
 * upload_finish. One thread at a time.
 */
int store_upload_begin(struct store *store, struct upload **ret_upload, struct err *err);
int upload_write(struct upload *upload, const void *data, size_t bytes, struct err *err);
int upload_read(struct upload *upload, void *buf, size_t bytes, uint64_t offset, struct err *err);
int upload_finish(struct upload *upload, const char *key, struct store_tag *ret_tag,
                  enum put_state *ret_state, struct err *err);
void upload_destroy(struct upload *upload); /* accepts NULL; abandons what is not finished */

#endif
