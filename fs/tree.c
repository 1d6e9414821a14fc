/* SPDX-License-Identifier: MIT */
/* Names to nodes. */
#include "fs/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "core/name.h"
#include "fs/caller.h"
#include "fs/content.h"
#include "fs/texts.h"
#include "fs/tree_private.h"

/* How long a program takes that makes `rows` anew after it has made or emptied the table. */
#define HIDDEN_USEC 10000000

/* "<kind>/<view>/<uuid>/<version>": what makes a node findable and gives it its st_ino. */
#define KEY_BYTES 112

CLEANUP_POINTER(struct snapshot, snapshot_unref)
CLEANUP_POINTER(struct scratch, scratch_unref)

static void table_key(char key[KEY_BYTES], const char *kind, const struct view *view,
                      struct uuid table, uint64_t version)
{
    char uuid[UUID_TEXT_BYTES + 1], of[VIEW_KEY_BYTES];

    uuid_to_text(table, uuid);
    view_key(view, of);
    snprintf(key, KEY_BYTES, "%s/%s/%s/%" PRIu64, kind, of, uuid, version);
}

/* --- nodes ---------------------------------------------------------------------- */

struct node *tree_table_node(struct fs *fs, struct view *view, const struct table *table)
{
    char key[KEY_BYTES];
    struct node *node;

    table_key(key, "table", view, table->uuid, 0);
    node = node_find(&fs->nodes, key);
    if (!node) {
        node = node_new(NODE_TABLE, key, view);
        if (!node)
            return NULL;
        node->table = table->uuid;
        node = node_publish(&fs->nodes, node, true);
    }
    node_set_name(node, table->name); /* it may have been renamed elsewhere */
    return node;
}

struct node *tree_writer_node(struct fs *fs, struct view *view, struct table *table,
                              bool shares_ino)
{
    static _Atomic uint64_t count;
    char key[KEY_BYTES];
    struct node *node;

    table_key(key, shares_ino ? "rows" : "writer", view, table->uuid,
              shares_ino ? table->version : ++count);
    node = node_new(NODE_WRITER, key, view);
    if (!node)
        return NULL;
    node->table = table->uuid;
    node->at = table_ref(table);
    atomic_store(&node->bytes, table_bytes(table));
    node_set_name(node, "rows");
    return node_publish(&fs->nodes, node, false);
}

int tree_scratch_node(struct fs *fs, const struct snapshot *seen, struct node *table_node,
                      const char *name, uid_t owner, mode_t mode, struct node **ret_node,
                      struct err *err)
{
    static _Atomic uint64_t count;
    cleanup(scratch_unref_p) struct scratch *scratch = NULL;
    char key[KEY_BYTES];
    struct node *node;
    int r = scratch_create(seen, &fs->scratch_budget, &scratch, err);

    if (r < 0)
        return r;
    table_key(key, "scratch", table_node->view, table_node->table, ++count);
    node = node_new(NODE_SCRATCH, key, table_node->view);
    if (!node)
        return err_nomem(err);
    node->table = table_node->table;
    node->scratch = steal_pointer(scratch);
    node->owner = owner;
    node->mode = S_IFREG | (mode & 07777);
    atomic_store(&node->mtime_usec, time_now_usec());
    node_set_name(node, name);
    node = node_publish(&fs->nodes, node, false);
    r = scratchdir_add(&fs->scratches, node);
    if (r < 0) {
        node_unref(&fs->nodes, node, 1);
        return err_set(err, r, "too many scratch files");
    }
    *ret_node = node;
    return 0;
}

/* A finite file, found again by its key. The content is taken, also on failure. */
int tree_content_node(struct fs *fs, struct view *view, const char *key, const char *name,
                      struct uuid table, mode_t mode, struct content *content,
                      struct node **ret_node)
{
    struct node *node = content ? node_new(NODE_CONTENT, key, view) : NULL;

    if (!node) {
        content_unref(content);
        return -ENOMEM;
    }
    node->table = table;
    node->content = content;
    node->mode = mode;
    node_set_name(node, name);
    *ret_node = node_publish(&fs->nodes, node, true);
    return 0;
}

/* --- the root --------------------------------------------------------------------- */

static int lookup_text(struct fs *fs, const char *name, const struct tree_caller *caller,
                       struct node **ret_node, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    cleanup_buf struct buf text = {0};
    char key[KEY_BYTES];
    int64_t usec = 0;
    int r;

    if (!strcmp(name, "errors")) {
        r = refusals_print(&fs->refusals, caller->uid, &text, &usec);
    } else {
        r = fs_view(fs, NULL, &snapshot, err);
        if (r < 0)
            return r;
        usec = snapshot->time_usec;
        r = text_root_info(fs, snapshot, &text);
    }
    if (r < 0)
        return r;
    /* The same text is the same file, so that cp does not think that it was replaced meanwhile. */
    snprintf(key, sizeof key, "%s/%" PRIx64, name, hash64_bytes(text.data, text.bytes));
    return tree_content_node(fs, NULL, key, name, (struct uuid){0}, 0444,
                             content_of_text(&text, usec), ret_node);
}

