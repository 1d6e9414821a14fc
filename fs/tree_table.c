/* SPDX-License-Identifier: MIT */
/* Names in the directory of a table, and of its selections. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "fs/caller.h"
#include "fs/content.h"
#include "fs/texts.h"
#include "fs/tree_private.h"

/* How long a program takes that makes `rows` anew after it has made or emptied the table. */
#define HIDDEN_USEC 10000000

CLEANUP_POINTER(struct snapshot, snapshot_unref)
CLEANUP_POINTER(struct scratch, scratch_unref)
CLEANUP_POINTER(struct selection, selection_unref)
CLEANUP_POINTER(struct matcher, matcher_destroy)

/* --- files ------------------------------------------------------------------------ */

static const char *const file_names[] = {
    [FILE_ROWS] = "rows",     [FILE_CSV] = "rows.csv", [FILE_TSV] = "rows.tsv",
    [FILE_SCHEMA] = "schema", [FILE_PATCH] = "patch",
};

enum table_file tree_file_named(const char *name)
{
    for (size_t i = FILE_ROWS; i < ARRAY_COUNT(file_names); i++)
        if (!strcmp(name, file_names[i]))
            return (enum table_file)i;
    return FILE_OTHER;
}

/*
 * "<kind>/<view>/<uuid>/<version>/<selection>": what makes a node findable and gives it its
 * st_ino. New (free). NULL: out of memory.
 */
static char *node_key(const char *kind, const struct view *view, struct uuid table,
                      uint64_t version, const struct selection *selection)
{
    cleanup_buf struct buf key = {0};
    char uuid[UUID_TEXT_BYTES + 1], of[VIEW_KEY_BYTES];
    int r;

    uuid_to_text(table, uuid);
    view_key(view, of);
    r = buf_printf(&key, "%s/%s/%s/%" PRIu64, kind, of, uuid, version);
    if (!r && selection) {
        r = buf_append(&key, "/", 1);
        if (!r)
            r = selection_print(selection, &key);
    }
    return r < 0 ? NULL : strndup(key.data, key.bytes);
}

/* A new node in the directory of a table, or below it. NULL: out of memory. */
static struct node *node_below(enum node_kind kind, const char *key, struct view *view,
                               struct uuid table, struct selection *selection, const char *name)
{
    struct node *node = key ? node_new(kind, key, view) : NULL;

    if (!node)
        return NULL;
    node->table = table;
    node->selection = selection_ref(selection);
    node_set_name(node, name);
    return node;
}

struct node *tree_table_node(struct fs *fs, struct view *view, const struct table *table)
{
    cleanup_free char *key = node_key("table", view, table->uuid, 0, NULL);
    struct node *node = key ? node_find(&fs->nodes, key) : NULL;

    if (!node) {
        node = node_below(NODE_TABLE, key, view, table->uuid, NULL, table->name);
        return node ? node_publish(&fs->nodes, node, true) : NULL;
    }
    node_set_name(node, table->name); /* it may have been renamed elsewhere */
    return node;
}

struct node *tree_writer_node(struct fs *fs, const struct node *dir, struct table *table,
                              enum table_file file, bool shares_ino)
{
    static _Atomic uint64_t count;
    cleanup_free char *key =
        node_key(shares_ino ? file_names[file] : "writer", dir->view, table->uuid,
                 shares_ino ? table->version : ++count, dir->selection);
    struct node *node =
        node_below(NODE_WRITER, key, dir->view, table->uuid, dir->selection, file_names[file]);

    if (!node)
        return NULL;
    node->file = file;
    node->at = table_ref(table);
    if (file == FILE_ROWS && !dir->selection)
        atomic_store(&node->bytes, table_bytes(table));
    return node_publish(&fs->nodes, node, false);
}

int tree_scratch_node(struct fs *fs, uint64_t made_version, struct node *table_node,
                      const char *name, uid_t owner, mode_t mode, struct node **ret_node,
                      struct err *err)
{
    static _Atomic uint64_t count;
    cleanup(scratch_unref_p) struct scratch *scratch = NULL;
    cleanup_free char *key =
        node_key("scratch", table_node->view, table_node->table, ++count, NULL);
    struct selection *selection = table_node->selection;
    struct node *node;
    int r = scratch_create(made_version, &fs->scratch_budget, &scratch, err);

