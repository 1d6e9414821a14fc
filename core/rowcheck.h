/* SPDX-License-Identifier: MIT */
/*
 * Decides whether a line is a row: exactly one JSON object (RFC 8259), valid
 * UTF-8, no member name twice in one object, nested no deeper than a limit.
 *
 * This is the write path's only look at the bytes of a row, and rows are kept
 * as they were written, so nothing is decoded or built here. Hand-written for
 * speed (see `tests/bench/bench_rowcheck.c` for the figures beside jansson's).
 */
#ifndef ROWFS_CORE_ROWCHECK_H
#define ROWFS_CORE_ROWCHECK_H

#include <stddef.h>

#include "core/base/err.h"

/* How deep objects and arrays may nest; the row's own object is depth 1. */
#define ROWCHECK_MAX_DEPTH 128

/*
 * The checker's memory (the names of the objects that are open), kept from
 * row to row so that checking allocates nothing in the steady state. Belongs
 * to one thread at a time.
 */
struct rowcheck;

/* New in `*ret_check`, freed with rowcheck_destroy. Errors: -ENOMEM, those of getrandom(2). */
int rowcheck_create(struct rowcheck **ret_check);
void rowcheck_destroy(struct rowcheck *check); /* accepts NULL */

/*
 * Checks one line without its line feed. `line` is borrowed for the call and
 * need not be terminated. JSON white space is allowed, except for a line feed,
 * which would make two lines of the row. Escapes of lone surrogates are refused
 * (they are no character, RFC 7493 section 2.1); \u0000 is allowed; numbers are
 * checked for grammar only, of any size. A line of white space is refused too.
 *
 * Member names are compared as the characters they spell: "a" and "\u0061"
 * are the same name. Time and memory are linear in the length of the line, also
 * for an object of a million names.
 *
 * Errors: -EINVAL with a sentence that names what is wrong and the byte at
 * which it was seen, counted from 1 ("byte 17: ..."; one behind the last where the
 * line ends too early); never quotes the input except a printable ASCII
 * character or a name of printable ASCII, as it is written (cut to 40 bytes).
 * -ENOMEM. After any failure the checker can be used for the next line.
 */
int rowcheck_line(struct rowcheck *check, const char *line, size_t line_bytes, struct err *err);

#endif
