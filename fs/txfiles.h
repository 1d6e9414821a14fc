/* SPDX-License-Identifier: MIT */
/* The files of a transaction that do something when they are opened, written or closed. */
#ifndef ROWFS_FS_TXFILES_H
#define ROWFS_FS_TXFILES_H

#include "fs/fs.h"

/*
 * The processes that have a file inside the transaction open with bytes that are not
 * committed; new array (free). Errors: -ENOMEM.
 */
int txfiles_writers(struct fs *fs, struct tx *tx, struct tx_writer **ret_writers,
                    size_t *ret_count);

/* mkdir and rmdir in tx/. */
void txfiles_mkdir(fuse_req_t req, struct node *dir, const char *name);
void txfiles_rmdir(fuse_req_t req, struct node *dir, const char *name);

/* OPEN of tx/new, of `commit` and of `isolation`. */
void txfiles_open_new(fuse_req_t req, struct node *node, struct fuse_file_info *fi);
void txfiles_open(fuse_req_t req, struct node *node, struct fuse_file_info *fi);

/*
 * WRITE of `1` to `commit`, which is the commit, and of a word to `isolation`. The answer
 * is the verdict.
 */
void txfiles_write(fuse_req_t req, struct handle *handle, const char *buf, size_t size);

/*
 * FLUSH and RELEASE of `commit`: the opener's last close of one that nobody wrote to
 * commits, or aborts if that process fails.
 */
void txfiles_flush(fuse_req_t req, struct handle *handle);
void txfiles_release(fuse_req_t req, struct handle *handle);

/* Whether RELEASE will decide: only where the opener's end could not be seen. */
bool txfiles_is_undecided(const struct handle *handle);

#endif