    if (r < 0)
        return r;
    node = node_below(NODE_SCRATCH, key, table_node->view, table_node->table, selection, name);
    if (!node)
        return err_nomem(err);
    node->scratch = steal_pointer(scratch);
    node->owner = owner;
    node->mode = S_IFREG | (mode & 07777);
    atomic_store(&node->mtime_usec, time_now_usec());
    node = node_publish(&fs->nodes, node, false);
    r = scratchdir_add(&fs->scratches, node);
    if (r < 0) {
        node_unref(&fs->nodes, node, 1);
        return err_set(err, r, "too many scratch files");
    }
    *ret_node = node;
    return 0;
}

/* --- what is read ---------------------------------------------------------------------- */

static int schema_content(struct table *table, struct content **ret_content)
{
    cleanup_buf struct buf text = {0};
    const struct schema *schema = table->schema;

    if (schema && buf_append(&text, schema->text.data, schema->text.bytes) < 0)
        return -ENOMEM;
    *ret_content = content_of_text(&text, schema ? table->schema_usec : table->named_usec);
    return *ret_content ? 0 : -ENOMEM;
}

static int derived_content(struct fs *fs, const struct node *dir, struct table *table,
                           enum derived_format format, struct content **ret_content,
                           struct err *err)
{
    struct derived *derived;
    int r = derived_create(fs->db, table, dir->selection, format, &derived, err);

    if (r < 0)
        return r;
    *ret_content = content_of_derived(derived, table->time_usec);
    return *ret_content ? 0 : -ENOMEM;
}

int tree_file_content(struct fs *fs, const struct node *dir, struct table *table,
                      enum table_file file, struct content **ret_content, struct err *err)
{
    switch (file) {
    case FILE_ROWS:
        if (dir->selection)
            return derived_content(fs, dir, table, DERIVED_ROWS, ret_content, err);
        *ret_content = content_of_rows(db_store(fs->db), table);
        return *ret_content ? 0 : -ENOMEM;
    case FILE_CSV:
        return derived_content(fs, dir, table, DERIVED_CSV, ret_content, err);
    case FILE_TSV:
        return derived_content(fs, dir, table, DERIVED_TSV, ret_content, err);
    case FILE_SCHEMA:
        return schema_content(table, ret_content);
    default:
        return err_set(err, -EACCES, "this file can only be written");
    }
}

/* --- lookups of files ---------------------------------------------------------------------- */

int tree_table(struct fs *fs, struct node *node, const struct snapshot *snapshot, pid_t tid,
               struct table **ret_table)
{
    struct table *table = snapshot_table(snapshot, node->table);
    char name[NAME_MAX + 1];

    node_get_name(node, name);
    if (node->kind == NODE_TABLE && (!table || strcmp(table->name, name)) &&
        redirect_begin(&fs->redirects, tid, node, false, 0))
        return -ESTALE;
    if (!table)
        return -ENOENT;
    *ret_table = table;
    return 0;
}

bool tree_hides(struct node *dir, const struct table *table, enum table_file file, pid_t tid)
{
    bool is_there =
        file == FILE_SCHEMA ? table->schema != NULL : !dir->selection && table_rows(table) > 0;
    pid_t process;

    pthread_mutex_lock(&dir->name_lock);
    process = dir->hidden_for;
    if (time_monotonic_usec() - dir->hidden_usec > HIDDEN_USEC)
        process = 0;
    if (!(dir->hidden_files & 1U << file))
        process = 0;
    pthread_mutex_unlock(&dir->name_lock);
    return process && !is_there && caller_process(tid) == process;
}

static int lookup_writer(struct fs *fs, const struct node *dir, struct table *table,
                         enum table_file file, struct node *writer, int open_flags, pid_t tid,
                         struct node **ret_node)
{
    if (!writer) {
        writer = tree_writer_node(fs, dir, table, file, !(open_flags & (O_APPEND | O_TRUNC)));
        if (!writer)
            return -ENOMEM;
        redirect_set_writer(&fs->redirects, tid, writer);
    }
    *ret_node = writer;
    return 0;
}

