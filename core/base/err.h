/* SPDX-License-Identifier: MIT */
/* The reason of a failure, as a sentence that a person will read. */
#ifndef ROWFS_BASE_ERR_H
#define ROWFS_BASE_ERR_H

#include <stdint.h>

#define ERR_TEXT_BYTES 512

/*
 * Filled by the function that failed, beside its negative errno. The caller
 * owns the struct; every function that takes one accepts NULL. Untouched on
 * success.
 */
struct err {
    char text[ERR_TEXT_BYTES]; /* one sentence, NUL-terminated, no newline */
    uint64_t line;             /* of the input, counted from 1; 0: not about a line */
};

#define ERR_INIT                                                                                   \
    {                                                                                              \
        .text = "", .line = 0                                                                      \
    }

/*
 * Writes the sentence and returns `code` (a negative errno), so that a failure
 * is one line: `return err_set(err, -EINVAL, "table %s ...", name);`. A text
 * that does not fit is cut: it is for reading, not for parsing.
 */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "<text>: " before the sentence that is there; keeps the line. Returns `code`. */
int err_prefix(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* -ENOMEM with its sentence. */
int err_nomem(struct err *err);

/* "EINVAL" for -EINVAL or EINVAL; "?" for what is not an errno. Static. */
const char *err_name(int code);

#endif