static int lookup_readme(struct fs *fs, struct node **ret_node)
{
    cleanup_buf struct buf text = {0};

    *ret_node = node_find(&fs->nodes, "README");
    if (*ret_node)
        return 0;
    if (text_readme(&text) < 0)
        return -ENOMEM;
    return tree_content_node(fs, NULL, "README", "README", (struct uuid){0}, 0444,
                             content_of_text(&text, 0), ret_node);
}

static int lookup_log(struct fs *fs, struct node **ret_node, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    char key[KEY_BYTES];
    int r = fs_view(fs, NULL, &snapshot, err);

    if (r < 0)
        return r;
    snprintf(key, sizeof key, "log/%" PRIu64, snapshot->position.seq);
    return tree_content_node(fs, NULL, key, "log", (struct uuid){0}, 0444,
                             content_of_history(db_store(fs->db), snapshot), ret_node);
}

int tree_directory_node(struct fs *fs, struct view *view, enum node_kind kind, const char *name,
                        struct node **ret_node)
{
    char key[40], of[VIEW_KEY_BYTES];
    struct node *node;

    view_key(view, of);
    snprintf(key, sizeof key, "%s/%s", name, of);
    node = node_find(&fs->nodes, key);
    if (!node) {
        node = node_new(kind, key, view);
        if (!node)
            return -ENOMEM;
        node_set_name(node, name);
        node = node_publish(&fs->nodes, node, true);
    }
    *ret_node = node;
    return 0;
}

static int lookup_in_root(struct fs *fs, const char *name, const struct tree_caller *caller,
                          struct node **ret_node, double *ret_seconds, struct err *err)
{
    *ret_seconds = 0;
    if (!strcmp(name, "log"))
        return lookup_log(fs, ret_node, err);
    if (!strcmp(name, "errors") || !strcmp(name, "info"))
        return lookup_text(fs, name, caller, ret_node, err);
    *ret_seconds = TREE_FOREVER;
    if (!strcmp(name, "tables"))
        return tree_directory_node(fs, NULL, NODE_TABLES, "tables", ret_node);
    if (!strcmp(name, "tx"))
        return tree_directory_node(fs, NULL, NODE_TXS, "tx", ret_node);
    if (!strcmp(name, "at"))
        return tree_directory_node(fs, NULL, NODE_ATS, "at", ret_node);
    return strcmp(name, "README") ? -ENOENT : lookup_readme(fs, ret_node);
}

/* --- tables ------------------------------------------------------------------------ */

static int lookup_in_tables(struct fs *fs, struct view *view, const char *name,
                            struct node **ret_node, double *ret_seconds, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct table *table;
    int r;

    if (name_check(name, NULL) < 0)
        return -ENOENT;
    r = fs_view(fs, view, &snapshot, err);
    if (r < 0)
        return r;
    table = snapshot_table_named(snapshot, name);
    if (!table)
        return -ENOENT;
    *ret_seconds = 0; /* another mount may drop or rename it at any time */
    *ret_node = tree_table_node(fs, view, table);
    return *ret_node ? 0 : -ENOMEM;
}

int tree_table(struct fs *fs, struct node *node, const struct snapshot *snapshot, pid_t tid,
               struct table **ret_table)
{
    struct table *table = snapshot_table(snapshot, node->table);
    char name[NAME_MAX + 1];

    node_get_name(node, name);
    if ((!table || strcmp(table->name, name)) &&
        redirect_begin(&fs->redirects, tid, node, false, 0))
        return -ESTALE;
    if (!table)
        return -ENOENT;
    *ret_table = table;
    return 0;
}

bool tree_hides_rows(struct node *table_node, const struct table *table, pid_t tid)
{
    pid_t process;

    pthread_mutex_lock(&table_node->name_lock);
    process = table_node->hidden_for;
    if (time_monotonic_usec() - table_node->hidden_usec > HIDDEN_USEC)
        process = 0;
    pthread_mutex_unlock(&table_node->name_lock);
    return process && !table_rows(table) && caller_process(tid) == process;
}

