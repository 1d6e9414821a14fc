/* SPDX-License-Identifier: MIT */
/*
 * Open files whose operations are waited for: every call returns the result that
 * `done` was given. Any thread; what was told is kept for each thread.
 */
#ifndef ROWFS_TESTS_LIB_FILETOOL_H
#define ROWFS_TESTS_LIB_FILETOOL_H

#include "core/openfile.h"

#define OPENER 1 /* the owner that opened the file; all others are its children */

/* A table's rows, opened to append; the options may be NULL. */
struct openfile *filetool_open(struct db *db, const char *table,
                               const struct openfile_options *options);

int filetool_write(struct openfile *file, uint64_t owner, const char *text);
int filetool_write_bytes(struct openfile *file, uint64_t owner, const char *data, size_t bytes,
                         uint64_t offset);
int filetool_close(struct openfile *file, uint64_t owner);
int filetool_end(struct openfile *file, uint64_t owner, enum openfile_end end);
int filetool_sync(struct openfile *file);
int filetool_release(struct openfile *file);

/* What the last operation told of its reason; the text is empty when it told nothing. */
const struct err *filetool_reason(void);

#endif
