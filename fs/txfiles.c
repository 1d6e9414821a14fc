/* SPDX-License-Identifier: MIT */
/* Beginning and ending transactions. */
#include "fs/txfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "fs/caller.h"
#include "fs/content.h"
#include "fs/loop.h"
#include "fs/reply.h"
#include "fs/trace.h"
#include "fs/tree.h"

CLEANUP_POINTER(struct tx, tx_unref)

static bool writes_in(const struct handle *handle, const struct tx *tx)
{
    return handle->file && view_tx(handle->node->view) == tx && openfile_is_undecided(handle->file);
}

int txfiles_writers(struct fs *fs, struct tx *tx, struct tx_writer **ret_writers, size_t *ret_count)
{
    struct tx_writer *writers = NULL;
    size_t count = 0;
    int r = 0;

    pthread_mutex_lock(&fs->handles_lock);
    for (const struct handle *h = fs->handles; h && !r; h = h->next) {
        struct tx_writer *more;

        if (!writes_in(h, tx))
            continue;
        more = realloc(writers, (count + 1) * sizeof *writers);
        if (more) {
            writers = more;
            writers[count++] = (struct tx_writer){.pid = h->opener};
        } else {
            r = -ENOMEM;
        }
    }
    pthread_mutex_unlock(&fs->handles_lock);
    if (r < 0) {
        free(writers);
        return r;
    }
    *ret_writers = writers;
    *ret_count = count;
    return 0;
}

/* --- begin and remove --------------------------------------------------------------------- */

void txfiles_mkdir(fuse_req_t req, struct node *dir, const char *name)
{
    struct fs *fs = fs_of(req);
    cleanup(tx_unref_p) struct tx *tx = NULL;
    struct fuse_entry_param entry = {.attr_timeout = 0};
    uid_t owner = fuse_req_ctx(req)->uid;
    struct err err = ERR_INIT;
    struct node *node;
    int r;

    settle_wait(&fs->settle, loop_pass_turn);
    r = strcmp(name, "new") ? txset_begin(fs->txs, name, owner, &tx, &err)
                            : err_set(&err, -EEXIST, "tx/new begins one with an id of its own");
    if (r < 0) {
        reply_refusal(req, dir, name, r, &err);
        return;
    }
    node = tree_tx_node(fs, tx, owner);
    if (!node) {
        txset_remove(fs->txs, name, NULL);
        reply_code(req, -ENOMEM);
        return;
    }
    entry.ino = node_id(node);
    tree_attr(fs, node, &entry.attr);
    if (fuse_reply_entry(req, &entry) < 0)
        node_unref(&fs->nodes, node, 1);
}

