/* SPDX-License-Identifier: MIT */
/* Opening and creating files. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/mem.h"
#include "fs/caller.h"
#include "fs/content.h"
#include "fs/reply.h"
#include "fs/tree.h"
#include "fs/txfiles.h"

CLEANUP_POINTER(struct snapshot, snapshot_unref)

static bool writes(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

/* --- opening for writing -------------------------------------------------------------- */

static int check_may_write(struct fs *fs, pid_t tid, struct err *err)
{
    int r = db_check_writable(fs->db, err);

    if (!r && !fs->options.trust_close && !caller_is_visible(tid))
        r = err_set(err, -EPERM,
                    "how this process will end cannot be seen from here (another pid namespace, "
                    "or hidepid), so its close cannot be trusted to mean success: mount with "
                    "-o trust_close to trust it");
    return r;
}

static void no_one(void *context, int result, const struct err *err)
{
    (void)context;
    (void)result;
    (void)err;
}

enum openfile_kind fs_openfile_kind(const struct node *node)
{
    if (node->kind == NODE_STREAM)
        return OPENFILE_STREAM;
    switch (node->file) {
    case FILE_CSV:
        return OPENFILE_CSV;
    case FILE_TSV:
        return OPENFILE_TSV;
    case FILE_PATCH:
        return OPENFILE_PATCH;
    case FILE_SCHEMA:
        return OPENFILE_SCHEMA;
    default:
        return OPENFILE_ROWS;
    }
}

/* Whether what is read from the file is not simply what was written to it. */
static bool is_derived(const struct node *node)
{
    return node->kind == NODE_WRITER && (node->file != FILE_ROWS || node->selection);
}

/* Where the file ends, for one who writes at an offset. */
static int find_start(struct fs *fs, const struct node *node, struct table *table,
                      uint64_t *ret_bytes, struct err *err)
{
    struct content *content;
    int r;

    if (node->file == FILE_PATCH)
        return 0;
    r = tree_file_content(fs, node, table, node->file, &content, err);
    if (r < 0)
        return r;
    *ret_bytes = content_bytes(content);
    content_unref(content);
    return 0;
}

/* A handle that writes a file of a table; `table` is borrowed. */
static int open_rows(fuse_req_t req, struct node *node, struct table *table, int flags,
                     uint64_t removed_version, struct handle **ret_handle, struct err *err)
{
    struct fs *fs = fs_of(req);
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    struct openfile_options options = {
        .kind = fs_openfile_kind(node),
        .selection = node->selection,
        .tx = view_tx(node->view),
        .replace = (flags & O_TRUNC) && node->kind != NODE_STREAM,
        .append = flags & O_APPEND,
        .removed_version = removed_version,
    };
    struct openfile *file;
    struct handle *handle;
    int r = check_may_write(fs, ctx->pid, err);

    if (!r && (flags & O_ACCMODE) == O_RDWR && is_derived(node))
        r = err_set(err, -EACCES, "this file is read or written, not both at once");
    if (!r && !(flags & (O_APPEND | O_TRUNC)) && is_derived(node))
        r = find_start(fs, node, table, &options.start_bytes, err);
    if (r < 0)
        return r;
    if (openfile_create(fs->db, table, &options, &file) < 0)
        return err_nomem(err);
    handle = fs_handle_new(fs, HANDLE_OPENFILE, node, fuse_req_ctx(req)->pid);
    if (!handle) {
        openfile_abort(file);
        openfile_release(file, no_one, NULL);
        return err_nomem(err);
    }
    pthread_mutex_lock(&fs->handles_lock); /* `info` may be looking at it already */
    handle->opener = caller_process(ctx->pid);
    handle->opener_uid = ctx->uid;
    handle->file = file;
    atomic_fetch_add(&node->opens, 1);
    pthread_mutex_unlock(&fs->handles_lock);
    *ret_handle = handle;
    return 0;
}

/* The kernel did not take the answer to an open. */
static void discard(struct fs *fs, struct handle *handle)
{
    if (handle->file) {
        openfile_abort(handle->file);
        openfile_release(handle->file, no_one, NULL);
    }
    fs_handle_destroy(fs, handle);
}

static void set_writer_flags(struct fuse_file_info *fi, struct handle *handle)
{
    fi->fh = (uintptr_t)handle;
    fi->direct_io =
        1; /* each write(2) is told its verdict; nothing is cached that no one committed */
}

