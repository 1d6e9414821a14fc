/* SPDX-License-Identifier: MIT */
/* Operations that change what names there are: each is one commit, or concerns scratch files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "core/derived.h"
#include "core/name.h"
#include "fs/caller.h"
#include "fs/loop.h"
#include "fs/reply.h"
#include "fs/tree.h"
#include "fs/txfiles.h"

CLEANUP_POINTER(struct snapshot, snapshot_unref)
CLEANUP_POINTER(struct commit, commit_destroy)

/* A request that waits for its commit. */
struct name_op {
    fuse_req_t req; /* gone once it is answered */
    struct fs *fs;
    struct commit *commit;
    struct node *parent; /* borrowed: the kernel holds it during the request */
    char name[NAME_MAX + 1];
    void (*done)(struct name_op *op); /* replies after success */

    struct node *node; /* rename of a table: its node, with a reference, or NULL */
    char new_name[NAME_MAX + 1];
    struct uuid table;
};

static struct name_op *name_op_new(fuse_req_t req, struct node *parent, const char *name,
                                   void (*done)(struct name_op *op))
{
    struct name_op *op = calloc(1, sizeof *op);

    if (!op || commit_create(&op->commit) < 0) {
        free(op);
        return NULL;
    }
    op->req = req;
    op->fs = fs_of(req);
    op->parent = parent;
    op->done = done;
    strncpy(op->name, name, NAME_MAX);
    return op;
}

static void name_op_destroy(struct name_op *op)
{
    commit_destroy(op->commit);
    free(op);
}

static void end(struct name_op *op, int result, const struct err *err)
{
    if (result < 0)
        reply_refusal(op->req, op->parent, op->name, result, err);
    else
        op->done(op);
    if (op->node)
        node_unref(&op->fs->nodes, op->node, 1);
    name_op_destroy(op);
}

static void committed(struct commit *commit, int result, void *context)
{
    end(context, result, commit_reason(commit));
}

/* In a transaction it is a statement. */
static void run_in_tx(struct name_op *op)
{
    struct err err = ERR_INIT;
    int r = tx_apply(op->parent->view->tx, op->commit, &err);

    end(op, r, &err);
}

/* Submits the operation, or answers why not. `r` is what preparing it returned. */
static void submit(struct name_op *op, int r)
{
    if (!op)
        return;
    if (r < 0) {
        end(op, r, commit_reason(op->commit));
        return;
    }
    if (view_tx(op->parent->view))
        run_in_tx(op);
    else
        commit_submit(op->fs->db, op->commit, committed, op);
}

static void done_plain(struct name_op *op)
{
    fuse_reply_err(op->req, 0);
}

static pid_t process_of(fuse_req_t req)
{
    return caller_process(fuse_req_ctx(req)->pid);
}

/* `files` (1 << enum table_file) are hidden from the process, besides those that are. */
static void hide(struct node *table_node, pid_t process, unsigned files, uint64_t removed_version)
{
    pthread_mutex_lock(&table_node->name_lock);
    if (table_node->hidden_for != process)
        table_node->hidden_files = 0;
    table_node->hidden_for = process;
    table_node->hidden_files |= files;
    if (files & 1U << FILE_ROWS)
        table_node->removed_version = removed_version;
    table_node->hidden_usec = time_monotonic_usec();
    pthread_mutex_unlock(&table_node->name_lock);
}

/* The table of a directory at the newest version, or the answer why there is none. */
static bool get_table(fuse_req_t req, struct node *parent, const char *name,
                      struct snapshot **ret_snapshot, struct table **ret_table)
{
    struct fs *fs = fs_of(req);
    struct err err = ERR_INIT;
    int r = fs_view(fs, parent->view, ret_snapshot, &err);

    if (r < 0) {
        reply_refusal(req, parent, name, r, &err);
        return false;
    }
    r = tree_table(fs, parent, *ret_snapshot, fuse_req_ctx(req)->pid, ret_table);
    if (r < 0)
        fuse_reply_err(req, -r);
    return r == 0;
}

/* --- mkdir, rmdir ---------------------------------------------------------------- */

static void done_mkdir(struct name_op *op)
{
    struct fs *fs = op->fs;
    struct view *view = op->parent->view;
    cleanup(snapshot_unref_p) struct snapshot *snapshot = fs_known_view(fs, view);
    struct table *table = snapshot_table_named(snapshot, op->name);
    struct fuse_entry_param entry = {.attr_timeout = TREE_FOREVER};
    struct node *node = table ? tree_table_node(fs, view, table) : NULL;

    if (!node) {
        reply_code(op->req, table ? -ENOMEM : -ENOENT); /* dropped again by somebody else */
        return;
    }
    hide(node, process_of(op->req), 1U << FILE_ROWS | 1U << FILE_SCHEMA, 0);
    entry.ino = node_id(node);
    tree_attr(fs, node, &entry.attr);
    if (fuse_reply_entry(op->req, &entry) < 0)
        node_unref(&fs->nodes, node, 1);
}

