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

/* "<kind>/<uuid>/<version>": what makes a node findable and gives it its st_ino. */
#define KEY_BYTES 80

CLEANUP_POINTER(struct snapshot, snapshot_unref)
CLEANUP_POINTER(struct scratch, scratch_unref)

static void table_key(char key[KEY_BYTES], const char *kind, struct uuid table, uint64_t version)
{
    char uuid[UUID_TEXT_BYTES + 1];

    uuid_to_text(table, uuid);
    snprintf(key, KEY_BYTES, "%s/%s/%" PRIu64, kind, uuid, version);
}

/* --- nodes ---------------------------------------------------------------------- */

struct node *tree_table_node(struct fs *fs, const struct table *table)
{
    char key[KEY_BYTES];
    struct node *node;

    table_key(key, "table", table->uuid, 0);
    node = node_find(&fs->nodes, key);
    if (!node) {
        node = node_new(NODE_TABLE, key);
        if (!node)
            return NULL;
        node->table = table->uuid;
        node = node_publish(&fs->nodes, node, true);
    }
    node_set_name(node, table->name); /* it may have been renamed elsewhere */
    return node;
}

struct node *tree_writer_node(struct fs *fs, struct table *table, bool shares_ino)
{
    static _Atomic uint64_t count;
    char key[KEY_BYTES];
    struct node *node;

    table_key(key, shares_ino ? "rows" : "writer", table->uuid,
              shares_ino ? table->version : ++count);
    node = node_new(NODE_WRITER, key);
    if (!node)
        return NULL;
    node->table = table->uuid;
    node->at = table_ref(table);
    atomic_store(&node->bytes, table_bytes(table));
    node_set_name(node, "rows");
    return node_publish(&fs->nodes, node, false);
}

int tree_scratch_node(struct fs *fs, struct node *table_node, const char *name, uid_t owner,
                      mode_t mode, struct node **ret_node, struct err *err)
{
    static _Atomic uint64_t count;
    cleanup(scratch_unref_p) struct scratch *scratch = NULL;
    char key[KEY_BYTES];
    struct node *node;
    int r = scratch_create(fs->db, &fs->scratch_budget, &scratch, err);

    if (r < 0)
        return r;
    table_key(key, "scratch", table_node->table, ++count);
    node = node_new(NODE_SCRATCH, key);
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
static int content_node(struct fs *fs, const char *key, const char *name, struct uuid table,
                        mode_t mode, struct content *content, struct node **ret_node)
{
    struct node *node = content ? node_new(NODE_CONTENT, key) : NULL;

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
        r = fs_refresh(fs, &snapshot, err);
        if (r < 0)
            return r;
        usec = snapshot->time_usec;
        r = text_root_info(fs, snapshot, &text);
    }
    if (r < 0)
        return r;
    /* The same text is the same file, so that cp does not think that it was replaced meanwhile. */
    snprintf(key, sizeof key, "%s/%" PRIx64, name, hash64_bytes(text.data, text.bytes));
    return content_node(fs, key, name, (struct uuid){0}, 0444, content_of_text(&text, usec),
                        ret_node);
}

static int lookup_readme(struct fs *fs, struct node **ret_node)
{
    cleanup_buf struct buf text = {0};

    *ret_node = node_find(&fs->nodes, "README");
    if (*ret_node)
        return 0;
    if (text_readme(&text) < 0)
        return -ENOMEM;
    return content_node(fs, "README", "README", (struct uuid){0}, 0444,
                        content_of_text(&text, 0), ret_node);
}

static int lookup_log(struct fs *fs, struct node **ret_node, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    char key[KEY_BYTES];
    int r = fs_refresh(fs, &snapshot, err);

    if (r < 0)
        return r;
    snprintf(key, sizeof key, "log/%" PRIu64, snapshot->position.seq);
    return content_node(fs, key, "log", (struct uuid){0}, 0444,
                        content_of_history(db_store(fs->db), snapshot), ret_node);
}

