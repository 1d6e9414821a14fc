/* SPDX-License-Identifier: MIT */
/*
 * A mount: what the FUSE operations share. They are spread over ops_*.c; each
 * decodes its request, asks the core once, and replies once (reply.h).
 */
#ifndef ROWFS_FS_FS_H
#define ROWFS_FS_FS_H

#include "core/db.h"
#include "core/distinct.h"
#include "core/openfile.h"
#include "core/txset.h"
#include "fs/followers.h"
#include "fs/forgetter.h"
#include "fs/lineage.h"
#include "fs/node.h"
#include "fs/redirect.h"
#include "fs/refusals.h"
#include "fs/scratchdir.h"
#include "fs/settle.h"

/* How the mount looks to its users. */
struct fs_options {
    uid_t uid;
    gid_t gid;
    mode_t umask;
    bool trust_close;      /* a close of a process that cannot be seen is a commit */
    uint64_t tx_idle_usec; /* after which a transaction that nobody uses is aborted; 0: never */
};

/* A descriptor that the kernel has open. */
struct handle {
    enum handle_kind {
        HANDLE_CONTENT,
        HANDLE_OPENFILE,
        HANDLE_SCRATCH,
        HANDLE_DIRECTORY,
        HANDLE_COMMIT, /* of a transaction, open for writing */
        HANDLE_ISOLATION,
        HANDLE_FOLLOWER, /* of a stream, open for reading */
    } kind;
    struct node
        *node; /* owned reference: RELEASE can still commit when the kernel has forgotten it */
    struct handle *next, **link; /* in fs->handles */

    struct content *content; /* CONTENT: owned reference */

    pid_t opener_tid; /* who has opened it */
    pid_t opener;     /* OPENFILE, COMMIT: the process */
    uid_t opener_uid;
    struct settle_ticket ticket;

    struct openfile *file; /* OPENFILE */
    struct lineage lineage;
    _Atomic bool decided; /* COMMIT: a close means nothing any more */

    struct follower *follower; /* FOLLOWER */

    struct snapshot *snapshot; /* DIRECTORY: what it lists; owned reference */
    struct table *table;       /* DIRECTORY of a table: borrowed from the snapshot */
    unsigned hidden;           /* DIRECTORY of a table: 1 << enum table_file */
    struct buf ids;            /* DIRECTORY tx, by: what it lists, each with its NUL */
    struct distinct *distinct; /* DIRECTORY by/<column>: what it lists, one by one */
    struct buf value;          /* the one that came last */
    uint64_t values_at;        /* how many have come */
};

struct fs {
    struct db *db;
    struct fs_options options;
    const char *store_path;
    struct fuse_session *session;

    struct nodes nodes;
    struct node *root;
    struct redirects redirects;
    struct settle settle;
    struct refusals refusals;
    struct scratchdir scratches;
    struct scratch_budget scratch_budget;
    struct txset *txs;
    struct followers *followers;
    struct forgetter forgetter;

    pthread_mutex_t handles_lock;
    struct handle *handles; /* all that are open, for `info` and for shutdown */

    void (*on_init)(void *context); /* the kernel talks to us: the mount is usable */
    void *on_init_context;
};

extern const struct fuse_lowlevel_ops fs_ops;

/* Errors: -ENOMEM. */
int fs_init(struct fs *fs, struct db *db, const struct fs_options *options, const char *store_path);
/*
 * After the last request. With `unmounted`, every file was closed, and what a
 * last close would have decided is committed; otherwise it is dropped.
 */
void fs_finish(struct fs *fs, bool unmounted);

/* A new handle of the thread `tid`, in the list of all. NULL: out of memory. */
struct handle *fs_handle_new(struct fs *fs, enum handle_kind kind, struct node *node, pid_t tid);

/* Unlinks and frees it with all but its open file. */
void fs_handle_destroy(struct fs *fs, struct handle *handle);

static inline struct fs *fs_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static inline struct node *fs_node(struct fs *fs, fuse_ino_t ino)
{
    return ino == FUSE_ROOT_ID ? fs->root : (struct node *)(uintptr_t)ino;
}

static inline struct handle *fs_handle(const struct fuse_file_info *fi)
{
    return (struct handle *)(uintptr_t)fi->fh;
}

/*
 * What the view shows, of now the newest snapshot; after the last closes that
 * came before. New reference. Errors: as tx_view and db_refresh.
 */
int fs_view(struct fs *fs, struct view *view, struct snapshot **ret_snapshot, struct err *err);

/* The same as far as it is known without asking the store; what is now for one that is over. */
struct snapshot *fs_known_view(struct fs *fs, struct view *view);

/* How the file of a writer's node, or a stream, is written. */
enum openfile_kind fs_openfile_kind(const struct node *node);

/* The operations, by file. */
void fs_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void fs_op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void fs_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                   struct fuse_file_info *fi);
void fs_op_readlink(fuse_req_t req, fuse_ino_t ino);
void fs_op_statfs(fuse_req_t req, fuse_ino_t ino);

void fs_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                   struct fuse_file_info *fi);
void fs_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                       struct fuse_file_info *fi);
void fs_op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

void fs_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void fs_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void fs_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                  const char *new_name, unsigned flags);
void fs_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev);
void fs_op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void fs_op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);

void fs_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                  struct fuse_file_info *fi);
void fs_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void fs_op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
                 struct fuse_file_info *fi);
void fs_op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void fs_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
                struct fuse_pollhandle *ph);

#endif