/* For a transaction that must find what it has read unchanged. */
static void note_read(const struct node *node)
{
    if (view_tx(node->view) && !uuid_equal(node->table, (struct uuid){0}))
        tx_note_read(node->view->tx, node->table, node->selection);
}

static void open_writer(fuse_req_t req, struct node *node, struct table *table,
                        struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct err err = ERR_INIT;
    struct handle *handle;
    int r = open_rows(req, node, table, fi->flags, 0, &handle, &err);

    redirect_end(&fs->redirects, fuse_req_ctx(req)->pid);
    if (r < 0) {
        reply_refusal(req, node, NULL, r, &err);
        return;
    }
    if ((fi->flags & O_ACCMODE) == O_RDWR)
        note_read(node);
    set_writer_flags(fi, handle);
    atomic_store(&node->bytes, openfile_bytes(handle->file));
    if (fuse_reply_open(req, fi) < 0)
        discard(fs, handle);
}

/* The newest version of the node's table, borrowed from the snapshot; or the answer why not. */
static struct table *newest_table(fuse_req_t req, struct node *node, struct snapshot **ret_snapshot)
{
    struct err err = ERR_INIT;
    struct table *table;
    int r = fs_view(fs_of(req), node->view, ret_snapshot, &err);

    if (r < 0) {
        reply_refusal(req, node, NULL, r, &err);
        return NULL;
    }
    table = snapshot_table(*ret_snapshot, node->table);
    if (!table)
        fuse_reply_err(req, ENOENT);
    return table;
}

static void open_newest_for_writing(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct table *table = newest_table(req, node, &snapshot);

    if (table)
        open_writer(req, node, table, fi);
}

/* --- open --------------------------------------------------------------------------------- */

static void open_content(fuse_req_t req, struct node *node, struct content *content, bool direct_io,
                         struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct handle *handle =
        content ? fs_handle_new(fs, HANDLE_CONTENT, node, fuse_req_ctx(req)->pid) : NULL;

    if (!handle) {
        reply_code(req, -ENOMEM);
        return;
    }
    handle->content = content_ref(content);
    fi->fh = (uintptr_t)handle;
    fi->direct_io = direct_io;
    fi->keep_cache = !direct_io; /* a node's content never changes */
    fi->noflush = 1;
    if (fuse_reply_open(req, fi) < 0)
        discard(fs, handle);
}

static void open_version(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);

    if (!writes(fi->flags)) {
        note_read(node);
        /* Who cannot be led to another inode may share this one with a writer: see below. */
        open_content(req, node, node->content, fuse_req_ctx(req)->pid <= 0, fi);
        return;
    }
    if (view_is_past(node->view)) {
        reply_past(req, node, NULL);
        return;
    }
    if (!(node->mode & 0222)) {
        reply_refusal_text(req, node, NULL, -EACCES, "this file can only be read");
        return;
    }
    if (redirect_begin(&fs->redirects, fuse_req_ctx(req)->pid, node, true, fi->flags)) {
        fuse_reply_err(req, ESTALE);
        return;
    }
    /*
     * The thread came back without another lookup (/proc/self/fd/N) or cannot be
     * led: it writes on the readers' inode, whose size the kernel will now get
     * wrong. So no one else shall find that inode again.
     */
    node_retire(&fs->nodes, node);
    open_newest_for_writing(req, node, fi);
}

/* A reader that found a writer's inode is led to the version; at the second time it reads here. */
static void read_writer_node(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct err err = ERR_INIT;
    struct content *content;
    struct table *table;
    int r;

    if (node->file == FILE_PATCH) {
        reply_refusal_text(req, node, NULL, -EACCES, "a patch can only be written");
        return;
    }
    /* That of TSV may be a writer's because it cannot be read. */
    if (node->file != FILE_TSV &&
        redirect_begin(&fs->redirects, fuse_req_ctx(req)->pid, node, false, fi->flags)) {
        fuse_reply_err(req, ESTALE);
        return;
    }
    table = newest_table(req, node, &snapshot);
    if (!table)
        return;
    note_read(node);
    r = tree_file_content(fs, node, table, node->file, &content, &err);
    if (r < 0) {
        reply_refusal(req, node, NULL, r, &err);
        return;
    }
    open_content(req, node, content, true, fi);
    content_unref(content);
}

