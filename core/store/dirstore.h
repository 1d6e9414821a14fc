/* SPDX-License-Identifier: MIT */
/*
 * The store that is a directory: log/, data/<table>/, checkpoint/, and tmp/ for
 * objects that are being written.
 *
 * Put if absent is link(2), which never replaces a name: write to a file
 * without a name (O_TMPFILE; a name in tmp/ where the file system has none),
 * fsync it, link it, fsync the directory. Symbolic links in the store are not
 * followed.
 */
#ifndef ROWFS_STORE_DIRSTORE_H
#define ROWFS_STORE_DIRSTORE_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/store/store.h"

/*
 * Opens the directory `path` as a store of objects; what they mean is not looked
 * at. With `create`, makes it and its subdirectories where they are missing.
 * Frees with store_close.
 *
 * Errors: -ENOENT, -ENOTDIR, -EACCES and what the medium says; -EIO when a
 * subdirectory is missing and `create` is not set; -EOPNOTSUPP for a network
 * file system that caches the absence of names (NFS without lookupcache=none or
 * noac), on which put if absent cannot be relied on.
 */
int dirstore_open(const char *path, bool create, struct store **ret_store, struct err *err);

#endif