static int lookup_writer(struct fs *fs, struct view *view, struct table *table, struct node *writer,
                         int open_flags, pid_t tid, struct node **ret_node)
{
    if (!writer) {
        writer = tree_writer_node(fs, view, table, !(open_flags & (O_APPEND | O_TRUNC)));
        if (!writer)
            return -ENOMEM;
        redirect_set_writer(&fs->redirects, tid, writer);
    }
    *ret_node = writer;
    return 0;
}

static int lookup_rows(struct fs *fs, struct node *parent, struct table *table,
                       const struct tree_caller *caller, struct node **ret_node)
{
    struct node *writer;
    char key[KEY_BYTES];
    int open_flags;

    if (redirect_wants_writer(&fs->redirects, caller->tid, parent->view, table->uuid, &writer,
                              &open_flags))
        return lookup_writer(fs, parent->view, table, writer, open_flags, caller->tid, ret_node);
    if (tree_hides_rows(parent, table, caller->tid))
        return -ENOENT;
    table_key(key, "rows", parent->view, table->uuid, table->version);
    *ret_node = node_find(&fs->nodes, key);
    if (*ret_node)
        return 0;
    return tree_content_node(fs, parent->view, key, "rows", table->uuid, 0666,
                             content_of_rows(db_store(fs->db), table), ret_node);
}

static int lookup_table_info(struct fs *fs, struct view *view, struct table *table,
                             struct node **ret_node)
{
    cleanup_buf struct buf text = {0};
    char key[KEY_BYTES + 24];

    table_key(key, "info", view, table->uuid, table->version);
    /* A rename changes it too, and gives the rows no new version. */
    sprintf(key + strlen(key), "/%" PRId64, table->named_usec);
    if (text_table_info(table, view, &text) < 0)
        return -ENOMEM;
    return tree_content_node(fs, view, key, "info", table->uuid, 0444,
                             content_of_text(&text, table->time_usec), ret_node);
}

static int lookup_stream(struct fs *fs, struct view *view, const struct table *table,
                         struct node **ret_node)
{
    char key[KEY_BYTES];
    struct node *node;

    table_key(key, "stream", view, table->uuid, 0);
    node = node_new(NODE_STREAM, key, view);
    if (!node)
        return -ENOMEM;
    node->table = table->uuid;
    node_set_name(node, "stream");
    *ret_node = node_publish(&fs->nodes, node, true);
    return 0;
}

static int lookup_in_table(struct fs *fs, struct node *parent, const char *name,
                           const struct tree_caller *caller, struct node **ret_node,
                           double *ret_seconds, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct table *table;
    int r = fs_view(fs, parent->view, &snapshot, err);

    *ret_seconds = 0;
    if (!r)
        r = tree_table(fs, parent, snapshot, caller->tid, &table);
    if (r < 0)
        return r;
    if (!strcmp(name, "rows"))
        return lookup_rows(fs, parent, table, caller, ret_node);
    if (!strcmp(name, "info"))
        return lookup_table_info(fs, parent->view, table, ret_node);
    if (!strcmp(name, "stream"))
        return lookup_stream(fs, parent->view, table, ret_node);
    *ret_node = scratchdir_find(&fs->scratches, parent, caller->uid, name);
    return *ret_node ? 0 : -ENOENT;
}

int tree_lookup(struct fs *fs, struct node *parent, const char *name,
                const struct tree_caller *caller, struct node **ret_node, double *ret_seconds,
                struct err *err)
{
    switch (parent->kind) {
    case NODE_ROOT:
        return lookup_in_root(fs, name, caller, ret_node, ret_seconds, err);
    case NODE_TABLES:
        return lookup_in_tables(fs, parent->view, name, ret_node, ret_seconds, err);
    case NODE_TABLE:
        return lookup_in_table(fs, parent, name, caller, ret_node, ret_seconds, err);
    case NODE_TXS:
        *ret_seconds = 0;
        return tree_lookup_in_txs(fs, name, ret_node, err);
    case NODE_TX:
        *ret_seconds = 0;
        return tree_lookup_in_tx(fs, parent, name, ret_node, err);
    case NODE_ATS:
        return tree_lookup_in_ats(fs, name, ret_node, ret_seconds, err);
    case NODE_AT:
        *ret_seconds = TREE_FOREVER;
        return strcmp(name, "tables")
                   ? -ENOENT
                   : tree_directory_node(fs, parent->view, NODE_TABLES, "tables", ret_node);
    default:
        return -ENOTDIR;
    }
}

bool tree_is_data_name(const char *name)
{
    static const char *const endings[] = {".ndjson", ".jsonl", ".json", ".csv", ".tsv", ".gz"};
    size_t bytes = strlen(name);

    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        size_t n = strlen(endings[i]);

        if (bytes >= n && !strcmp(name + bytes - n, endings[i]))
            return true;
    }
    return false;
}
