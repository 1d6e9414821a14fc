/* SPDX-License-Identifier: MIT */
/* Names in at/: versions, and links to them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "fs/content.h"
#include "fs/tree_private.h"

CLEANUP_POINTER(struct snapshot, snapshot_unref)

/* "12", and not "012": a version has one name. */
static bool is_version(const char *name, uint64_t *ret_version)
{
    size_t digits = strspn(name, "0123456789");

    if (!digits || digits > 18 || name[digits] || (name[0] == '0' && digits > 1))
        return false;
    *ret_version = strtoull(name, NULL, 10);
    return true;
}

static int lookup_version(struct fs *fs, const char *name, uint64_t version, struct node **ret_node,
                          struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct view *view;
    struct node *node;
    char key[32];
    int r;

    snprintf(key, sizeof key, "past/%" PRIu64, version);
    *ret_node = node_find(&fs->nodes, key);
    if (*ret_node)
        return 0;
    r = db_at(fs->db, version, &snapshot, err);
    if (r < 0)
        return r;
    view = view_create(NULL, snapshot);
    node = view ? node_new(NODE_AT, key, view) : NULL;
    view_unref(view);
    if (!node)
        return -ENOMEM;
    node_set_name(node, name);
    *ret_node = node_publish(&fs->nodes, node, true);
    return 0;
}

static int link_to(struct fs *fs, const char *name, uint64_t version, int64_t usec,
                   struct node **ret_node)
{
    cleanup_buf struct buf text = {0};
    char key[32];
    struct node *node;

    snprintf(key, sizeof key, "link/%" PRIu64, version);
    if (buf_printf(&text, "%" PRIu64, version) < 0)
        return -ENOMEM;
    node = node_new(NODE_LINK, key, NULL);
    if (!node)
        return -ENOMEM;
    node->content = content_of_text(&text, usec);
    node_set_name(node, name);
    node = node_publish(&fs->nodes, node, false);
    if (!node->content) {
        node_unref(&fs->nodes, node, 1);
        return -ENOMEM;
    }
    *ret_node = node;
    return 0;
}

static int lookup_latest(struct fs *fs, struct node **ret_node, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *head = NULL;
    int r = fs_view(fs, NULL, &head, err);

    return r < 0 ? r : link_to(fs, "latest", head->version, head->time_usec, ret_node);
}

/* What was then; what will be is not there yet. */
static int lookup_time(struct fs *fs, const char *name, int64_t usec, struct node **ret_node,
                       struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *head = NULL;
    int64_t now = time_now_usec();
    uint64_t version;
    int r = fs_view(fs, NULL, &head, err);

    if (r < 0)
        return r;
    if (usec > (now > head->time_usec ? now : head->time_usec))
        return -ENOENT;
    r = db_version_at(fs->db, usec, &version, err);
    return r < 0 ? r : link_to(fs, name, version, usec, ret_node);
}

int tree_lookup_in_ats(struct fs *fs, const char *name, struct node **ret_node, double *ret_seconds,
                       struct err *err)
{
    uint64_t version;
    int64_t usec;

    *ret_seconds = 0;
    if (!strcmp(name, "latest"))
        return lookup_latest(fs, ret_node, err);
    if (is_version(name, &version)) {
        *ret_seconds = TREE_LISTED;
        return lookup_version(fs, name, version, ret_node, err);
    }
    return time_from_rfc3339(name, &usec) < 0 ? -ENOENT
                                              : lookup_time(fs, name, usec, ret_node, err);
}
