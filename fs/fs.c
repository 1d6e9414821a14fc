/* SPDX-License-Identifier: MIT */
/* A mount as a whole: its beginning, its end, and the table of its operations. */
#include "fs/fs.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/content.h"
#include "fs/loop.h"
#include "fs/reply.h"
#include "fs/trace.h"

int fs_init(struct fs *fs, struct db *db, const struct fs_options *options, const char *store_path)
{
    *fs = (struct fs){.db = db, .options = *options, .store_path = store_path};
    fs->scratch_budget.limit = db_limits(db)->scratch_bytes;
    if (nodes_init(&fs->nodes) < 0)
        return -ENOMEM;
    redirects_init(&fs->redirects, &fs->nodes);
    settle_init(&fs->settle);
    refusals_init(&fs->refusals);
    scratchdir_init(&fs->scratches, &fs->nodes);
    forgetter_init(&fs->forgetter, &fs->nodes);
    pthread_mutex_init(&fs->handles_lock, NULL);
    fs->root = node_new(NODE_ROOT, "", NULL);
    if (!fs->root || txset_create(db, options->tx_idle_usec, &fs->txs) < 0 ||
        followers_create(db, &fs->followers) < 0)
        return -ENOMEM;
    fs->root = node_publish(&fs->nodes, fs->root, false);
    return 0;
}

static void note_dropped(void *context, int result, const struct err *err)
{
    struct handle *handle = context;

    if (result < 0 && err)
        trace_error("process %d: %s", (int)handle->opener, err->text);
}

static void end_openfile(struct handle *handle, bool unmounted)
{
    if (!unmounted) {
        if (openfile_is_undecided(handle->file))
            trace_error("process %d had a file open: what it wrote was not committed",
                        (int)handle->opener);
        openfile_abort(handle->file);
    }
    openfile_release(handle->file, note_dropped, handle);
}

struct handle *fs_handle_new(struct fs *fs, enum handle_kind kind, struct node *node, pid_t tid)
{
    struct handle *handle = calloc(1, sizeof *handle);

    if (!handle)
        return NULL;
    handle->kind = kind;
    handle->opener_tid = tid;
    lineage_init(&handle->lineage);
    node_ref(node);
    handle->node = node;
    pthread_mutex_lock(&fs->handles_lock);
    handle->next = fs->handles;
    handle->link = &fs->handles;
    if (fs->handles)
        fs->handles->link = &handle->next;
    fs->handles = handle;
    pthread_mutex_unlock(&fs->handles_lock);
    return handle;
}

static void unlink_handle(struct fs *fs, struct handle *handle)
{
    pthread_mutex_lock(&fs->handles_lock);
    *handle->link = handle->next;
    if (handle->next)
        handle->next->link = handle->link;
    pthread_mutex_unlock(&fs->handles_lock);
}

void fs_handle_destroy(struct fs *fs, struct handle *handle)
{
    unlink_handle(fs, handle);
    if (handle->kind == HANDLE_OPENFILE)
        atomic_fetch_sub(&handle->node->opens, 1);
    content_unref(handle->content);
    snapshot_unref(handle->snapshot);
    buf_finish(&handle->ids);
    buf_finish(&handle->value);
    distinct_destroy(handle->distinct);
    follower_destroy(handle->follower);
    lineage_finish(&handle->lineage);
    if (handle->kind == HANDLE_COMMIT)
        tx_release(handle->node->view->tx);
    node_unref(&fs->nodes, handle->node, 1);
    free(handle);
}

void fs_finish(struct fs *fs, bool unmounted)
{
    forgetter_finish(&fs->forgetter);
    followers_end(fs->followers); /* those who wait are told that there is no more */
    while (fs->handles) {         /* those whose last close the kernel did not tell us of */
        if (fs->handles->file)
            end_openfile(fs->handles, unmounted);
        fs_handle_destroy(fs, fs->handles);
    }
    followers_destroy(fs->followers);
    txset_destroy(fs->txs);
    redirects_finish(&fs->redirects);
    scratchdir_finish(&fs->scratches);
    nodes_finish(&fs->nodes);
    settle_finish(&fs->settle);
    refusals_finish(&fs->refusals);
    pthread_mutex_destroy(&fs->handles_lock);
}

int fs_view(struct fs *fs, struct view *view, struct snapshot **ret_snapshot, struct err *err)
{
    settle_wait(&fs->settle, loop_pass_turn);
    if (view_is_past(view)) {
        *ret_snapshot = snapshot_ref(view->past);
        return 0;
    }
    return view_tx(view) ? tx_view(view->tx, ret_snapshot, err)
                         : db_refresh(fs->db, ret_snapshot, err);
}

struct snapshot *fs_known_view(struct fs *fs, struct view *view)
{
    struct snapshot *snapshot;

    if (view_is_past(view))
        return snapshot_ref(view->past);
    return view_tx(view) && tx_view(view->tx, &snapshot, NULL) == 0 ? snapshot : db_head(fs->db);
}

static void on_init(void *userdata, struct fuse_conn_info *conn)
{
    struct fs *fs = userdata;

    /* `> rows` in one request, so that it is known at open that the rows are to be replaced. */
    conn->want |= conn->capable & FUSE_CAP_ATOMIC_O_TRUNC;
    if (fs->on_init)
        fs->on_init(fs->on_init_context);
}

const struct fuse_lowlevel_ops fs_ops = {
    .init = on_init,
    .lookup = fs_op_lookup,
    .forget = fs_op_forget,
    .forget_multi = fs_op_forget_multi,
    .getattr = fs_op_getattr,
    .setattr = fs_op_setattr,
    .readlink = fs_op_readlink,
    .statfs = fs_op_statfs,
    .opendir = fs_op_opendir,
    .readdir = fs_op_readdir,
    .readdirplus = fs_op_readdirplus,
    .releasedir = fs_op_releasedir,
    .mkdir = fs_op_mkdir,
    .rmdir = fs_op_rmdir,
    .unlink = fs_op_unlink,
    .rename = fs_op_rename,
    .mknod = fs_op_mknod,
    .symlink = fs_op_symlink,
    .link = fs_op_link,
    .create = fs_op_create,
    .open = fs_op_open,
    .read = fs_op_read,
    .write = fs_op_write,
    .flush = fs_op_flush,
    .fsync = fs_op_fsync,
    .release = fs_op_release,
    .poll = fs_op_poll,
};