static int lookup_tables(struct fs *fs, struct node **ret_node)
{
    struct node *node = node_find(&fs->nodes, "tables");

    if (!node) {
        node = node_new(NODE_TABLES, "tables");
        if (!node)
            return -ENOMEM;
        node_set_name(node, "tables");
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
        return lookup_tables(fs, ret_node);
    return strcmp(name, "README") ? -ENOENT : lookup_readme(fs, ret_node);
}

/* --- tables ------------------------------------------------------------------------ */

static int lookup_in_tables(struct fs *fs, const char *name, struct node **ret_node,
                            double *ret_seconds, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *snapshot = NULL;
    struct table *table;
    int r;

    if (name_check(name, NULL) < 0)
        return -ENOENT;
    r = fs_refresh(fs, &snapshot, err);
    if (r < 0)
        return r;
    table = snapshot_table_named(snapshot, name);
    if (!table)
        return -ENOENT;
    *ret_seconds = 0; /* another mount may drop or rename it at any time */
    *ret_node = tree_table_node(fs, table);
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
    pthread_mutex_unlock(&table_node->name_lock);
    return process && !table_rows(table) && caller_process(tid) == process;
}

static int lookup_writer(struct fs *fs, struct table *table, struct node *writer, int open_flags,
                         pid_t tid, struct node **ret_node)
{
    if (!writer) {
        writer = tree_writer_node(fs, table, !(open_flags & (O_APPEND | O_TRUNC)));
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

    if (redirect_wants_writer(&fs->redirects, caller->tid, table->uuid, &writer, &open_flags))
        return lookup_writer(fs, table, writer, open_flags, caller->tid, ret_node);
    if (tree_hides_rows(parent, table, caller->tid))
        return -ENOENT;
    table_key(key, "rows", table->uuid, table->version);
    *ret_node = node_find(&fs->nodes, key);
    if (*ret_node)
        return 0;
    return content_node(fs, key, "rows", table->uuid, 0666,
                        content_of_rows(db_store(fs->db), table), ret_node);
}

static int lookup_table_info(struct fs *fs, struct table *table, struct node **ret_node)
{
    cleanup_buf struct buf text = {0};
    char key[KEY_BYTES + 24];

    table_key(key, "info", table->uuid, table->version);
    /* A rename changes it too, and gives the rows no new version. */
    sprintf(key + strlen(key), "/%" PRId64, table->named_usec);
    if (text_table_info(table, &text) < 0)
        return -ENOMEM;
    return content_node(fs, key, "info", table->uuid, 0444,
                        content_of_text(&text, table->time_usec), ret_node);
}

static int lookup_stream(struct fs *fs, const struct table *table, struct node **ret_node)
{
    char key[KEY_BYTES];
    struct node *node;

    table_key(key, "stream", table->uuid, 0);
    node = node_new(NODE_STREAM, key);
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
    int r = fs_refresh(fs, &snapshot, err);

    *ret_seconds = 0;
    if (!r)
        r = tree_table(fs, parent, snapshot, caller->tid, &table);
    if (r < 0)
        return r;
    if (!strcmp(name, "rows"))
        return lookup_rows(fs, parent, table, caller, ret_node);
    if (!strcmp(name, "info"))
        return lookup_table_info(fs, table, ret_node);
    if (!strcmp(name, "stream"))
        return lookup_stream(fs, table, ret_node);
    *ret_node = scratchdir_find(&fs->scratches, parent->table, caller->uid, name);
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
        return lookup_in_tables(fs, name, ret_node, ret_seconds, err);
    case NODE_TABLE:
        return lookup_in_table(fs, parent, name, caller, ret_node, ret_seconds, err);
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

/* --- attributes ---------------------------------------------------------------------- */

static void set_time(struct stat *attr, int64_t usec)
{
    struct timespec time = {.tv_sec = usec / 1000000, .tv_nsec = usec % 1000000 * 1000};

    attr->st_mtim = attr->st_ctim = attr->st_atim = time;
}

static void attr_file(struct fs *fs, struct stat *attr, mode_t mode, uint64_t bytes)
{
    attr->st_mode = S_IFREG | (mode & ~fs->options.umask);
    attr->st_size = (off_t)bytes;
    attr->st_blocks = (blkcnt_t)((bytes + 511) / 512);
}

/* The time of the last commit that changed what a directory lists. */
static int64_t directory_time(struct fs *fs, struct node *node)
{
    struct snapshot *head = db_head(fs->db);
    const struct table *table = snapshot_table(head, node->table);
    int64_t usec = node->kind == NODE_TABLE && table ? table->named_usec : head->named_usec;

    snapshot_unref(head);
    return usec;
}

static void attr_stream(struct fs *fs, struct node *node, struct stat *attr)
{
    struct snapshot *head = db_head(fs->db);
    const struct table *table = snapshot_table(head, node->table);

    attr_file(fs, attr, 0222, 0);
    set_time(attr, table ? table->time_usec : head->time_usec);
    snapshot_unref(head);
}

void tree_attr(struct fs *fs, struct node *node, struct stat *ret_attr)
{
    *ret_attr = (struct stat){
        .st_ino = node->ino,
        .st_nlink = 1,
        .st_uid = fs->options.uid,
        .st_gid = fs->options.gid,
        .st_blksize = 128 * 1024,
    };
    switch (node->kind) {
    case NODE_ROOT:
    case NODE_TABLES:
    case NODE_TABLE:
        ret_attr->st_mode = S_IFDIR | (0777 & ~fs->options.umask);
        set_time(ret_attr, directory_time(fs, node));
        break;
    case NODE_CONTENT:
        attr_file(fs, ret_attr, node->mode, content_bytes(node->content));
        set_time(ret_attr, content_time_usec(node->content));
        break;
    case NODE_WRITER:
        attr_file(fs, ret_attr, 0666, atomic_load(&node->bytes));
        set_time(ret_attr, node->at->time_usec);
        break;
    case NODE_STREAM:
        attr_stream(fs, node, ret_attr);
        break;
    case NODE_SCRATCH:
        attr_file(fs, ret_attr, 0, scratch_bytes(node->scratch));
        ret_attr->st_mode = node->mode;
        ret_attr->st_uid = node->owner;
        set_time(ret_attr, atomic_load(&node->mtime_usec));
        break;
    }
}

double tree_attr_seconds(const struct node *node)
{
    switch (node->kind) {
    case NODE_ROOT:
    case NODE_TABLES:
    case NODE_STREAM:
        return TREE_CHANGES;
    case NODE_TABLE:   /* looked up each time, which brings them anew */
    case NODE_CONTENT: /* never changes */
    case NODE_WRITER:  /* its size is what the kernel counts itself */
    case NODE_SCRATCH:
        return TREE_FOREVER;
    }
    return 0;
}