void fs_op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct node *dir = fs_node(fs_of(req), parent);
    struct err err = ERR_INIT;
    struct name_op *op;
    int r;

    (void)mode;
    if (view_is_past(dir->view)) {
        reply_past(req, dir, name);
        return;
    }
    if (dir->kind == NODE_TXS) {
        txfiles_mkdir(req, dir, name);
        return;
    }
    if (dir->kind != NODE_TABLES) {
        reply_refusal_text(req, dir, name, -EPERM,
                           "directories are tables or transactions: make them in tables/ or tx/");
        return;
    }
    r = name_check(name, &err);
    if (r < 0) {
        reply_refusal(req, dir, name, r, &err);
        return;
    }
    op = name_op_new(req, dir, name, done_mkdir);
    if (!op)
        reply_code(req, -ENOMEM);
    submit(op, op ? commit_add_create(op->commit, name) : 0);
}

static void done_rmdir(struct name_op *op)
{
    scratchdir_remove_table(&op->fs->scratches, op->parent->view, op->table);
    fuse_reply_err(op->req, 0);
}

static bool has_scratch_files(struct fs *fs, struct view *view, const struct table *table,
                              uid_t uid)
{
    struct node *node = tree_table_node(fs, view, table);
    bool any = node && scratchdir_has_any(&fs->scratches, node, uid);

    if (node)
        node_unref(&fs->nodes, node, 1);
    return any;
}

/*
 * A directory below by/ is there as long as it is named. Without rows it can be removed, so that rm
 * -r, which has deleted them, does not fail in the end.
 */
static void rmdir_below(fuse_req_t req, struct node *dir, const char *name)
{
    struct fs *fs = fs_of(req);
    struct tree_caller caller = {.uid = fuse_req_ctx(req)->uid, .tid = fuse_req_ctx(req)->pid};
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct derived *derived;
    struct err err = ERR_INIT;
    struct table *table;
    struct node *node;
    double seconds;
    uint64_t rows;
    int r = tree_lookup(fs, dir, name, &caller, &node, &seconds, &err);

    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    r = get_table(req, dir, name, &snapshot, &table)
            ? derived_create(fs->db, table, node->selection, DERIVED_ROWS, &derived, &err)
            : 1;
    node_unref(&fs->nodes, node, 1);
    if (r > 0)
        return;
    if (r < 0) {
        reply_refusal(req, dir, name, r, &err);
        return;
    }
    rows = derived_rows(derived);
    derived_destroy(derived);
    if (rows)
        reply_refusal_text(req, dir, name, -ENOTEMPTY, "there are rows in it: remove them first");
    else
        fuse_reply_err(req, 0);
}

void fs_op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    struct node *dir = fs_node(fs, parent);
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct err err = ERR_INIT;
    struct table *table;
    struct name_op *op;
    int r;

    if (view_is_past(dir->view)) {
        reply_past(req, dir, name);
        return;
    }
    if (dir->kind == NODE_TXS) {
        txfiles_rmdir(req, dir, name);
        return;
    }
    if (dir->kind == NODE_BY || dir->kind == NODE_COLUMN ||
        ((dir->kind == NODE_TABLE || dir->kind == NODE_SELECTION) && !strcmp(name, "by"))) {
        rmdir_below(req, dir, name);
        return;
    }
    if (dir->kind != NODE_TABLES) {
        reply_refusal_text(req, dir, name, -EPERM, "this directory belongs to the mount");
        return;
    }
    r = fs_view(fs, dir->view, &snapshot, &err);
    if (r < 0) {
        reply_refusal(req, dir, name, r, &err);
        return;
    }
    table = snapshot_table_named(snapshot, name);
    if (!table) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    if (has_scratch_files(fs, dir->view, table, fuse_req_ctx(req)->uid)) {
        reply_refusal_text(req, dir, name, -ENOTEMPTY, "the table's directory has scratch files");
        return;
    }
    op = name_op_new(req, dir, name, done_rmdir);
    if (!op)
        reply_code(req, -ENOMEM);
    else
        op->table = table->uuid;
    submit(op, op ? commit_add_drop(op->commit, table->uuid, name) : 0);
}

/* --- unlink ----------------------------------------------------------------------- */

/* The version in which the rows were removed, if there were any and it is the table's last. */
static uint64_t removed_version(const struct name_op *op)
{
    cleanup(snapshot_unref_p) struct snapshot *head = db_head(op->fs->db);
    const struct table *table = snapshot_table(head, op->parent->table);
    uint64_t version = commit_version(op->commit);

    return !view_tx(op->parent->view) && table && table->version == version ? version : 0;
}

