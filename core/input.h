/* SPDX-License-Identifier: MIT */
/*
 * What is written to an open file, on its way to a commit: lines become rows, whether they are
 * JSON, CSV or TSV; a document becomes an edit or another schema.
 *
 * The caller holds the lock of the open file.
 */
#ifndef ROWFS_CORE_INPUT_H
#define ROWFS_CORE_INPUT_H

#include "core/commit.h"
#include "core/document.h"
#include "core/writers.h"

enum input_kind {
    INPUT_ROWS, /* JSON, one row a line */
    INPUT_CSV,  /* the first line is a header */
    INPUT_TSV,
    INPUT_PATCH,  /* one JSON merge patch, for each row */
    INPUT_SCHEMA, /* one schema; nothing, or white space: none */
};

struct input {
    struct db *db; /* borrowed */
    enum input_kind kind;
    struct selection *selection; /* owned reference; NULL: all rows */
    bool replace;                /* the rows that are there, or those of the selection, go */
    struct writers writers;
    struct stage stage; /* rows that are complete */
    struct intake *intake;
    struct delimited_reader *reader;
    struct document document;
    struct edit *edit;       /* what a complete patch does */
    struct reshape *reshape; /* what a complete schema does */
};

/* For a table; `selection` is referenced. */
void input_init(struct input *input, struct db *db, enum input_kind kind, struct uuid table,
                struct selection *selection);

/* Drops what is not committed; then as after init, but for `replace`. */
void input_drop(struct input *input);
void input_finish(struct input *input);

/*
 * Takes what the process `owner` wrote. `table` is the version that is there now, for the checks.
 *
 * Errors: as writers_write, delimited_read, edit_create, reshape_create: what is found now is told
 * now.
 */
int input_write(struct input *input, struct table *table, uint64_t owner, bool by_opener,
                const char *data, size_t bytes, struct err *err);

/* The end of what was written, of a last line without line feed as well. Errors: as input_write. */
int input_end(struct input *input, struct table *table, struct err *err);

/* Whether a commit would bring anything now, without a line or document that is unfinished. */
bool input_is_ready(const struct input *input);

/* The same, and more than a replacement by nothing. */
bool input_has_content(const struct input *input);

/* Drops what is ready, keeps lines that are unfinished. */
void input_drop_ready(struct input *input);

/* Whether there is anything that a commit would still have to bring. */
bool input_is_pending(const struct input *input);

/* Bytes of rows that are to be committed. */
uint64_t input_bytes(const struct input *input);

/*
 * Adds what is ready to a commit; the input is then empty. `table` is the version that is there
 * now. With `expect_version` not 0 its last change must be that version. Errors, with the reason in
 * `err`: what the store says; those of edit_create; -ENOMEM.
 */
int input_commit(struct input *input, struct table *table, uint64_t expect_version,
                 struct commit *commit, struct err *err);

#endif
