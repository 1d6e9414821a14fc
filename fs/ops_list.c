/* SPDX-License-Identifier: MIT */
/*
 * Listing directories. An open directory lists one snapshot, so that a listing
 * of any length is of one moment; offsets are positions in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/delimited.h"
#include "fs/reply.h"
#include "fs/tree.h"

CLEANUP_POINTER(struct snapshot, snapshot_unref)

static bool is_below_table(const struct node *node)
{
    return node->kind == NODE_TABLE || node->kind == NODE_BY || node->kind == NODE_COLUMN ||
           node->kind == NODE_SELECTION;
}

/* Which files of the table the process is not to see. */
static void note_hidden(struct handle *handle, pid_t tid)
{
    if (handle->node->kind != NODE_TABLE && handle->node->kind != NODE_SELECTION)
        return;
    if (tree_hides(handle->node, handle->table, FILE_ROWS, tid))
        handle->hidden |= 1U << FILE_ROWS;
    if (tree_hides(handle->node, handle->table, FILE_SCHEMA, tid))
        handle->hidden |= 1U << FILE_SCHEMA;
}

/* --- by/ and by/<column>/ -------------------------------------------------------------- */

/* The columns of a table, or of its rows if it has no schema, each name with its NUL. */
static int list_columns(struct fs *fs, struct handle *handle, struct err *err)
{
    struct delimited_columns columns = {0};
    struct pick *pick = NULL;
    struct picked picked;
    int r = 0;

    if (handle->table->schema)
        r = delimited_columns_of_schema(handle->table->schema, &columns);
    else
        r = pick_create(fs->db, handle->table, handle->node->selection, 0, PICK_TO_END, &pick, err);
    while (!r && pick && (r = pick_next(pick, &picked, err)) > 0)
        r = delimited_columns_add_row(&columns, picked.row, err);
    for (size_t i = 0; i < columns.count && !r; i++) {
        r = value_name_escape(columns.names[i], &handle->ids);
        if (!r)
            r = buf_append(&handle->ids, "", 1);
    }
    pick_destroy(pick);
    delimited_columns_finish(&columns);
    return r;
}

static int begin_values(struct fs *fs, struct handle *handle, struct err *err)
{
    cleanup_buf struct buf column = {0};
    const struct node *node = handle->node;
    char name[NAME_MAX + 1];
    int r = 0;

    if (node->kind == NODE_BY)
        return list_columns(fs, handle, err);
    if (node->kind != NODE_COLUMN)
        return 0;
    distinct_destroy(steal_pointer(handle->distinct));
    buf_finish(&handle->value);
    handle->values_at = 0;
    node_get_name(handle->node, name);
    if (strcmp(name, "%empty") != 0)
        r = value_name_unescape(slice_of(name, strlen(name)), &column);
    if (!r)
        r = distinct_create(fs->db, handle->table, node->selection,
                            slice_of(column.data, column.bytes), DISTINCT_MAX, &handle->distinct,
                            err);
    return r;
}

/* Makes `value` the next one. 1, or 0 at the end. */
static int next_value(struct handle *handle, struct err *err)
{
    struct slice name;
    int r = distinct_next(handle->distinct, &name, err);

    handle->value.bytes = 0;
    if (r <= 0)
        return r;
    handle->values_at++;
    if (buf_append(&handle->value, name.text, name.bytes) < 0 ||
        buf_append(&handle->value, "", 1) < 0)
        return err_nomem(err);
    return 1;
}

/*
 * The value at this index, which is mostly that behind the last one, or that one again because
 * it did not fit. 1, or 0 at the end.
 */
static int value_at(struct fs *fs, struct handle *handle, uint64_t index, struct err *err)
{
    int r = 1;

    if (index + 1 == handle->values_at && handle->value.bytes)
        return 1;
    if (index < handle->values_at)
        r = begin_values(fs, handle, err) < 0 ? -EIO : 1;
    while (r > 0 && handle->values_at <= index)
        r = next_value(handle, err);
    return r;
}

/* --- directories ---------------------------------------------------------------------------- */

