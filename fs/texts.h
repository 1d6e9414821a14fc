/* SPDX-License-Identifier: MIT */
/* The texts of finite files that are made when they are asked for. */
#ifndef ROWFS_FS_TEXTS_H
#define ROWFS_FS_TEXTS_H

#include "fs/fs.h"

/* Each appends to `text`. Errors: -ENOMEM. */
int text_readme(struct buf *text);
int text_root_info(struct fs *fs, const struct snapshot *snapshot, struct buf *text);
/* In a transaction what is not committed has no version. */
int text_table_info(const struct table *table, const struct view *view, struct buf *text);

/* The same of a selection: how many rows and bytes it has. Errors: as derived_create. */
int text_selection_info(struct fs *fs, struct table *table, struct view *view,
                        struct selection *selection, struct buf *text, struct err *err);

#endif
