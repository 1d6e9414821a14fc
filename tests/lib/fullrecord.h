/* SPDX-License-Identifier: MIT */
/* A record of the log that has everything a record can have, and what can be done to it. */
#ifndef ROWFS_TESTS_LIB_FULLRECORD_H
#define ROWFS_TESTS_LIB_FULLRECORD_H

#include "core/store/record.h"

#define FULLRECORD_SEQ  42
#define FULLRECORD_BODY "{\"a\":1}\n{\"b\":\"\xc3\xa9\"}\n"

/* Static: not to be finished. */
struct record fullrecord_get(void);

/* Encodes it with its body behind what is in the buffer, which must be nothing. */
struct hash fullrecord_encode(struct buf *buf);

/*
 * The same with one value replaced: `path` is "members/0/version", `value` is JSON
 * or "absent". What was in the buffer is gone.
 */
void fullrecord_change(const char *path, const char *value, struct buf *buf);

/* Bytes that are refused as record FULLRECORD_SEQ, with its name and `part` in the sentence. */
void fullrecord_expect_refused(const char *data, size_t bytes, int code, const char *part);

#endif