void fs_op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    struct node *node = fs_node(fs, ino);
    pid_t tid = fuse_req_ctx(req)->pid;
    uid_t uid = fuse_req_ctx(req)->uid;
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct table *table = NULL;
    struct err err = ERR_INIT;
    struct handle *handle;
    int r = fs_view(fs, node->view, &snapshot, &err);

    if (r < 0) {
        reply_refusal(req, node, NULL, r, &err);
        return;
    }
    r = is_below_table(node) ? tree_table(fs, node, snapshot, tid, &table) : 0;
    if (r < 0) {
        fuse_reply_err(req, -r); /* ENOENT, or ESTALE: walk again */
        return;
    }
    handle = fs_handle_new(fs, HANDLE_DIRECTORY, node, fuse_req_ctx(req)->pid);
    if (!handle) {
        reply_code(req, -ENOMEM);
        return;
    }
    handle->snapshot = steal_pointer(snapshot);
    handle->table = table;
    if (node->kind == NODE_TXS && txset_list(fs->txs, uid ? uid : (uid_t)-1, &handle->ids) < 0) {
        fs_handle_destroy(fs, handle);
        reply_code(req, -ENOMEM);
        return;
    }
    r = begin_values(fs, handle, &err);
    if (r < 0) {
        fs_handle_destroy(fs, handle);
        reply_refusal(req, node, NULL, r, &err);
        return;
    }
    if ((node->kind == NODE_BY || node->kind == NODE_COLUMN) && view_tx(node->view))
        tx_note_read(node->view->tx, node->table, node->selection);
    if (node->kind == NODE_TABLES && view_tx(node->view))
        tx_note_tables_listed(node->view->tx);
    note_hidden(handle, tid);
    fi->fh = (uintptr_t)handle;
    if (fuse_reply_open(req, fi) < 0)
        fs_handle_destroy(fs, handle);
}

void fs_op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    fs_handle_destroy(fs_of(req), fs_handle(fi));
    fuse_reply_err(req, 0);
}

/* One entry of a listing. `table` is set for those that are tables. */
struct entry {
    const char *name;
    mode_t type;
    uint64_t ino;
    const struct table *table;
    off_t next; /* the position behind it */
    char scratch_name[NAME_MAX + 1];
};

static bool root_entry(size_t index, struct entry *entry)
{
    static const struct {
        const char *name;
        mode_t type;
    } entries[] = {{"README", S_IFREG}, {"at", S_IFDIR},     {"errors", S_IFREG},
                   {"log", S_IFREG},    {"tables", S_IFDIR}, {"tx", S_IFDIR}};

    if (index >= ARRAY_COUNT(entries))
        return false;
    entry->name = entries[index].name;
    entry->type = entries[index].type;
    entry->ino = node_ino_of(entry->name);
    return true;
}

static bool named_entry(struct entry *entry, const char *name, mode_t type)
{
    entry->name = name;
    entry->type = type;
    entry->ino = node_ino_of(name);
    return true;
}

static bool table_entry(struct fs *fs, const struct handle *handle, uid_t uid, size_t index,
                        struct entry *entry)
{
    bool is_table = handle->node->kind == NODE_TABLE;

    if (is_table && !(handle->hidden & 1U << FILE_SCHEMA) && index-- == 0)
        return named_entry(entry, "schema", S_IFREG);
    if (!(handle->hidden & 1U << FILE_ROWS) && index-- == 0)
        return named_entry(entry, "rows", S_IFREG);
    return scratchdir_name_at(&fs->scratches, handle->node, uid, index, entry->scratch_name) &&
           named_entry(entry, entry->scratch_name, S_IFREG);
}

static bool tables_entry(struct ptree_cursor *cursor, struct entry *entry)
{
    entry->table = ptree_next(cursor);
    if (!entry->table)
        return false;
    entry->name = entry->table->name;
    entry->type = S_IFDIR;
    entry->ino = node_ino_of(entry->name);
    return true;
}

/* Transactions and columns stand at the positions of their names' first bytes. */
static bool listed_entry(const struct handle *handle, size_t at, struct entry *entry)
{
    if (at >= handle->ids.bytes)
        return false;
    entry->name = handle->ids.data + at;
    entry->type = S_IFDIR;
    entry->ino = node_ino_of(entry->name);
    entry->next += (off_t)strlen(entry->name); /* and its NUL, which is counted already */
    return true;
}