/* The node of what is read now, made when there is none. */
static int lookup_content(struct fs *fs, struct node *dir, struct table *table,
                          enum table_file file, struct node **ret_node, struct err *err)
{
    uint64_t version = file == FILE_SCHEMA ? table->schema_version : table->version;
    cleanup_free char *key =
        node_key(file_names[file], dir->view, table->uuid, version, dir->selection);
    struct content *content;
    struct node *node;
    int r;

    if (!key)
        return -ENOMEM;
    *ret_node = node_find(&fs->nodes, key);
    if (*ret_node)
        return 0;
    r = tree_file_content(fs, dir, table, file, &content, err);
    if (r < 0)
        return r;
    node = node_below(NODE_CONTENT, key, dir->view, table->uuid, dir->selection, file_names[file]);
    if (!node) {
        content_unref(content);
        return -ENOMEM;
    }
    node->file = file;
    node->at = table_ref(table);
    node->content = content;
    node->mode = 0666;
    *ret_node = node_publish(&fs->nodes, node, true);
    return 0;
}

static int lookup_file(struct fs *fs, struct node *dir, struct table *table, enum table_file file,
                       const struct tree_caller *caller, struct node **ret_node, struct err *err)
{
    struct node *writer;
    int open_flags, r;

    if (file == FILE_PATCH) {
        *ret_node = tree_writer_node(fs, dir, table, file, false);
        return *ret_node ? 0 : -ENOMEM;
    }
    if (redirect_wants_writer(&fs->redirects, caller->tid, dir, file, &writer, &open_flags))
        return lookup_writer(fs, dir, table, file, writer, open_flags, caller->tid, ret_node);
    if (tree_hides(dir, table, file, caller->tid))
        return -ENOENT;
    r = lookup_content(fs, dir, table, file, ret_node, err);
    if (r == -EINVAL && file == FILE_TSV) {
        /* A row cannot be written as TSV, but others can be appended: who reads is told. */
        *ret_node = tree_writer_node(fs, dir, table, file, false);
        r = *ret_node ? 0 : -ENOMEM;
    }
    return r;
}

static int lookup_info(struct fs *fs, struct node *dir, struct table *table, struct node **ret_node,
                       struct err *err)
{
    cleanup_buf struct buf text = {0};
    /* A rename changes it too, and gives the rows no new version. */
    uint64_t version = table->version + table->named_version;
    cleanup_free char *key = node_key("info", dir->view, table->uuid, version, dir->selection);
    struct node *node;
    int r = dir->selection ? text_selection_info(fs, table, dir->view, dir->selection, &text, err)
                           : text_table_info(table, dir->view, &text);

    if (r < 0)
        return r;
    node = node_below(NODE_CONTENT, key, dir->view, table->uuid, dir->selection, "info");
    if (!node)
        return -ENOMEM;
    node->content = content_of_text(&text, table->time_usec);
    node->mode = 0444;
    if (!node->content) {
        node_unref(&fs->nodes, node_publish(&fs->nodes, node, false), 1);
        return -ENOMEM;
    }
    *ret_node = node_publish(&fs->nodes, node, true);
    return 0;
}

static int lookup_stream(struct fs *fs, struct node *dir, const struct table *table,
                         struct node **ret_node)
{
    cleanup_free char *key = node_key("stream", dir->view, table->uuid, 0, NULL);
    struct node *node = node_below(NODE_STREAM, key, dir->view, table->uuid, NULL, "stream");

    if (!node)
        return -ENOMEM;
    *ret_node = node_publish(&fs->nodes, node, true);
    return 0;
}

/* --- selections ------------------------------------------------------------------------------ */

/* A directory below a table: by/, or what is in it. */
static int lookup_directory(struct fs *fs, enum node_kind kind, const char *what, struct node *dir,
                            struct selection *selection, const char *name, struct node **ret_node)
{
    cleanup_free char *key = node_key(what, dir->view, dir->table, 0, selection);
    struct node *node = key ? node_find(&fs->nodes, key) : NULL;

    if (!node) {
        node = node_below(kind, key, dir->view, dir->table, selection, name);
        if (!node)
            return -ENOMEM;
        if (kind == NODE_SELECTION) {
            node_ref(dir);
            node->parent = dir;
        }
        node = node_publish(&fs->nodes, node, true);
    }
    *ret_node = node;
    return 0;
}

