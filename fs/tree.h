/* SPDX-License-Identifier: MIT */
/*
 * The tree that users see: which names there are in which directory, what they
 * lead to, and what stat(2) says of it.
 *
 *     MNT/README  log  errors  info*        * works when named, is not listed
 *     MNT/tables/<name>/rows  schema  <scratch>  rows.csv*  rows.tsv*  patch*  stream*  info*  by*
 *       by/<column>/<value>/rows  <scratch>  rows.csv*  rows.tsv*  patch*  info*  by*
 *     MNT/tx/new*  <id>/  in which tables*  commit*  status*  isolation*
 *
 *     MNT/at/<version>*  <time>*  latest*  (in a version: tables/, to be read)
 *
 * A transaction's directory lists nothing: what a copy of the mount needs is in
 * tables/, and rm -r of it is rmdir.
 *
 * A table that never had rows, or whose `rows` was just removed, shows no `rows` (and
 * `schema`) to the process that made or removed it, so that cp -r, tar and install, which
 * create with O_EXCL what they know to be absent, can, for some seconds; to everybody else it is
 * an empty file.
 */
#ifndef ROWFS_FS_TREE_H
#define ROWFS_FS_TREE_H

#include "fs/fs.h"

/* How long the kernel may answer for us, in seconds. */
#define TREE_FOREVER 86400.0
#define TREE_LISTED                                                                                \
    1.0                  /* a table that was listed: the stat of it that follows is of that moment \
                          */
#define TREE_CHANGES 1.0 /* attributes in which only a time can change, and elsewhere */

struct tree_caller {
    uid_t uid;
    pid_t tid;
};

/*
 * The node called `name` in the directory `parent`, with a new reference, and
 * how long the kernel may remember the name.
 *
 * Errors: -ENOENT; -ESTALE, the kernel is to walk the path again; -EIO and what
 * the store says, with the reason.
 */
int tree_lookup(struct fs *fs, struct node *parent, const char *name,
                const struct tree_caller *caller, struct node **ret_node, double *ret_seconds,
                struct err *err);

/* The node of a table in a view, with a new reference. NULL: out of memory. */
struct node *tree_table_node(struct fs *fs, struct view *view, const struct table *table);

/* The node of a transaction, with a new reference. NULL: out of memory. */
struct node *tree_tx_node(struct fs *fs, struct tx *tx, uid_t owner);

/*
 * A new node for one that writes a file of a table or of a selection, whose directory is `dir` (or
 * any node in it). `shares_ino`: st_ino is the reader's. NULL: out of memory.
 */
struct node *tree_writer_node(struct fs *fs, const struct node *dir, struct table *table,
                              enum table_file file, bool shares_ino);

/*
 * What is read from such a file, of this version of the table: new. Errors: those of
 * derived_create; -EACCES, nothing is; -ENOMEM.
 */
int tree_file_content(struct fs *fs, const struct node *dir, struct table *table,
                      enum table_file file, struct content **ret_content, struct err *err);

/* Which file of a table has this name; FILE_OTHER: none that is written or derived. */
enum table_file tree_file_named(const char *name);

/* A new node for a scratch file. Errors: see scratch_create. */
int tree_scratch_node(struct fs *fs, uint64_t made_version, struct node *table_node,
                      const char *name, uid_t owner, mode_t mode, struct node **ret_node,
                      struct err *err);

/*
 * The table that a table's node stands for, borrowed from the snapshot.
 * Errors: -ENOENT, it was dropped; -ESTALE, it was renamed or dropped elsewhere and
 * the kernel is to walk the path again.
 */
int tree_table(struct fs *fs, struct node *node, const struct snapshot *snapshot, pid_t tid,
               struct table **ret_table);

/* Whether the process of this thread is not to see a file of the directory `dir`, `rows` or
 * `schema`. */
bool tree_hides(struct node *dir, const struct table *table, enum table_file file, pid_t tid);

void tree_attr(struct fs *fs, struct node *node, struct stat *ret_attr);

/* For how many seconds the kernel may keep the attributes of a node. */
double tree_attr_seconds(const struct node *node);

/* What the file `isolation` says. Static. */
const char *tree_isolation_text(struct tx *tx);

/* Whether `name` looks like data that its user meant to append to a table. */
bool tree_is_data_name(const char *name);

#endif
