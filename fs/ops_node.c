/* SPDX-License-Identifier: MIT */
/* Operations on inodes: looking up, forgetting, attributes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "fs/caller.h"
#include "fs/content.h"
#include "fs/reply.h"
#include "fs/tree.h"

/* ENOENT and ESTALE are answers, not refusals: nobody needs a line in `errors` for them. */
static void reply_lookup_error(fuse_req_t req, struct node *parent, const char *name, int code,
                               const struct err *err)
{
    bool is_below_by = parent->kind == NODE_BY || parent->kind == NODE_COLUMN;

    /* What is wrong with a value is not to be guessed; any other name is just not there. */
    if (code == -ESTALE || code == -ENOTDIR || (code == -ENOENT && !is_below_by))
        fuse_reply_err(req, -code);
    else
        reply_refusal(req, parent, name, code, err);
}

void fs_op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    struct tree_caller caller = {.uid = ctx->uid, .tid = ctx->pid};
    struct fs *fs = fs_of(req);
    struct fuse_entry_param entry = {0};
    struct err err = ERR_INIT;
    struct node *node;
    int r = tree_lookup(fs, fs_node(fs, parent), name, &caller, &node, &entry.entry_timeout, &err);

    if (r < 0) {
        reply_lookup_error(req, fs_node(fs, parent), name, r, &err);
        return;
    }
    entry.ino = node_id(node);
    tree_attr(fs, node, &entry.attr);
    entry.attr_timeout = tree_attr_seconds(node);
    if (fuse_reply_entry(req, &entry) < 0)
        node_unref(&fs->nodes, node, 1); /* the request was interrupted: the kernel knows nothing */
}

static void forget(struct fs *fs, fuse_ino_t ino, uint64_t count)
{
    if (ino != FUSE_ROOT_ID)
        node_unref(&fs->nodes, fs_node(fs, ino), count);
}

void fs_op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
    forget(fs_of(req), ino, count);
    fuse_reply_none(req);
}

void fs_op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        forget(fs_of(req), forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, struct node *node)
{
    struct stat attr;

    tree_attr(fs_of(req), node, &attr);
    fuse_reply_attr(req, &attr, tree_attr_seconds(node));
}

void fs_op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)fi;
    reply_attr(req, fs_node(fs_of(req), ino));
}

/* --- setattr ------------------------------------------------------------------- */

/* chmod and chown are for the mount's options; what holds already is not refused. */
static int check_owner_and_mode(fuse_req_t req, struct node *node, const struct stat *attr,
                                int to_set)
{
    struct stat is;

    tree_attr(fs_of(req), node, &is);
    if (((to_set & FUSE_SET_ATTR_UID) && attr->st_uid != is.st_uid) ||
        ((to_set & FUSE_SET_ATTR_GID) && attr->st_gid != is.st_gid && node->kind != NODE_SCRATCH))
        return -EPERM;
    if (node->kind == NODE_SCRATCH || !(to_set & FUSE_SET_ATTR_MODE) ||
        (attr->st_mode & 07777) == (is.st_mode & 07777))
        return 0;
    /* install(1) makes a file with one mode, sets that again, and then the one it wants. */
    return node->kind == NODE_WRITER && node->mode && (attr->st_mode & 07777) == node->mode
               ? 0
               : -EPERM;
}

static int setattr_scratch(struct node *node, const struct stat *attr, int to_set, struct err *err)
{
    if (to_set & FUSE_SET_ATTR_MODE)
        node->mode = S_IFREG | (attr->st_mode & 07777);
    if (to_set & FUSE_SET_ATTR_MTIME_NOW)
        atomic_store(&node->mtime_usec, time_now_usec());
    else if (to_set & FUSE_SET_ATTR_MTIME)
        atomic_store(&node->mtime_usec,
                     (int64_t)attr->st_mtim.tv_sec * 1000000 + attr->st_mtim.tv_nsec / 1000);
    return to_set & FUSE_SET_ATTR_SIZE
               ? scratch_truncate(node->scratch, (uint64_t)attr->st_size, err)
               : 0;
}

/* truncate(2) by path, when it is over. */
struct truncation {
    fuse_req_t req;
    struct node *node;
};