/*
 * The version that a new scratch file is made on: what its maker is reading, if he has the rows
 * open (sed -i and perl -pi open them first, and make the draft behind that), otherwise what is
 * seen now.
 */
static uint64_t version_of_draft(struct fs *fs, const struct node *dir, pid_t tid,
                                 const struct snapshot *seen)
{
    pid_t process = caller_process(tid);
    uint64_t version = seen->version;

    pthread_mutex_lock(&fs->handles_lock);
    for (const struct handle *h = fs->handles; h; h = h->next)
        if (h->kind == HANDLE_CONTENT && h->node->file == FILE_ROWS &&
            uuid_equal(h->node->table, dir->table) && view_equal(h->node->view, dir->view) &&
            selection_equal(h->node->selection, dir->selection) && h->node->at &&
            h->node->at->version < version && caller_process(h->opener_tid) == process)
            version = h->node->at->version;
    pthread_mutex_unlock(&fs->handles_lock);
    return version;
}

/* Emptied, it is made anew: on what is there now, so that who was refused can do it again. */
static int remake_scratch(fuse_req_t req, struct node *node, struct err *err)
{
    struct fs *fs = fs_of(req);
    cleanup(snapshot_unref_p) struct snapshot *now = NULL;
    int r = fs_view(fs, node->view, &now, err);

    if (!r)
        r = scratch_truncate(node->scratch, 0, err);
    if (!r)
        scratch_remake(node->scratch, version_of_draft(fs, node, fuse_req_ctx(req)->pid, now));
    return r;
}

static void open_scratch(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct err err = ERR_INIT;
    struct handle *handle;
    int r = fi->flags & O_TRUNC ? remake_scratch(req, node, &err) : 0;

    if (r < 0) {
        reply_refusal(req, node, NULL, r, &err);
        return;
    }
    handle = fs_handle_new(fs, HANDLE_SCRATCH, node, fuse_req_ctx(req)->pid);
    if (!handle) {
        reply_code(req, -ENOMEM);
        return;
    }
    fi->fh = (uintptr_t)handle;
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_destroy(fs, handle);
}

static void follow_stream(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    cleanup(snapshot_unref_p) struct snapshot *from = NULL;
    struct table *table = newest_table(req, node, &from);
    struct handle *handle;

    if (!table)
        return;
    handle = fs_handle_new(fs, HANDLE_FOLLOWER, node, fuse_req_ctx(req)->pid);
    if (!handle || follower_create(fs->followers, from, table->uuid, &handle->follower) < 0) {
        if (handle)
            fs_handle_destroy(fs, handle);
        reply_code(req, -ENOMEM);
        return;
    }
    fi->fh = (uintptr_t)handle;
    fi->direct_io = 1;
    fi->noflush = 1;
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_destroy(fs, handle);
}

static void open_stream(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
    int mode = fi->flags & O_ACCMODE;

    if (mode == O_RDONLY && view_tx(node->view))
        reply_refusal_text(req, node, NULL, -EACCES,
                           "in a transaction nothing comes but what it writes itself");
    else if (mode == O_RDONLY)
        follow_stream(req, node, fi);
    else if (view_is_past(node->view))
        reply_past(req, node, NULL);
    else if (mode == O_WRONLY)
        open_newest_for_writing(req, node, fi);
    else
        reply_refusal_text(req, node, NULL, -EACCES, "a stream is read or written, not both");
}

void fs_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct node *node = fs_node(fs_of(req), ino);

    switch (node->kind) {
    case NODE_CONTENT:
        open_version(req, node, fi);
        break;
    case NODE_WRITER:
        if (writes(fi->flags) && view_is_past(node->view))
            reply_past(req, node, NULL);
        else if (writes(fi->flags))
            open_newest_for_writing(req, node, fi);
        else
            read_writer_node(req, node, fi);
        break;
    case NODE_STREAM:
        open_stream(req, node, fi);
        break;
    case NODE_SCRATCH:
        open_scratch(req, node, fi);
        break;
    case NODE_TX_NEW:
        txfiles_open_new(req, node, fi);
        break;
    case NODE_TX_COMMIT:
    case NODE_TX_ISOLATION:
        txfiles_open(req, node, fi);
        break;
    default:
        fuse_reply_err(req, EISDIR);
    }
}

