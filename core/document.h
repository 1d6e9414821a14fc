/* SPDX-License-Identifier: MIT */
/*
 * A JSON object that is written to a file, in any number of writes: tells the one that
 * completes it, so that this one is told what is wrong with it.
 */
#ifndef ROWFS_CORE_DOCUMENT_H
#define ROWFS_CORE_DOCUMENT_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* Zeroed is empty. */
struct document {
    struct buf text;
    unsigned depth;
    bool in_string, escaped;
    bool complete; /* nothing but white space may follow */
};

void document_finish(struct document *document); /* as after zeroing */

/*
 * Takes more of it. Returns 1 if that completes the object (which need not be valid inside),
 * else 0. Errors: -EINVAL, it begins with something else, or something follows; -EFBIG, it
 * is longer than `limit`, with the white space around it; -ENOMEM. The document is then as it was.
 */
int document_write(struct document *document, const char *data, size_t bytes, size_t limit,
                   struct err *err);

/* At the end of the file. Errors: -EINVAL, it has begun and is not complete. */
int document_check_end(const struct document *document, struct err *err);

#endif