static void truncated(void *context, int result, const struct err *err)
{
    struct truncation *t = context;

    if (result < 0 && err)
        reply_refusal(t->req, t->node, NULL, result, err);
    else if (result < 0)
        reply_code(t->req, result);
    else
        reply_attr(t->req, t->node);
    free(t);
}

/* truncate(2) by path: an open, a truncation and a close in one. */
static void truncate_rows(fuse_req_t req, struct node *node, uint64_t bytes)
{
    struct openfile_options options = {.kind = fs_openfile_kind(node),
                                       .selection = node->selection,
                                       .tx = view_tx(node->view),
                                       .append = true};
    struct truncation *t = malloc(sizeof *t);
    struct err err = ERR_INIT;
    struct openfile *file;
    int r = t ? db_check_writable(fs_of(req)->db, &err) : -ENOMEM;

    if (!r)
        r = openfile_create(fs_of(req)->db, node->at, &options, &file);
    if (r < 0) {
        free(t);
        reply_refusal(req, node, NULL, r, &err);
        return;
    }
    *t = (struct truncation){.req = req, .node = node};
    r = openfile_truncate(file, bytes, &err);
    atomic_store(&node->bytes, bytes);
    if (r < 0) {
        openfile_abort(file);
        reply_note(fs_of(req), reply_caller(req), node, NULL, r, &err);
    }
    openfile_release(file, truncated, t);
}

/* The size of a version never changes: truncating is writing, on an inode for writing. */
static void setattr_size(fuse_req_t req, struct node *node, const struct handle *handle,
                         uint64_t bytes)
{
    struct fs *fs = fs_of(req);
    struct err err = ERR_INIT;
    int r;

    if (node->kind == NODE_CONTENT) {
        if (redirect_begin(&fs->redirects, fuse_req_ctx(req)->pid, node, true, O_TRUNC))
            fuse_reply_err(req, ESTALE);
        else
            reply_refusal_text(req, node, NULL, -EPERM,
                               "this file cannot be truncated by this path");
        return;
    }
    if (!handle || handle->kind != HANDLE_OPENFILE) {
        redirect_end(&fs->redirects, fuse_req_ctx(req)->pid);
        truncate_rows(req, node, bytes);
        return;
    }
    r = openfile_truncate(handle->file, bytes, &err);
    atomic_store(&node->bytes, openfile_bytes(handle->file));
    if (r < 0)
        reply_refusal(req, node, NULL, r, &err);
    else
        reply_attr(req, node);
}

void fs_op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
                   struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct node *node = fs_node(fs, ino);
    const struct handle *handle = fi ? fs_handle(fi) : NULL;
    struct err err = ERR_INIT;
    int r = check_owner_and_mode(req, node, attr, to_set);

    if (view_is_past(node->view)) {
        reply_past(req, node, NULL);
        return;
    }
    if (r < 0) {
        reply_refusal_text(req, node, NULL, r,
                           "owner and mode are the mount's (options uid, gid, umask)");
        return;
    }
    if (node->kind == NODE_SCRATCH) {
        r = setattr_scratch(node, attr, to_set, &err);
        if (r < 0)
            reply_refusal(req, node, NULL, r, &err);
        else
            reply_attr(req, node);
        return;
    }
    if ((to_set & FUSE_SET_ATTR_SIZE) &&
        (node->kind == NODE_WRITER || (node->kind == NODE_CONTENT && (node->mode & 0222)))) {
        setattr_size(req, node, handle, (uint64_t)attr->st_size);
        return;
    }
    /* Times are accepted and stay those of the commit; a stream has no size to set. */
    reply_attr(req, node);
}

void fs_op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    struct node *node = fs_node(fs_of(req), ino);
    char target[64];
    int n = node->kind == NODE_LINK
                ? content_read(node->content, target, sizeof target - 1, 0, NULL)
                : -EINVAL;

    if (n < 0) {
        reply_code(req, n);
        return;
    }
    target[n] = '\0';
    fuse_reply_readlink(req, target);
}

void fs_op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct statvfs vfs;
    int r = store_statvfs(db_store(fs_of(req)->db), &vfs);

    (void)ino;
    if (r < 0) {
        reply_code(req, r);
        return;
    }
    vfs.f_namemax = NAME_MAX;
    fuse_reply_statfs(req, &vfs);
}