/* by/<column>: of a table with a schema one of its columns, otherwise any. */
static int lookup_column(struct fs *fs, struct node *by, const struct table *table,
                         const char *name, struct node **ret_node, struct err *err)
{
    cleanup_buf struct buf column = {0}, what = {0};
    int r = value_name_unescape(slice_of(name, strlen(name)), &column);

    if (!strcmp(name, "%empty"))
        r = 0;
    if (r == -EINVAL)
        return err_set(err, -ENOENT, "%s is no name: %% is written %%25", name);
    if (r < 0)
        return r;
    if (table->schema && !schema_column(table->schema, slice_of(column.data, column.bytes)))
        return err_set(err, -ENOENT, "table %s has no column %s", table->name, name);
    if (buf_printf(&what, "column/%s", name) < 0 || buf_append(&what, "", 1) < 0)
        return -ENOMEM;
    return lookup_directory(fs, NODE_COLUMN, what.data, by, by->selection, name, ret_node);
}

static int no_value(const struct table *table, const char *column_name, const char *name,
                    struct err *err)
{
    cleanup_buf struct buf characters = {0};
    char type[TYPE_TEXT_BYTES] = "value";
    const struct column *column = NULL;

    if (table->schema &&
        value_name_unescape(slice_of(column_name, strlen(column_name)), &characters) == 0)
        column = schema_column(table->schema, slice_of(characters.data, characters.bytes));
    if (column)
        type_to_text(column->type, type);
    return err_set(err, -ENOENT, "by/%s: %s spells no %s, nor a range of them", column_name, name,
                   type);
}

/* by/<column>/<value>: no row is looked at. */
static int lookup_value(struct fs *fs, struct node *column, const struct table *table,
                        const char *name, struct node **ret_node, struct err *err)
{
    cleanup(selection_unref_p) struct selection *selection = NULL;
    cleanup(matcher_destroy_p) struct matcher *matcher = NULL;
    char column_name[NAME_MAX + 1];
    int r;

    node_get_name(column, column_name);
    r = selection_create(column->selection, column_name, name, &selection);
    if (!r)
        r = matcher_create(selection, table->schema, &matcher);
    if (r == -EINVAL || r == -ENOENT)
        return no_value(table, column_name, name, err);
    if (r < 0)
        return r;
    r = lookup_directory(fs, NODE_SELECTION, "by", column, selection, name, ret_node);
    if (!r && node_use(&fs->nodes, *ret_node) > FORGETTER_SELECTIONS + FORGETTER_SELECTIONS / 8)
        forgetter_wake(&fs->forgetter, fs->session);
    return r;
}

int tree_lookup_in_table(struct fs *fs, struct node *parent, const char *name,
                         const struct tree_caller *caller, struct node **ret_node,
                         double *ret_seconds, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    enum table_file file = tree_file_named(name);
    struct table *table;
    int r = fs_view(fs, parent->view, &snapshot, err);

    *ret_seconds = 0;
    if (!r && strlen(name) > NAME_MAX)
        r = -ENAMETOOLONG; /* the kernel lets some more through */
    if (!r)
        r = tree_table(fs, parent, snapshot, caller->tid, &table);
    if (r < 0)
        return r;
    if (parent->kind == NODE_BY || parent->kind == NODE_COLUMN) {
        *ret_seconds = TREE_LISTED; /* what is in it is looked up each time */
        return parent->kind == NODE_BY ? lookup_column(fs, parent, table, name, ret_node, err)
                                       : lookup_value(fs, parent, table, name, ret_node, err);
    }
    if (file != FILE_OTHER && (file != FILE_SCHEMA || !parent->selection))
        return lookup_file(fs, parent, table, file, caller, ret_node, err);
    *ret_seconds = !strcmp(name, "by") ? TREE_LISTED : 0;
    if (!strcmp(name, "by"))
        return lookup_directory(fs, NODE_BY, "columns", parent, parent->selection, name, ret_node);
    if (!strcmp(name, "info"))
        return lookup_info(fs, parent, table, ret_node, err);
    if (!strcmp(name, "stream") && !parent->selection)
        return lookup_stream(fs, parent, table, ret_node);
    *ret_node = scratchdir_find(&fs->scratches, parent, caller->uid, name);
    return *ret_node ? 0 : -ENOENT;
}
