/* SPDX-License-Identifier: MIT */
/* What stat(2) says. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "fs/content.h"
#include "fs/tree.h"

CLEANUP_POINTER(struct snapshot, snapshot_unref)

static void set_time(struct stat *attr, int64_t usec)
{
    struct timespec time = {.tv_sec = usec / 1000000, .tv_nsec = usec % 1000000 * 1000};

    attr->st_mtim = attr->st_ctim = attr->st_atim = time;
}

static void attr_file(struct fs *fs, struct stat *attr, mode_t mode, uint64_t bytes)
{
    attr->st_mode = S_IFREG | (mode & ~fs->options.umask);
    attr->st_size = (off_t)bytes;
    attr->st_blocks = (blkcnt_t)((bytes + 511) / 512);
}

/* The time of the last commit that changed what a directory lists. */
static int64_t directory_time(struct fs *fs, const struct node *node)
{
    cleanup(snapshot_unref_p) struct snapshot *seen = fs_known_view(fs, node->view);
    const struct table *table = snapshot_table(seen, node->table);

    return node->kind == NODE_TABLE && table ? table->named_usec : seen->named_usec;
}

static void attr_stream(struct fs *fs, const struct node *node, struct stat *attr)
{
    cleanup(snapshot_unref_p) struct snapshot *seen = fs_known_view(fs, node->view);
    const struct table *table = snapshot_table(seen, node->table);

    attr_file(fs, attr, view_is_past(node->view) ? 0444 : 0666, 0);
    set_time(attr, table ? table->time_usec : seen->time_usec);
}

/* A transaction and its files are its owner's alone. */
static void attr_tx(struct fs *fs, const struct node *node, mode_t mode, struct stat *attr)
{
    attr->st_mode = mode & ~fs->options.umask;
    attr->st_uid = node->owner;
    if (view_tx(node->view))
        set_time(attr, tx_began_usec(node->view->tx));
}

void tree_attr(struct fs *fs, struct node *node, struct stat *ret_attr)
{
    *ret_attr = (struct stat){
        .st_ino = node->ino,
        .st_nlink = 1,
        .st_uid = fs->options.uid,
        .st_gid = fs->options.gid,
        .st_blksize = 128 * 1024,
    };
    switch (node->kind) {
    case NODE_ROOT:
    case NODE_TABLES:
    case NODE_TABLE:
    case NODE_BY:
    case NODE_COLUMN:
    case NODE_SELECTION:
    case NODE_TXS:
    case NODE_ATS:
    case NODE_AT:
        ret_attr->st_mode = S_IFDIR | (0777 & ~fs->options.umask);
        set_time(ret_attr, directory_time(fs, node));
        break;
    case NODE_CONTENT:
        attr_file(fs, ret_attr, node->mode, content_bytes(node->content));
        set_time(ret_attr, content_time_usec(node->content));
        break;
    case NODE_WRITER:
        attr_file(fs, ret_attr, node->file == FILE_PATCH ? 0222 : 0666, atomic_load(&node->bytes));
        set_time(ret_attr, node->at->time_usec);
        break;
    case NODE_STREAM:
        attr_stream(fs, node, ret_attr);
        break;
    case NODE_SCRATCH:
        attr_file(fs, ret_attr, 0, scratch_bytes(node->scratch));
        ret_attr->st_mode = node->mode;
        ret_attr->st_uid = node->owner;
        set_time(ret_attr, atomic_load(&node->mtime_usec));
        break;
    case NODE_TX:
        attr_tx(fs, node, S_IFDIR | 0700, ret_attr);
        break;
    case NODE_TX_NEW:
        attr_file(fs, ret_attr, 0444, TXSET_FRESH_BYTES + 1);
        set_time(ret_attr, time_now_usec());
        break;
    case NODE_TX_COMMIT:
        attr_tx(fs, node, S_IFREG | 0200, ret_attr);
        break;
    case NODE_TX_ISOLATION:
        attr_tx(fs, node, S_IFREG | 0600, ret_attr);
        ret_attr->st_size = (off_t)strlen(tree_isolation_text(node->view->tx));
        break;
    case NODE_LINK:
        ret_attr->st_mode = S_IFLNK | 0777;
        ret_attr->st_size = (off_t)content_bytes(node->content);
        set_time(ret_attr, content_time_usec(node->content));
        break;
    }
}

double tree_attr_seconds(const struct node *node)
{
    switch (node->kind) {
    case NODE_ROOT:
    case NODE_TABLES:
    case NODE_STREAM:
    case NODE_TXS:
    case NODE_ATS:
        return TREE_CHANGES;
    case NODE_TX_ISOLATION:
        return 0;    /* another process may write it */
    case NODE_TABLE: /* looked up each time, which brings them anew */
    case NODE_BY:
    case NODE_COLUMN:
    case NODE_SELECTION:
    case NODE_CONTENT: /* never changes */
    case NODE_WRITER:  /* its size is what the kernel counts itself */
    case NODE_SCRATCH:
    case NODE_TX:
    case NODE_TX_NEW:
    case NODE_TX_COMMIT:
    case NODE_AT:
    case NODE_LINK:
        return TREE_FOREVER;
    }
    return 0;
}