void txfiles_rmdir(fuse_req_t req, struct node *dir, const char *name)
{
    struct fs *fs = fs_of(req);
    cleanup(tx_unref_p) struct tx *tx = NULL;
    uid_t owner, uid = fuse_req_ctx(req)->uid;
    struct err err = ERR_INIT;
    int r;

    tx = txset_find(fs->txs, name, &owner);
    if (!tx) {
        fuse_reply_err(req, 0); /* committed, and known from the log alone: there it stays */
        return;
    }
    if (uid != owner && uid != 0) {
        reply_refusal_text(req, dir, name, -EACCES, "the transaction is another user's");
        return;
    }
    r = txset_remove(fs->txs, name, &err);
    scratchdir_remove_tx(&fs->scratches, tx);
    if (r < 0 && r != -ENOENT)
        reply_refusal(req, dir, name, r, &err);
    else
        reply_code(req, r);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void reply_text(fuse_req_t req, struct node *node, struct buf *text,
                       struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct content *content = content_of_text(text, 0);
    struct handle *handle =
        content ? fs_handle_new(fs, HANDLE_CONTENT, node, fuse_req_ctx(req)->pid) : NULL;

    if (!handle) {
        content_unref(content);
        reply_code(req, -ENOMEM);
        return;
    }
    handle->content = content;
    fi->fh = (uintptr_t)handle;
    fi->direct_io = 1; /* what it says is not what another open of it says */
    fi->noflush = 1;
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_destroy(fs, handle);
}

void txfiles_open_new(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    cleanup(tx_unref_p) struct tx *tx = NULL;
    cleanup_buf struct buf text = {0};
    struct err err = ERR_INIT;
    int r;

    if ((fi->flags & O_ACCMODE) != O_RDONLY) {
        reply_refusal_text(req, node, NULL, -EACCES, "this file can only be read");
        return;
    }
    settle_wait(&fs->settle, loop_pass_turn);
    r = txset_begin(fs->txs, NULL, fuse_req_ctx(req)->uid, &tx, &err);
    if (!r && buf_printf(&text, "%s\n", tx_id(tx)) < 0)
        r = err_nomem(&err);
    if (r < 0)
        reply_refusal(req, node, NULL, r, &err);
    else
        reply_text(req, node, &text, fi);
}

static void open_commit(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    struct handle *handle;

    if (!fs->options.trust_close && !caller_is_visible(ctx->pid)) {
        reply_refusal_text(req, node, NULL, -EPERM,
                           "how this process will end cannot be seen from here: mount with "
                           "-o trust_close to trust its close");
        return;
    }
    handle = fs_handle_new(fs, HANDLE_COMMIT, node, fuse_req_ctx(req)->pid);
    if (!handle) {
        reply_code(req, -ENOMEM);
        return;
    }
    tx_hold(node->view->tx);
    pthread_mutex_lock(&fs->handles_lock); /* `info` may be looking at it already */
    handle->opener = caller_process(ctx->pid);
    handle->opener_uid = ctx->uid;
    pthread_mutex_unlock(&fs->handles_lock);
    fi->fh = (uintptr_t)handle;
    fi->direct_io = 1;
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_destroy(fs, handle);
}

static void open_isolation(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    cleanup_buf struct buf text = {0};
    struct handle *handle;

    if ((fi->flags & O_ACCMODE) == O_RDONLY) {
        if (buf_printf(&text, "%s", tree_isolation_text(node->view->tx)) < 0)
            reply_code(req, -ENOMEM);
        else
            reply_text(req, node, &text, fi);
        return;
    }
    handle = fs_handle_new(fs, HANDLE_ISOLATION, node, fuse_req_ctx(req)->pid);
    if (!handle) {
        reply_code(req, -ENOMEM);
        return;
    }
    fi->fh = (uintptr_t)handle;
    fi->direct_io = 1;
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_destroy(fs, handle);
}

void txfiles_open(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    if (node->kind == NODE_TX_ISOLATION)
        open_isolation(req, node, fi);
    else if ((fi->flags & O_ACCMODE) == O_WRONLY)
        open_commit(req, node, fi);
    else
        reply_refusal_text(req, node, NULL, -EACCES, "this file can only be written");
}

/* --- the verdict ---------------------------------------------------------------------------------
 */

/* Commits, unless a file inside has bytes that are not committed to the transaction. */
static int commit(struct fs *fs, struct tx *tx, struct err *err)
{
    cleanup_free struct tx_writer *writers = NULL;
    size_t count;
    int r;

    r = txfiles_writers(fs, tx, &writers, &count);
    if (r < 0)
        return err_nomem(err);
    if (count)
        return err_set(err, -EBUSY,
                       "process %d has a file of the transaction open for writing: close it first",
                       writers[0].pid);
    r = tx_commit(tx, err);
    if (tx_state(tx) >= TX_COMMITTED)
        scratchdir_remove_tx(&fs->scratches, tx);
    return r;
}

/* Whether what was written is this word, with or without a line feed. */
static bool is_word(const char *buf, size_t size, const char *word)
{
    size_t bytes = strlen(word);

    if (size && buf[size - 1] == '\n')
        size--;
    return size == bytes && !memcmp(buf, word, bytes);
}

static int write_isolation(struct tx *tx, const char *buf, size_t size, struct err *err)
{
    bool serializable = is_word(buf, size, "serializable");

    if (!serializable && !is_word(buf, size, "snapshot"))
        return err_set(err, -EINVAL, "isolation is snapshot or serializable");
    return tx_set_serializable(tx, serializable, err);
}

void txfiles_write(fuse_req_t req, struct handle *handle, const char *buf, size_t size)
{
    struct tx *tx = handle->node->view->tx;
    struct err err = ERR_INIT;
    int r;

    if (handle->kind == HANDLE_ISOLATION) {
        r = write_isolation(tx, buf, size, &err);
    } else if (handle->decided && is_word(buf, size, "")) {
        r = 0; /* another line feed behind the 1 */
    } else {
        settle_wait(&fs_of(req)->settle, loop_pass_turn);
        handle->decided = true; /* whatever becomes of it is told now, and not by a close */
        r = is_word(buf, size, "1") ? commit(fs_of(req), tx, &err)
                                    : err_set(&err, -EINVAL, "write 1 to commit, rmdir to abort");
    }
    if (r < 0)
        reply_refusal(req, handle->node, NULL, r, &err);
    else
        fuse_reply_write(req, size);
}

/* The holder has closed it and lives, or ended well. */
static int commit_at_close(struct fs *fs, struct tx *tx, struct err *err)
{
    int r = commit(fs, tx, err);

    if (r < 0 && r != -ENOENT) /* nobody is left who could try again */
        tx_abort(tx, r == -EBUSY ? -ECANCELED : r, err->text);
    return r == -ENOENT ? 0 : r; /* committed before, through another descriptor */
}

void txfiles_flush(fuse_req_t req, struct handle *handle)
{
    struct fs *fs = fs_of(req);
    pid_t tid = fuse_req_ctx(req)->pid;
    struct tx *tx = handle->node->view->tx;
    struct err err = ERR_INIT;
    enum openfile_end end;
    char why[128];
    int r = 0;

    /* Children close copies; one who cannot be seen closes duplicates that look like the last. */
    if (handle->decided || tid <= 0 ||
        (tid != handle->opener_tid && caller_process(tid) != handle->opener)) {
        fuse_reply_err(req, 0);
        return;
    }
    end = caller_end(tid, handle->node->ino, why, sizeof why);
    if (end == OPENFILE_HOLDS) {
        fuse_reply_err(req, 0);
        return;
    }
    handle->decided = true;
    settle_wait(&fs->settle, loop_pass_turn);
    if (end == OPENFILE_ALIVE) {
        r = commit_at_close(fs, tx, &err);
    } else if (tx_state(tx) == TX_OPEN) {
        r = err_set(&err, -ECANCELED, "the holder of commit failed: %s", why);
        tx_abort(tx, r, err.text);
        scratchdir_remove_tx(&fs->scratches, tx);
    }
    if (r < 0)
        reply_refusal(req, handle->node, NULL, r, &err);
    else
        fuse_reply_err(req, 0);
}

bool txfiles_is_undecided(const struct handle *handle)
{
    return handle->kind == HANDLE_COMMIT && !handle->decided;
}

void txfiles_release(fuse_req_t req, struct handle *handle)
{
    struct fs *fs = fs_of(req);
    struct err err = ERR_INIT;
    int r = 0;

    if (!handle->decided && handle->opener <= 0)
        r = commit_at_close(fs, handle->node->view->tx, &err);
    else if (!handle->decided)
        tx_abort(handle->node->view->tx, -ECANCELED,
                 "the holder of commit vanished without a close");
    if (r < 0)
        reply_note(fs, (struct caller){.uid = handle->opener_uid, .pid = handle->opener},
                   handle->node, NULL, r, &err);
    settle_end(&fs->settle, &handle->ticket);
    fuse_reply_err(req, 0);
    fs_handle_destroy(fs, handle);
}
