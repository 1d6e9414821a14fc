/* SPDX-License-Identifier: MIT */
/* What tree.c, tree_tx.c and tree_at.c share. */
#ifndef ROWFS_FS_TREE_PRIVATE_H
#define ROWFS_FS_TREE_PRIVATE_H

#include "fs/tree.h"

/* A finite file, found again by its key. The content is taken, also on failure. Errors: -ENOMEM. */
int tree_content_node(struct fs *fs, struct view *view, const char *key, const char *name,
                      struct uuid table, mode_t mode, struct content *content,
                      struct node **ret_node);

/* A directory of a fixed name, in a view. Errors: -ENOMEM. */
int tree_directory_node(struct fs *fs, struct view *view, enum node_kind kind, const char *name,
                        struct node **ret_node);

/* As tree_lookup, in the directory of a table and below it. */
int tree_lookup_in_table(struct fs *fs, struct node *parent, const char *name,
                         const struct tree_caller *caller, struct node **ret_node,
                         double *ret_seconds, struct err *err);

/* As tree_lookup, in at/. */
int tree_lookup_in_ats(struct fs *fs, const char *name, struct node **ret_node, double *ret_seconds,
                       struct err *err);

/* As tree_lookup, in tx/ and in tx/<id>. */
int tree_lookup_in_txs(struct fs *fs, const char *name, struct node **ret_node, struct err *err);
int tree_lookup_in_tx(struct fs *fs, struct node *parent, const char *name, struct node **ret_node,
                      struct err *err);

#endif
