/* SPDX-License-Identifier: MIT */
/* Errors become replies. */
#include "fs/reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "fs/caller.h"
#include "fs/trace.h"

/* Room for "tx/<id>/tables/<name>/<name>". */
#define PATH_TEXT_BYTES (3 * NAME_MAX + 24)

struct caller reply_caller(fuse_req_t req)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);

    return (struct caller){.uid = ctx->uid, .pid = ctx->pid};
}

/* What stands before `tables/`, with the room that is left behind it. */
static char *print_view(const struct node *node, char path[PATH_TEXT_BYTES], size_t *ret_room)
{
    int n = 0;

    if (view_tx(node->view))
        n = snprintf(path, PATH_TEXT_BYTES, "tx/%s/", tx_id(node->view->tx));
    else if (node->view)
        n = snprintf(path, PATH_TEXT_BYTES, "at/%" PRIu64 "/", node->view->past->version);

    *ret_room = PATH_TEXT_BYTES - (size_t)n;
    return path + n;
}

/* "tables/t/by/id/42/rows"; `own` is the node's name, `name` (or NULL) that of an entry of it. */
static void path_below(char *path, size_t room, const struct table *table, const struct node *node,
                       const char *own, const char *name)
{
    cleanup_buf struct buf selection = {0};
    bool is_selection = node->kind == NODE_SELECTION;

    if (node->selection && selection_print(node->selection, &selection) < 0)
        selection.bytes = 0;
    snprintf(path, room, "%s%s%s%.*s%s%s%s%s%s", table ? "tables/" : "", table ? table->name : "",
             table ? "/" : "", (int)selection.bytes, selection.bytes ? selection.data : "",
             selection.bytes && !is_selection ? "/" : "", node->kind == NODE_COLUMN ? "by/" : "",
             is_selection ? "" : own, name ? "/" : "", name ? name : "");
}

static void print_path(struct fs *fs, struct node *node, const char *name,
                       char ret_path[PATH_TEXT_BYTES])
{
    struct snapshot *seen = fs_known_view(fs, node->view);
    const struct table *table = snapshot_table(seen, node->table);
    char own[NAME_MAX + 1];
    size_t room;
    char *path = print_view(node, ret_path, &room);

    node_get_name(node, own);
    switch (node->kind) {
    case NODE_ROOT:
        snprintf(path, room, "%s", name ? name : ".");
        break;
    case NODE_ATS:
        snprintf(path, room, "at%s%s", name ? "/" : "", name ? name : "");
        break;
    case NODE_AT:
    case NODE_TX: /* the view is its path already */
        snprintf(path, room, "%s", name ? name : ".");
        break;
    case NODE_TXS:
        snprintf(path, room, "tx%s%s", name ? "/" : "", name ? name : "");
        break;
    case NODE_TX_NEW:
        snprintf(path, room, "tx/new");
        break;
    case NODE_TABLES:
        snprintf(path, room, "tables%s%s", name ? "/" : "", name ? name : "");
        break;
    case NODE_TABLE:
        snprintf(path, room, "tables/%s%s%s", own, name ? "/" : "", name ? name : "");
        break;
    default:
        if (!table)
            table = node->at; /* dropped meanwhile */
        path_below(path, room, table, node, own, name);
    }
    snapshot_unref(seen);
}

void reply_note(struct fs *fs, struct caller caller, struct node *node, const char *name, int code,
                const struct err *err)
{
    char path[PATH_TEXT_BYTES];
    cleanup_free char *line = NULL;
    struct err plain = ERR_INIT;

    if (!err->text[0]) {
        err_set(&plain, code, "%s", strerror(-code));
        err = &plain;
    }
    print_path(fs, node, name, path);
    line = refusals_add(&fs->refusals, caller.uid, caller_process(caller.pid), path, code, err);
    trace_note("refused: %s", line ? line : err->text);
}

/* EAGAIN, EINTR and ESTALE are never meant for a user: programs loop on them or hide them. */
static int for_users(int code)
{
    return code == -EAGAIN || code == -EINTR || code == -ESTALE ? EIO : -code;
}

void reply_code(fuse_req_t req, int code)
{
    fuse_reply_err(req, for_users(code));
}

void reply_refusal(fuse_req_t req, struct node *node, const char *name, int code,
                   const struct err *err)
{
    reply_note(fs_of(req), reply_caller(req), node, name, code, err);
    reply_code(req, code);
}

void reply_refusal_text(fuse_req_t req, struct node *node, const char *name, int code,
                        const char *text)
{
    struct err err = ERR_INIT;

    err_set(&err, code, "%s", text);
    reply_refusal(req, node, name, code, &err);
}

void reply_past(fuse_req_t req, struct node *node, const char *name)
{
    reply_refusal_text(req, node, name, -EROFS, "what was can be read, not changed: copy it");
}