/* --- create --------------------------------------------------------------------------------- */

static void reply_created(fuse_req_t req, struct node *node, struct handle *handle,
                          struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct fuse_entry_param entry = {.ino = node_id(node), .attr_timeout = tree_attr_seconds(node)};

    tree_attr(fs, node, &entry.attr);
    if (fuse_reply_create(req, &entry, fi) < 0) {
        discard(fs, handle);
        node_unref(&fs->nodes, node, 1);
    }
}

/* `rows` or `schema` of a table that shows none to this process. */
static void create_file(fuse_req_t req, struct node *dir, struct table *table, enum table_file file,
                        mode_t mode, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct node *node = tree_writer_node(fs, dir, table, file, false);
    struct err err = ERR_INIT;
    struct handle *handle;
    uint64_t removed_version;
    int r = node ? 0 : err_nomem(&err);

    pthread_mutex_lock(&dir->name_lock);
    removed_version = file == FILE_ROWS ? dir->removed_version : 0;
    dir->hidden_files &= ~(1U << file);
    if (file == FILE_ROWS)
        dir->removed_version = 0;
    pthread_mutex_unlock(&dir->name_lock);
    if (!r)
        r = open_rows(req, node, table, fi->flags, removed_version, &handle, &err);

    if (r < 0) {
        if (node)
            node_unref(&fs->nodes, node, 1);
        reply_refusal(req, dir, file == FILE_ROWS ? "rows" : "schema", r, &err);
        return;
    }
    node->mode = mode & 07777;
    set_writer_flags(fi, handle);
    atomic_store(&node->bytes, openfile_bytes(handle->file));
    reply_created(req, node, handle, fi);
}

static void create_scratch(fuse_req_t req, struct node *dir, const struct snapshot *seen,
                           const char *name, mode_t mode, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct handle *handle = NULL;
    struct err err = ERR_INIT;
    struct node *node;
    int r = db_check_writable(fs->db, &err);

    if (!r && tree_is_data_name(name))
        r = err_set(&err, -EPERM, "append data to the table instead: cat %.100s >> rows", name);
    if (!r)
        r = tree_scratch_node(fs, version_of_draft(fs, dir, fuse_req_ctx(req)->pid, seen), dir,
                              name, fuse_req_ctx(req)->uid, mode, &node, &err);
    if (r < 0) {
        reply_refusal(req, dir, name, r, &err);
        return;
    }
    handle = fs_handle_new(fs, HANDLE_SCRATCH, node, fuse_req_ctx(req)->pid);
    if (!handle) {
        scratchdir_remove(&fs->scratches, dir, node->owner, name);
        node_unref(&fs->nodes, node, 1);
        reply_code(req, -ENOMEM);
        return;
    }
    fi->fh = (uintptr_t)handle;
    reply_created(req, node, handle, fi);
}

void fs_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                  struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct node *dir = fs_node(fs, parent);
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct err err = ERR_INIT;
    struct table *table;
    int r;

    if (view_is_past(dir->view)) {
        reply_past(req, dir, name);
        return;
    }
    if (dir->kind == NODE_TX && (!dir->view || fs_view(fs, dir->view, &snapshot, &err) < 0)) {
        reply_refusal_text(req, dir, name, -ENOENT,
                           err.text[0] ? err.text : "the transaction has committed");
        return;
    }
    if (dir->kind != NODE_TABLE && dir->kind != NODE_SELECTION) {
        reply_refusal_text(
            req, dir, name, -EPERM,
            "files cannot be made here: mkdir tables/<name>, then append to its rows");
        return;
    }
    if (dir->kind == NODE_SELECTION && (!strcmp(name, "schema") || !strcmp(name, "stream"))) {
        reply_refusal_text(req, dir, name, -EPERM, "this is a file of the table, not of its rows");
        return;
    }
    r = fs_view(fs, dir->view, &snapshot, &err);
    if (r < 0) {
        reply_refusal(req, dir, name, r, &err);
        return;
    }
    r = tree_table(fs, dir, snapshot, fuse_req_ctx(req)->pid, &table);
    if (r < 0)
        fuse_reply_err(req, -r);
    else if (tree_file_named(name) != FILE_OTHER)
        create_file(req, dir, table, tree_file_named(name), mode, fi);
    else
        create_scratch(req, dir, snapshot, name, mode, fi);
}
