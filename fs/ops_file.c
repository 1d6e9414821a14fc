/* SPDX-License-Identifier: MIT */
/* Operations on open files. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "fs/caller.h"
#include "fs/content.h"
#include "fs/reply.h"
#include "fs/txfiles.h"

/* --- reading and writing ---------------------------------------------------------------------- */

void fs_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct handle *handle = fs_handle(fi);
    cleanup_free char *buf = NULL;
    struct err err = ERR_INIT;
    int n;

    (void)ino;
    if (handle->kind == HANDLE_FOLLOWER) {
        follower_read(handle->follower, req, size, fi->flags & O_NONBLOCK);
        return;
    }
    buf = malloc(size);
    if (!buf)
        n = -ENOMEM;
    else if (handle->kind == HANDLE_CONTENT)
        n = content_read(handle->content, buf, size, (uint64_t)off, &err);
    else if (handle->kind == HANDLE_OPENFILE)
        n = openfile_read(handle->file, buf, size, (uint64_t)off, &err);
    else if (handle->kind == HANDLE_ISOLATION)
        n = 0; /* opened for both: what is written is the answer */
    else
        n = scratch_read(handle->node->scratch, buf, size, (uint64_t)off);
    if (n < 0)
        reply_refusal(req, handle->node, NULL, n, &err);
    else
        fuse_reply_buf(req, buf, (size_t)n);
}

/* A request that waits for an operation of its open file. */
struct file_op {
    fuse_req_t req;
    struct fs *fs;
    struct handle *handle;
    struct caller caller;
    size_t bytes; /* what a write that succeeds returns */
};

static struct file_op *file_op_new(fuse_req_t req, struct handle *handle)
{
    struct file_op *op = calloc(1, sizeof *op);

    if (op)
        *op = (struct file_op){
            .req = req, .fs = fs_of(req), .handle = handle, .caller = reply_caller(req)};
    else
        reply_code(req, -ENOMEM);
    return op;
}

static void note_if_new(const struct file_op *op, int result, const struct err *err)
{
    if (result < 0 && err)
        reply_note(op->fs, op->caller, op->handle->node, NULL, result, err);
}

static void done_write(void *context, int result, const struct err *err)
{
    cleanup_free struct file_op *op = context;
    struct handle *handle = op->handle;

    note_if_new(op, result, err);
    if (!result && handle->node->kind == NODE_WRITER)
        atomic_store(&handle->node->bytes, openfile_bytes(handle->file));
    if (result < 0)
        reply_code(op->req, result);
    else
        fuse_reply_write(op->req, op->bytes);
}

static void done_plain(void *context, int result, const struct err *err)
{
    cleanup_free struct file_op *op = context;

    note_if_new(op, result, err);
    reply_code(op->req, result);
}

static void write_scratch(fuse_req_t req, struct node *node, const char *buf, size_t size,
                          off_t off)
{
    struct err err = ERR_INIT;
    int r = scratch_write(node->scratch, buf, size, (uint64_t)off, &err);

    atomic_store(&node->mtime_usec, time_now_usec());
    if (r < 0)
        reply_refusal(req, node, NULL, r, &err);
    else
        fuse_reply_write(req, size);
}

static bool is_opener(const struct handle *handle, pid_t tid)
{
    return tid == handle->opener_tid || caller_process(tid) == handle->opener;
}

void fs_op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
                 struct fuse_file_info *fi)
{
    struct handle *handle = fs_handle(fi);
    pid_t tid = fuse_req_ctx(req)->pid;
    struct file_op *op;
    bool by_opener;

    (void)ino;
    if (handle->kind == HANDLE_SCRATCH) {
        write_scratch(req, handle->node, buf, size, off);
        return;
    }
    if (handle->kind == HANDLE_COMMIT || handle->kind == HANDLE_ISOLATION) {
        txfiles_write(req, handle, buf, size);
        return;
    }
    op = file_op_new(req, handle);
    if (!op)
        return;
    op->bytes = size;
    by_opener = is_opener(handle, tid);
    if (!by_opener)
        lineage_note(&handle->lineage, caller_process(tid), handle->opener);
    openfile_write(handle->file, fi->lock_owner, by_opener, buf, size, (uint64_t)off, done_write,
                   op);
}

/* A process closes its copy of a descriptor, and waits for the verdict. */
void fs_op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct handle *handle = fs_handle(fi);
    pid_t tid = fuse_req_ctx(req)->pid;
    struct file_op *op;
    enum openfile_end end;
    char why[128];

    (void)ino;
    if (handle->kind == HANDLE_COMMIT) {
        txfiles_flush(req, handle);
        return;
    }
    if (handle->kind != HANDLE_OPENFILE) {
        fuse_reply_err(req, 0);
        return;
    }
    op = file_op_new(req, handle);
    if (!op)
        return;
    /* Descriptors of two open files on one inode cannot be told apart. */
    end = caller_end(tid, atomic_load(&handle->node->opens) == 1 ? handle->node->ino : 0, why,
                     sizeof why);
    if (end == OPENFILE_FAILED && lineage_has(&handle->lineage, caller_process(tid)))
        end = OPENFILE_FAILED_PARENT;
    openfile_close(handle->file, fi->lock_owner, is_opener(handle, tid), end, why, done_plain, op);
}

void fs_op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    struct handle *handle = fs_handle(fi);
    struct file_op *op;

    (void)ino;
    (void)datasync;
    if (handle->kind != HANDLE_OPENFILE) {
        fuse_reply_err(req, 0);
        return;
    }
    op = file_op_new(req, handle);
    if (op)
        openfile_sync(handle->file, done_plain, op);
}

static void done_release(void *context, int result, const struct err *err)
{
    cleanup_free struct file_op *op = context;
    struct handle *handle = op->handle;

    /* No one waits for this answer: the caller is whoever opened the file. */
    op->caller = (struct caller){.uid = handle->opener_uid, .pid = handle->opener};
    note_if_new(op, result, err);
    settle_end(&op->fs->settle, &handle->ticket);
    fuse_reply_err(op->req, 0);
    fs_handle_destroy(op->fs, handle);
}

void fs_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct handle *handle = fs_handle(fi);
    struct file_op *op;

    (void)ino;
    if (handle->kind == HANDLE_COMMIT) {
        txfiles_release(req, handle);
        return;
    }
    if (handle->kind != HANDLE_OPENFILE) {
        fs_handle_destroy(fs_of(req), handle);
        fuse_reply_err(req, 0);
        return;
    }
    op = file_op_new(req, handle);
    if (op)
        openfile_release(handle->file, done_release, op);
}

void fs_op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
                struct fuse_pollhandle *ph)
{
    struct handle *handle = fs_handle(fi);

    (void)ino;
    if (handle->kind == HANDLE_FOLLOWER) {
        follower_poll(handle->follower, req, ph);
        return;
    }
    if (ph)
        fuse_pollhandle_destroy(ph);
    fuse_reply_poll(req, POLLIN | POLLOUT); /* as of any file: nobody ever has to wait */
}
