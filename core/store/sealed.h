/* SPDX-License-Identifier: MIT */
/*
 * Sealed JSON: an object that carries its own checksum. Used for every file of
 * the store that is not row data (rowfs.json, records, checkpoints).
 *
 *     {"xxh3":"<32 hex digits>","seq":42,...}\n<anything>
 *     |<------ 43 bytes ------>|<---- hashed ---------->|
 *
 * The checksum covers every byte behind its comma, the bytes before the comma
 * are compared with what they must be: no bit can change unseen. The checksum is
 * also the identity by which a record names its predecessor.
 */
#ifndef ROWFS_STORE_SEALED_H
#define ROWFS_STORE_SEALED_H

#include <jansson.h>
#include <stddef.h>
#include <sys/uio.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/hash.h"

#define SEALED_PREFIX_BYTES 43

/*
 * Writes `object` (a JSON object without "xxh3", borrowed) on one line, a line
 * feed, and the `body` pieces behind it, sealed, into `buf`, which must be
 * empty. Errors: -ENOMEM.
 */
int sealed_write(json_t *object, const struct iovec *body, size_t body_pieces, struct buf *buf,
                 struct hash *ret_hash);

/* The checksum that the bytes carry, if it is also theirs. `name` is for the sentence. Errors:
 * -EIO. */
int sealed_verify(const char *name, const void *data, size_t bytes, struct hash *ret_hash,
                  struct err *err);

/*
 * Verifies and parses. `*ret_object` is new (json_decref); `*ret_body_offset` is
 * where the byte behind the first line feed is. Errors: -EIO, -ENOMEM.
 */
int sealed_read(const char *name, const void *data, size_t bytes, json_t **ret_object,
                struct hash *ret_hash, size_t *ret_body_offset, struct err *err);

#endif
