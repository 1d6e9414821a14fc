/* SPDX-License-Identifier: MIT */
/*
 * JSON merge patches (RFC 7396) on text: what the patch does not name stays as it is
 * written, and so do the numbers of both, digit by digit.
 */
#ifndef ROWFS_CORE_MERGEPATCH_H
#define ROWFS_CORE_MERGEPATCH_H

#include "core/jsontext.h"

/*
 * Appends `target` with `patch` applied. Both are valid JSON (rowcheck.h) on one line each
 * or the patch with line feeds as white space, which do not get into the result; no name is twice
 * in one object. Members that the target has keep their place, new ones come behind. A target that
 * is no object counts as an empty one where the patch is an object.
 *
 * Linear in both but for objects: members of the patch times members of the target, unless one of
 * them has more than a few, when a table of names is made. Errors: -ENOMEM.
 */
int mergepatch_apply(struct slice target, struct slice patch, struct buf *result);

#endif
