/* SPDX-License-Identifier: MIT */
/*
 * Histories written by hand, short enough to be read.
 *
 *     written_add(&history, "T1 1-2-8-9 ok  x=1,2 x+3  a:7>8@90 a=8@90");
 *
 * An id; the times start-begun-committing-end, or start-end, or start; then words:
 * ok, aborted, unknown, logged, unlogged, final, serializable, v12 (the version),
 * b11 (the base), m1 (the mount); then operations: `x+3` appends 3 to list x, `x=1,2` reads it,
 * `x=` reads it empty, `a:7>8@90` replaces row 7 of register a by row 8 with
 * amount 90 (`a:0>8`: it was empty), `a=8@90` reads it.
 */
#ifndef ROWFS_TESTS_HISTORY_WRITTEN_H
#define ROWFS_TESTS_HISTORY_WRITTEN_H

#include "tests/history/history.h"

/* Ends the program if the text is not as above: it is in the test itself. */
void written_add(struct history *history, const char *text);

#endif