/* The entry at a position, 1, or 0 for the end: "." and "..", then what the directory holds. */
static int entry_at(struct fs *fs, struct handle *handle, uid_t uid, off_t position,
                    struct ptree_cursor *cursor, struct entry *entry, struct err *err)
{
    int r;

    entry->table = NULL;
    entry->next = position + 1;
    if (position < 2) {
        entry->name = position ? ".." : ".";
        entry->type = S_IFDIR;
        entry->ino = handle->node->ino;
        return true;
    }
    switch (handle->node->kind) {
    case NODE_ROOT:
        return root_entry((size_t)position - 2, entry);
    case NODE_TABLES:
        return tables_entry(cursor, entry);
    case NODE_TABLE:
    case NODE_SELECTION:
        return table_entry(fs, handle, uid, (size_t)position - 2, entry);
    case NODE_AT:
        entry->name = "tables";
        entry->type = S_IFDIR;
        entry->ino = node_ino_of(entry->name);
        return position == 2;
    case NODE_TXS:
    case NODE_BY:
        return listed_entry(handle, (size_t)position - 2, entry);
    case NODE_COLUMN:
        r = value_at(fs, handle, (uint64_t)position - 2, err);
        return r <= 0 ? r : named_entry(entry, handle->value.data, S_IFDIR);
    default:
        return false;
    }
}

static size_t add_plain(fuse_req_t req, struct view *view, char *buf, size_t size,
                        const struct entry *entry)
{
    struct stat attr = {.st_ino = entry->ino, .st_mode = entry->type};

    (void)view;
    return fuse_add_direntry(req, buf, size, entry->name, &attr, entry->next);
}

/*
 * With attributes, where a stat of each entry is to be expected and can be
 * answered ahead: for tables. Other names are looked up afresh each time anyway.
 */
static size_t add_plus(fuse_req_t req, struct view *view, char *buf, size_t size,
                       const struct entry *entry)
{
    struct fs *fs = fs_of(req);
    struct fuse_entry_param param = {.attr = {.st_ino = entry->ino, .st_mode = entry->type}};
    struct node *node = NULL;
    size_t n;

    if (entry->table)
        node = tree_table_node(fs, view, entry->table);
    if (node) {
        param.ino = node_id(node);
        param.entry_timeout = param.attr_timeout = TREE_LISTED;
        tree_attr(fs, node, &param.attr);
    }
    n = fuse_add_direntry_plus(req, buf, size, entry->name, &param, entry->next);
    if (node && n > size)
        node_unref(&fs->nodes, node, 1); /* did not fit: the kernel never hears of it */
    return n;
}

static void list(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *fi,
                 size_t (*add)(fuse_req_t, struct view *, char *, size_t, const struct entry *))
{
    struct handle *handle = fs_handle(fi);
    uid_t uid = fuse_req_ctx(req)->uid;
    cleanup_free char *buf = malloc(size);
    struct ptree_cursor cursor = {.depth = 0};
    struct err err = ERR_INIT;
    struct entry entry;
    size_t used = 0;
    int r;

    if (!buf) {
        reply_code(req, -ENOMEM);
        return;
    }
    if (handle->node->kind == NODE_TABLES)
        ptree_seek_index(&cursor, handle->snapshot->by_name, offset > 2 ? (size_t)offset - 2 : 0);
    while ((r = entry_at(fs_of(req), handle, uid, offset, &cursor, &entry, &err)) > 0) {
        size_t n = add(req, handle->node->view, buf + used, size - used, &entry);

        if (n > size - used)
            break;
        used += n;
        offset = entry.next;
    }
    if (r < 0 && !used)
        reply_refusal(req, handle->node, NULL, r, &err);
    else
        fuse_reply_buf(req, buf, used);
}

void fs_op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                   struct fuse_file_info *fi)
{
    (void)ino;
    list(req, size, off, fi, add_plain);
}

void fs_op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                       struct fuse_file_info *fi)
{
    (void)ino;
    list(req, size, off, fi, add_plus);
}
