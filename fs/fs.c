/* SPDX-License-Identifier: MIT */
/* A mount as a whole: its beginning, its end, and the table of its operations. */
#include "fs/fs.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/reply.h"
#include "fs/trace.h"

int fs_init(struct fs *fs, struct db *db, const struct fs_options *options,
            const char *store_path)
{
    bool made;

    *fs = (struct fs){.db = db, .options = *options, .store_path = store_path};
    fs->scratch_budget.limit = db_limits(db)->scratch_bytes;
    if (nodes_init(&fs->nodes) < 0)
        return -ENOMEM;
    redirects_init(&fs->redirects, &fs->nodes);
    settle_init(&fs->settle);
    refusals_init(&fs->refusals);
    scratchdir_init(&fs->scratches, &fs->nodes);
    pthread_mutex_init(&fs->writing_lock, NULL);
    fs->root = node_make(&fs->nodes, NODE_ROOT, NULL, FUSE_ROOT_ID, &made);
    return fs->root ? 0 : -ENOMEM;
}

static void note_dropped(void *context, int result, const struct err *err)
{
    struct handle *handle = context;

    if (result < 0 && err)
        trace_error("process %d: %s", (int)handle->opener, err->text);
}

/* Files whose last close the kernel did not tell us of any more. */
static void end_writing(struct fs *fs, bool unmounted)
{
    while (fs->writing) {
        struct handle *handle = fs->writing;

        fs->writing = handle->next;
        if (!unmounted) {
            if (openfile_is_undecided(handle->file))
                trace_error("process %d had a file open: what it wrote was not committed",
                            (int)handle->opener);
            openfile_abort(handle->file);
        }
        openfile_release(handle->file, note_dropped, handle);
        free(handle);
    }
}

void fs_finish(struct fs *fs, bool unmounted)
{
    end_writing(fs, unmounted);
    redirects_finish(&fs->redirects);
    scratchdir_finish(&fs->scratches);
    nodes_finish(&fs->nodes);
    settle_finish(&fs->settle);
    refusals_finish(&fs->refusals);
    pthread_mutex_destroy(&fs->writing_lock);
}

int fs_refresh(struct fs *fs, struct snapshot **ret_snapshot, struct err *err)
{
    settle_wait(&fs->settle);
    return db_refresh(fs->db, ret_snapshot, err);
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
};
