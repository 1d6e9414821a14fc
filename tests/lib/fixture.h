/* SPDX-License-Identifier: MIT */
/*
 * What tests begin with and end with: setups and teardowns for cmocka, and what
 * they make. One test at a time; disks fail on demand (faultio.h) from begin to end.
 */
#ifndef ROWFS_TESTS_LIB_FIXTURE_H
#define ROWFS_TESTS_LIB_FIXTURE_H

#include "tests/lib/filetool.h"
#include "tests/lib/tempstore.h"

#define ROW1 "{\"n\":1}\n"
#define ROW2 "{\"n\":2}\n"
#define ROW3 "{\"n\":3}\n"

/* Owners of an open file besides its OPENER. */
#define CHILD 2
#define OTHER 3

extern struct tempstore temp;
extern struct uuid t;         /* the table "t" */
extern struct db *other;      /* another mount of the same store; a test may open it itself */
extern struct openfile *file; /* of "t" */

/* Each makes what its name says, and what that needs; the rest is not there (NULL). */
int fixture_begin(void **state);            /* a directory, in which nothing is open */
int fixture_begin_store(void **state);      /* an empty store; its calls are not counted */
int fixture_begin_db(void **state);         /* a database on a store */
int fixture_begin_table(void **state);      /* an empty table in it */
int fixture_begin_two_mounts(void **state); /* the same, and `other` */
int fixture_begin_file(void **state);       /* the table, opened to append */
int fixture_begin_stream(void **state);     /* the table, opened as a stream */

/* Ends what any of them began, as far as the test has not. */
int fixture_end(void **state);

/* The last close of `file`, which is NULL then: filetool_release. */
int fixture_release(void);

/* A write to `file` that succeeds. */
void fixture_write(uint64_t owner, const char *text);

#endif
