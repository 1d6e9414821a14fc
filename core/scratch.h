/* SPDX-License-Identifier: MIT */
/*
 * Scratch files: bytes that a program writes beside a table's rows before it
 * renames them over (sed -i, rsync, mktemp, editors). They are no rows and never
 * reach the store; they live in an unnamed file under $TMPDIR (/var/tmp) until
 * they become rows or are forgotten.
 *
 * Any thread. Counted: the directory that lists it and every open file hold one.
 */
#ifndef ROWFS_CORE_SCRATCH_H
#define ROWFS_CORE_SCRATCH_H

#include <stdatomic.h>

#include "core/openfile.h"

/* What all scratch files of a mount take together. */
struct scratch_budget {
    _Atomic uint64_t bytes;
    uint64_t limit;
};

struct scratch;

/*
 * A new empty file, made on this version: what it may replace later must not have changed since.
 * Errors: what the file system of $TMPDIR says; -ENOMEM.
 */
int scratch_create(uint64_t made_version, struct scratch_budget *budget,
                   struct scratch **ret_scratch, struct err *err);
struct scratch *scratch_ref(struct scratch *scratch);
void scratch_unref(struct scratch *scratch); /* accepts NULL */

/* It was emptied, to be written anew on this version. */
void scratch_remake(struct scratch *scratch, uint64_t made_version);

uint64_t scratch_bytes(struct scratch *scratch);

/* Returns how many bytes were read; 0 at the end. */
int scratch_read(struct scratch *scratch, void *buf, size_t bytes, uint64_t offset);

/* Errors: -ENOSPC, all scratch files together would pass the limit. */
int scratch_write(struct scratch *scratch, const void *data, size_t bytes, uint64_t offset,
                  struct err *err);
int scratch_truncate(struct scratch *scratch, uint64_t bytes, struct err *err);

/*
 * Replaces the rows of a selection (NULL: all) of a table, or its schema, by what the file holds,
 * in one commit, or in a statement of `tx` if that is not NULL. The file stays as it is. Errors:
 * -ECANCELED, the table has changed since the file was made; -ENOENT, the table was dropped;
 * -EINVAL, it holds something else than rows; those of a commit.
 */
int scratch_commit(struct scratch *scratch, struct db *db, struct tx *tx, struct uuid table,
                   struct selection *selection, enum openfile_kind kind, struct err *err);

#endif
