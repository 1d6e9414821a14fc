/* SPDX-License-Identifier: MIT */
/*
 * The content of a finite file: immutable, of known size. Rows of a table
 * version, a file that is made of them, the history of a snapshot, or a text that was made when it
 * was asked for.
 */
#ifndef ROWFS_FS_CONTENT_H
#define ROWFS_FS_CONTENT_H

#include <stdatomic.h>

#include "core/base/buf.h"
#include "core/derived.h"
#include "core/snapshot.h"
#include "core/table.h"

struct content;

/* New, with one reference; what is given is referenced, `text` is taken over. NULL: out of memory.
 */
struct content *content_of_rows(struct store *store, struct table *table);
struct content *content_of_derived(struct derived *derived, int64_t time_usec); /* taken over */
struct content *content_of_history(struct store *store, struct snapshot *snapshot);
struct content *content_of_text(struct buf *text, int64_t time_usec);

struct content *content_ref(struct content *content);
void content_unref(struct content *content); /* accepts NULL */

uint64_t content_bytes(const struct content *content);
int64_t content_time_usec(const struct content *content);

/* Returns how many bytes were read; 0 at the end. Errors: -EIO and what the store says. */
int content_read(struct content *content, void *buf, size_t bytes, uint64_t offset,
                 struct err *err);

#endif