static void done_unlink_rows(struct name_op *op)
{
    hide(op->parent, process_of(op->req), 1U << FILE_ROWS, removed_version(op));
    fuse_reply_err(op->req, 0);
}

static void done_unlink_selection(struct name_op *op)
{
    hide(op->parent, process_of(op->req), 1U << FILE_ROWS, 0);
    fuse_reply_err(op->req, 0);
}

/* Rows that a selection has are deleted. */
static void unlink_selection(fuse_req_t req, struct node *dir)
{
    struct fs *fs = fs_of(req);
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct table *table;
    struct name_op *op;

    if (!get_table(req, dir, "rows", &snapshot, &table))
        return;
    op = name_op_new(req, dir, "rows", done_unlink_selection);
    if (!op)
        reply_code(req, -ENOMEM);
    loop_pass_turn();
    submit(op, op ? commit_add_delete(op->commit, fs->db, table, dir->selection) : 0);
}

static void done_unlink_schema(struct name_op *op)
{
    hide(op->parent, process_of(op->req), 1U << FILE_SCHEMA, 0);
    fuse_reply_err(op->req, 0);
}

/* From then on any object is a row. */
static void unlink_schema(fuse_req_t req, struct node *dir)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct table *table;
    struct name_op *op;

    if (!get_table(req, dir, "schema", &snapshot, &table))
        return;
    op = name_op_new(req, dir, "schema", done_unlink_schema);
    if (!op)
        reply_code(req, -ENOMEM);
    submit(op, op ? commit_add_no_schema(op->commit, fs_of(req)->db, table) : 0);
}

static void unlink_rows(fuse_req_t req, struct node *dir)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct table *table;
    struct stage nothing;
    struct name_op *op;

    if (!get_table(req, dir, "rows", &snapshot, &table))
        return;
    op = name_op_new(req, dir, "rows", done_unlink_rows);
    if (!op)
        reply_code(req, -ENOMEM);
    stage_init(&nothing, db_store(fs_of(req)->db), table->uuid);
    submit(op, op ? commit_add_write(op->commit, table->uuid, true, &nothing, 0) : 0);
}

void fs_op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    struct node *dir = fs_node(fs, parent);

    if (view_is_past(dir->view))
        reply_past(req, dir, name);
    else if (dir->kind == NODE_TABLE && !strcmp(name, "rows"))
        unlink_rows(req, dir);
    else if (dir->kind == NODE_SELECTION && !strcmp(name, "rows"))
        unlink_selection(req, dir);
    else if (dir->kind == NODE_TABLE && !strcmp(name, "schema"))
        unlink_schema(req, dir);
    else if ((dir->kind == NODE_TABLE || dir->kind == NODE_SELECTION) &&
             scratchdir_remove(&fs->scratches, dir, fuse_req_ctx(req)->uid, name))
        fuse_reply_err(req, 0);
    else
        reply_refusal_text(req, dir, name, -EPERM, "this file belongs to the mount");
}

/* --- rename ------------------------------------------------------------------------ */

static void done_rename_table(struct name_op *op)
{
    if (op->node)
        node_set_name(op->node, op->new_name);
    fuse_reply_err(op->req, 0);
}

static void rename_table(fuse_req_t req, struct node *dir, const char *name, const char *new_name,
                         bool no_replace)
{
    struct fs *fs = fs_of(req);
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct err err = ERR_INIT;
    struct table *table;
    struct name_op *op;
    int r = name_check(new_name, &err);

    if (!r)
        r = fs_view(fs, dir->view, &snapshot, &err);
    if (r < 0) {
        reply_refusal(req, dir, new_name, r, &err);
        return;
    }
    table = snapshot_table_named(snapshot, name);
    if (!table) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    op = name_op_new(req, dir, name, done_rename_table);
    if (!op) {
        reply_code(req, -ENOMEM);
        return;
    }
    op->node = tree_table_node(fs, dir->view, table);
    strncpy(op->new_name, new_name, NAME_MAX);
    submit(op, commit_add_rename(op->commit, table->uuid, name, new_name, no_replace));
}

/* The rows of one table become those of another. */
static void move_rows(fuse_req_t req, struct node *dir, struct node *new_dir)
{
    struct name_op *op = name_op_new(req, dir, "rows", done_plain);

    if (!op)
        reply_code(req, -ENOMEM);
    submit(op, op ? commit_add_move_rows(op->commit, dir->table, new_dir->table) : 0);
}

/* A scratch file becomes the rows of a table, or its schema. */
static void scratch_over_file(fuse_req_t req, struct node *dir, const char *name,
                              struct node *new_dir, enum table_file file)
{
    struct fs *fs = fs_of(req);
    uid_t uid = fuse_req_ctx(req)->uid;
    struct node *node = scratchdir_find(&fs->scratches, dir, uid, name);
    struct err err = ERR_INIT;
    int r;

