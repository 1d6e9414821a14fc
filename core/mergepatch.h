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
 * in one object. White space around the target is dropped, within it is kept; values of the patch
 * are compact. Members that the target has keep their place and how their name is written, new
 * ones come behind. A target that is no object counts as an empty one where the patch is an object.
 *
 * Names are compared as the characters they spell. Linear in both for each level that the patch
 * nests: more than a few members of a patch are looked up in a table. Errors: -ENOMEM, the result
 * as it was.
 */
int mergepatch_apply(struct slice target, struct slice patch, struct buf *result);

#endif
