/* SPDX-License-Identifier: MIT */
/*
 * Nodes: what the kernel holds an inode of. The kernel's reference (a LOOKUP
 * that was answered, taken back by FORGET) and our own are one count.
 *
 * A finite file is a node per content: the rows of a table at version 7 and at
 * version 8 are two inodes, so that an open descriptor reads its snapshot, the
 * page cache never has to be told of a change, and a new open sees the newest
 * version. Writers of rows get an inode of their own (redirect.h says how), since the
 * kernel would show readers of theirs the size that it grows to.
 */
#ifndef ROWFS_FS_NODE_H
#define ROWFS_FS_NODE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/scratch.h"
#include "core/selection.h"
#include "core/snapshot.h"
#include "core/table.h"

#include "fs/view.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

enum node_kind {
    NODE_ROOT,
    NODE_TABLES,
    NODE_TABLE,     /* the directory of a table */
    NODE_CONTENT,   /* a file that never changes (content.h) */
    NODE_WRITER,    /* a file of a table for one that writes */
    NODE_BY,        /* the directory by/ of a table or of a selection */
    NODE_COLUMN,    /* by/<column>/ */
    NODE_SELECTION, /* by/<column>/<value>/ */
    NODE_STREAM,
    NODE_SCRATCH,
    NODE_TXS,    /* the directory tx/ */
    NODE_TX,     /* that of a transaction */
    NODE_TX_NEW, /* opening it begins one */
    NODE_TX_COMMIT,
    NODE_TX_ISOLATION,
    NODE_ATS,  /* the directory at/ */
    NODE_AT,   /* that of a version */
    NODE_LINK, /* a symbolic link; its content is where it leads */
};

struct content;

/* Which file of a table, or of a selection of its rows. */
enum table_file {
    FILE_OTHER,
    FILE_ROWS,
    FILE_CSV,
    FILE_TSV,
    FILE_SCHEMA,
    FILE_PATCH,
};

struct node {
    enum node_kind kind;
    _Atomic uint64_t refs;
    uint64_t ino;                      /* st_ino */
    char *key;                         /* finds the node again; NULL: never */
    struct node *next;                 /* in its bucket */
    struct node *all_next, **all_link; /* in the list of all */

    struct view *view;           /* what it belongs to, with a reference; NULL: now */
    struct uuid table;           /* TABLE and what is below it: the table */
    enum table_file file;        /* CONTENT, WRITER */
    struct selection *selection; /* below by/: with a reference; NULL: all rows */
    struct node *parent;         /* SELECTION: its directory, by/<column>; holds a reference */
    struct node *older, *newer;  /* SELECTION: by last use, while it is in that list */
    bool is_listed;
    struct table *at;       /* WRITER, CONTENT of a table: the version that it was looked up at */
    _Atomic uint64_t bytes; /* WRITER: the size that its writer sees */
    _Atomic unsigned opens; /* WRITER, STREAM: open files; more than one through /proc/self/fd */

    pthread_mutex_t name_lock;
    char name[NAME_MAX +
              1]; /* TABLE: the name by which the kernel knows it; TX: its id; others: their own */
    pid_t hidden_for;      /* TABLE, SELECTION: the process that sees no `rows` (tree.h); 0: none */
    int64_t hidden_usec;   /* since then, monotonic */
    unsigned hidden_files; /* which: 1 << enum table_file */
    uint64_t removed_version; /* in which that process removed the rows; 0: it made the table */

    struct content *content; /* CONTENT, LINK */
    struct scratch *scratch; /* SCRATCH */
    uid_t owner;             /* SCRATCH, TX, TX_COMMIT, TX_ISOLATION */
    mode_t mode; /* SCRATCH; CONTENT: its permission bits; WRITER: those asked at creat(2) */
    _Atomic int64_t mtime_usec; /* SCRATCH */
};

struct nodes {
    pthread_mutex_t lock;
    struct node **buckets;
    size_t bucket_count, keyed;
    struct node *all;
    struct node *oldest, *newest; /* selections, by last use */
    size_t selection_count;
};

int nodes_init(struct nodes *nodes);    /* Errors: -ENOMEM. */
void nodes_finish(struct nodes *nodes); /* frees what the kernel did not forget */

/* The node with this key and one more reference, or NULL. */
struct node *node_find(struct nodes *nodes, const char *key);

/*
 * A new node with one reference that nobody finds yet; st_ino is made of `key`.
 * The caller fills it in and hands it to node_publish. NULL: out of memory.
 */
struct node *node_new(enum node_kind kind, const char *key, struct view *view);

/*
 * Makes a node known, `findable` also by its key. Takes the caller's reference and
 * returns the node to use: this one, or the one that another thread has
 * published under the same key meanwhile.
 */
struct node *node_publish(struct nodes *nodes, struct node *node, bool findable);

void node_ref(struct node *node);
void node_unref(struct nodes *nodes, struct node *node, uint64_t count);

/* A selection is used now. Returns how many are remembered. */
size_t node_use(struct nodes *nodes, struct node *node);

/*
 * The selections that were used longest ago, as far as there are more than `keep`, at most `max`:
 * each with a new reference, and not remembered any more until it is used again. Returns how many.
 */
size_t nodes_take_oldest(struct nodes *nodes, size_t keep, struct node **ret_nodes, size_t max);

/* From now on a search for its key finds nothing: the next lookup makes another node. */
void node_retire(struct nodes *nodes, struct node *node);

/* The kernel's number of a node, and back. The root is number 1 whatever its address. */
fuse_ino_t node_id(const struct node *node);

void node_set_name(struct node *node, const char *name);
void node_get_name(struct node *node, char ret_name[NAME_MAX + 1]);

/* A stable st_ino: the same in every mount, for as long as `identity` means the same thing. */
uint64_t node_ino_of(const char *identity);

#endif
