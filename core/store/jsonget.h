/* SPDX-License-Identifier: MIT */
/*
 * Takes typed members out of JSON objects that come from the disk. A member that
 * is missing or of another type is damage.
 *
 * The first failure is kept in the reader, later calls do nothing: read all,
 * then look at `failed` once.
 */
#ifndef ROWFS_STORE_JSONGET_H
#define ROWFS_STORE_JSONGET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/uuid.h"

struct jsonget {
    const char *name; /* of the file, for the sentence; borrowed */
    struct err *err;
    int failed; /* 0, -EIO or -ENOMEM */
};

uint64_t jsonget_u64(struct jsonget *get, json_t *object, const char *key);
struct uuid jsonget_uuid(struct jsonget *get, json_t *object, const char *key);
struct hash jsonget_hash(struct jsonget *get, json_t *object, const char *key);
int64_t jsonget_time(struct jsonget *get, json_t *object, const char *key);

/* Borrowed from the object; NULL after a failure. */
const char *jsonget_string(struct jsonget *get, json_t *object, const char *key);
json_t *jsonget_array(struct jsonget *get, json_t *object, const char *key);

/* New (free); NULL after a failure. */
char *jsonget_string_copy(struct jsonget *get, json_t *object, const char *key);

/* Marks the reader failed with "<name> is damaged: <what>". Returns -EIO. */
int jsonget_fail(struct jsonget *get, const char *what);

#endif
