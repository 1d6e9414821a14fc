/* SPDX-License-Identifier: MIT */
/* Names in tx/ and in the directories of transactions. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "fs/content.h"
#include "fs/tree_private.h"
#include "fs/txfiles.h"

CLEANUP_POINTER(struct snapshot, snapshot_unref)
CLEANUP_POINTER(struct tx, tx_unref)

const char *tree_isolation_text(struct tx *tx)
{
    return tx_is_serializable(tx) ? "serializable\n" : "snapshot\n";
}

/* --- tx/ ---------------------------------------------------------------------------- */

struct node *tree_tx_node(struct fs *fs, struct tx *tx, uid_t owner)
{
    struct view *view;
    struct node *node;
    char key[40];

    snprintf(key, sizeof key, "transaction/%" PRIu64, tx_serial(tx));
    node = node_find(&fs->nodes, key);
    if (node)
        return node;
    view = view_create(tx, NULL);
    node = view ? node_new(NODE_TX, key, view) : NULL;
    view_unref(view);
    if (!node)
        return NULL;
    node->owner = owner;
    node_set_name(node, tx_id(tx));
    return node_publish(&fs->nodes, node, true);
}

/* One that this mount only knows from the log: its directory has no more than a status. */
static int lookup_committed(struct fs *fs, const char *id, struct node **ret_node, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct node *node;
    int r = fs_view(fs, NULL, &snapshot, err);

    if (r < 0)
        return r;
    if (!snapshot_committed_id(snapshot, id))
        return -ENOENT;
    node = node_new(NODE_TX, id, NULL);
    if (!node)
        return -ENOMEM;
    node->owner = fs->options.uid;
    node_set_name(node, id);
    *ret_node = node_publish(&fs->nodes, node, false);
    return 0;
}

/* A file that is another one at each lookup, so that each open of it has an st_ino of its own. */
static int lookup_fresh(struct fs *fs, struct view *view, enum node_kind kind, const char *name,
                        uid_t owner, struct node **ret_node)
{
    static _Atomic uint64_t count;
    struct node *node;
    char key[48];

    snprintf(key, sizeof key, "%s#%" PRIu64, name, ++count);
    node = node_new(kind, key, view);
    if (!node)
        return -ENOMEM;
    node->owner = owner;
    node_set_name(node, name);
    *ret_node = node_publish(&fs->nodes, node, false);
    return 0;
}

int tree_lookup_in_txs(struct fs *fs, const char *name, struct node **ret_node, struct err *err)
{
    cleanup(tx_unref_p) struct tx *tx = NULL;
    uid_t owner;

    if (!strcmp(name, "new"))
        return tree_directory_node(fs, NULL, NODE_TX_NEW, name, ret_node);
    tx = txset_find(fs->txs, name, &owner);
    if (!tx)
        return lookup_committed(fs, name, ret_node, err);
    *ret_node = tree_tx_node(fs, tx, owner);
    return *ret_node ? 0 : -ENOMEM;
}

/* --- tx/<id>/ ------------------------------------------------------------------------- */

static int print_status(struct fs *fs, struct node *parent, struct buf *text, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    cleanup_free struct tx_writer *writers = NULL;
    char id[NAME_MAX + 1];
    size_t count;
    int r;

    if (parent->view) {
        r = txfiles_writers(fs, parent->view->tx, &writers, &count);
        return r < 0 ? r : tx_print_status(parent->view->tx, writers, count, text);
    }
    r = fs_view(fs, NULL, &snapshot, err);
    if (r < 0)
        return r;
    node_get_name(parent, id);
    return tx_print_committed(id, snapshot_committed_id(snapshot, id), text);
}

static int lookup_status(struct fs *fs, struct node *parent, struct node **ret_node,
                         struct err *err)
{
    cleanup_buf struct buf text = {0};
    char key[80], of[VIEW_KEY_BYTES];
    int r = print_status(fs, parent, &text, err);

    if (r < 0)
        return r;
    view_key(parent->view, of);
    snprintf(key, sizeof key, "status/%s/%" PRIx64, of, hash64_bytes(text.data, text.bytes));
    return tree_content_node(
        fs, parent->view, key, "status", (struct uuid){0}, 0444,
        content_of_text(&text, parent->view ? tx_began_usec(parent->view->tx) : 0), ret_node);
}

int tree_lookup_in_tx(struct fs *fs, struct node *parent, const char *name, struct node **ret_node,
                      struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *seen = NULL;
    bool tables = !strcmp(name, "tables"), commit = !strcmp(name, "commit");
    int r;

    if (!strcmp(name, "status"))
        return lookup_status(fs, parent, ret_node, err);
    if (!parent->view || (!tables && !commit && strcmp(name, "isolation")))
        return -ENOENT;
    r = fs_view(fs, parent->view, &seen, err);
    if (r < 0)
        return r;
    if (tables)
        return tree_directory_node(fs, parent->view, NODE_TABLES, "tables", ret_node);
    return lookup_fresh(fs, parent->view, commit ? NODE_TX_COMMIT : NODE_TX_ISOLATION, name,
                        parent->owner, ret_node);
}