    if (!node) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    r = db_check_writable(fs->db, &err);
    if (!r)
        r = scratch_commit(node->scratch, fs->db, view_tx(new_dir->view), new_dir->table,
                           new_dir->selection,
                           file == FILE_SCHEMA ? OPENFILE_SCHEMA : OPENFILE_ROWS, &err);
    if (r < 0) {
        reply_refusal(req, new_dir, file == FILE_SCHEMA ? "schema" : "rows", r, &err);
    } else {
        scratchdir_remove(&fs->scratches, dir, uid, name);
        fuse_reply_err(req, 0);
    }
    node_unref(&fs->nodes, node, 1);
}

/* Names in the directory of a table that are no scratch file's. */
static bool is_name_of_table(const char *name)
{
    return tree_file_named(name) != FILE_OTHER || !strcmp(name, "info") ||
           !strcmp(name, "stream") || !strcmp(name, "by");
}

/* A scratch file gets another name. */
static void rename_scratch(fuse_req_t req, struct node *dir, const char *name, struct node *new_dir,
                           const char *new_name, bool no_replace)
{
    struct fs *fs = fs_of(req);
    uid_t uid = fuse_req_ctx(req)->uid;
    struct node *over;

    if (tree_is_data_name(new_name) || is_name_of_table(new_name)) {
        reply_refusal_text(req, new_dir, new_name, -EPERM,
                           "a scratch file can be renamed to rows, to the schema of a table, or to "
                           "another scratch name");
        return;
    }
    over = no_replace ? scratchdir_find(&fs->scratches, new_dir, uid, new_name) : NULL;
    if (over) {
        node_unref(&fs->nodes, over, 1);
        fuse_reply_err(req, EEXIST);
    } else if (scratchdir_rename(&fs->scratches, dir, uid, name, new_dir, new_name)) {
        fuse_reply_err(req, 0);
    } else {
        fuse_reply_err(req, ENOENT);
    }
}

static void rename_in_tables(fuse_req_t req, struct node *dir, const char *name,
                             struct node *new_dir, const char *new_name, bool no_replace)
{
    enum table_file file = tree_file_named(new_name);
    bool from_rows = !strcmp(name, "rows"), to_rows = file == FILE_ROWS;
    bool to_schema = file == FILE_SCHEMA && !new_dir->selection;

    if ((to_rows || to_schema) && no_replace)
        fuse_reply_err(req, EEXIST);
    else if (from_rows && to_rows && !dir->selection)
        move_rows(req, dir, new_dir);
    else if (from_rows)
        reply_refusal_text(req, dir, name, -EPERM,
                           "rows can be renamed over another table's rows only; copy them");
    else if (is_name_of_table(name))
        reply_refusal_text(req, dir, name, -EPERM, "this file belongs to the mount");
    else if (to_rows || to_schema)
        scratch_over_file(req, dir, name, new_dir, file);
    else
        rename_scratch(req, dir, name, new_dir, new_name, no_replace);
}

void fs_op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                  const char *new_name, unsigned flags)
{
    struct fs *fs = fs_of(req);
    struct node *dir = fs_node(fs, parent), *new_dir = fs_node(fs, new_parent);
    bool no_replace = flags & RENAME_NOREPLACE;

    if (flags & ~(unsigned)RENAME_NOREPLACE)
        fuse_reply_err(req, EINVAL);
    else if (view_is_past(dir->view) || view_is_past(new_dir->view))
        reply_past(req, dir, name);
    else if (!view_equal(dir->view, new_dir->view))
        reply_refusal_text(req, dir, name, -EPERM,
                           "nothing is moved into or out of a transaction: copy it");
    else if (dir->kind == NODE_TABLES && new_dir == dir)
        rename_table(req, dir, name, new_name, no_replace);
    else if ((dir->kind == NODE_TABLE && new_dir->kind == NODE_TABLE) ||
             (dir->kind == NODE_SELECTION && new_dir == dir))
        rename_in_tables(req, dir, name, new_dir, new_name, no_replace);
    else
        reply_refusal_text(req, dir, name, -EPERM, "this cannot be moved there");
}

/* --- what this tree does not have ----------------------------------------------------- */

void fs_op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
    (void)mode;
    (void)dev;
    reply_refusal_text(req, fs_node(fs_of(req), parent), name, -EPERM,
                       "there are no special files in a database");
}

void fs_op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    (void)target;
    reply_refusal_text(req, fs_node(fs_of(req), parent), name, -EPERM,
                       "there are no symbolic links in a database");
}

void fs_op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
    (void)ino;
    reply_refusal_text(req, fs_node(fs_of(req), new_parent), new_name, -EPERM,
                       "there are no hard links in a database");
}
