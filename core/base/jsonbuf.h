/* SPDX-License-Identifier: MIT */
/* JSON values as text in a buffer; the members of an object in the order they were set. */
#ifndef ROWFS_BASE_JSONBUF_H
#define ROWFS_BASE_JSONBUF_H

#include <jansson.h>

#include "core/base/buf.h"

/*
 * Appends `value`, without a line feed. `flags` are those of json_dumps: JSON_COMPACT, or
 * JSON_INDENT for people. Errors: -ENOMEM; what is in the buffer then is undefined.
 */
int jsonbuf_append(struct buf *buf, const json_t *value, size_t flags);

/*
 * The same with a line feed behind. Takes `value`, and NULL, which is what jansson returns when
 * there is no memory. Errors: as jsonbuf_append.
 */
int jsonbuf_print(struct buf *buf, json_t *value, size_t flags);

#endif
