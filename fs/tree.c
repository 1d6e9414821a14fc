/* SPDX-License-Identifier: MIT */
/* Names to nodes. */
#include "fs/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/name.h"
#include "fs/content.h"
#include "fs/texts.h"
#include "fs/tree_private.h"

/* What makes a node findable and gives it its st_ino. */
#define KEY_BYTES 112

CLEANUP_POINTER(struct snapshot, snapshot_unref)
/* --- nodes ---------------------------------------------------------------------- */

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
    case NODE_BY:
    case NODE_COLUMN:
    case NODE_SELECTION:
        return tree_lookup_in_table(fs, parent, name, caller, ret_node, ret_seconds, err);
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
