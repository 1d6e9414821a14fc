/* SPDX-License-Identifier: MIT */
/* Builds the sentences that explain a failure. */
#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
    if (err) {
        va_list args;

        va_start(args, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
        err->line = 0;
    }
    return code;
}

int err_prefix(struct err *err, int code, const char *fmt, ...)
{
    if (err) {
        char whole[ERR_TEXT_BYTES];
        va_list args;
        int n;

        va_start(args, fmt);
        n = vsnprintf(whole, sizeof whole, fmt, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof whole)
            snprintf(whole + n, sizeof whole - (size_t)n, ": %s", err->text);
        memcpy(err->text, whole, sizeof whole);
    }
    return code;
}

int err_nomem(struct err *err)
{
    return err_set(err, -ENOMEM, "out of memory");
}

const char *err_name(int code)
{
    const char *name = strerrorname_np(abs(code));

    return name ? name : "?";
}
