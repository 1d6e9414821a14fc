/* SPDX-License-Identifier: MIT */
/* Lines before the row checker, with what it must say of them. Links with the checker alone. */
#ifndef ROWFS_TESTS_LIB_ROWTOOL_H
#define ROWFS_TESTS_LIB_ROWTOOL_H

#include "core/base/buf.h"
#include "core/rowcheck.h"

/* One for all tests of a group: what a line leaves behind must not matter to the next. */
extern struct rowcheck *check;
int rowtool_setup(void **state); /* for cmocka */
int rowtool_teardown(void **state);

/* The result of rowcheck_line for a copy of the line, behind which a sanitizer sees a read. */
int rowtool_check(const char *line, size_t bytes, struct err *err);

void rowtool_expect_row(const char *line, size_t bytes);
void rowtool_expect_refused(const char *line, size_t bytes, const char *sentence);

/* The same of string literals, which may have NULs in them. */
#define row(line)               rowtool_expect_row(line, sizeof(line) - 1)
#define refused(line, sentence) rowtool_expect_refused(line, sizeof(line) - 1, sentence)

/* Puts a text behind what is in the line. */
void rowtool_put(struct buf *line, const char *text);

#endif
