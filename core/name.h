/* SPDX-License-Identifier: MIT */
/* What a table may be called. */
#ifndef ROWFS_CORE_NAME_H
#define ROWFS_CORE_NAME_H

#include "core/base/err.h"

#define NAME_MAX_BYTES 255

/*
 * 0 for a name that a table can have: 1 to 255 bytes of UTF-8, not "." or "..",
 * without '/' and without control characters (U+0000 to U+001F, U+007F to U+009F).
 * Errors: -ENAMETOOLONG; -EINVAL.
 */
int name_check(const char *name, struct err *err);

#endif
