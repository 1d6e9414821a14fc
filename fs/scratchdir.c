/* SPDX-License-Identifier: MIT */
/* A list of scratch files; there are few, and they do not live long. */
#include "fs/scratchdir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void scratchdir_init(struct scratchdir *dir, struct nodes *nodes)
{
    *dir = (struct scratchdir){.nodes = nodes};
    pthread_mutex_init(&dir->lock, NULL);
}

void scratchdir_finish(struct scratchdir *dir)
{
    for (size_t i = 0; i < dir->count; i++)
        node_unref(dir->nodes, dir->entries[i], 1);
    free(dir->entries);
    pthread_mutex_destroy(&dir->lock);
}

static bool is_of(const struct node *node, const struct view *view, struct uuid table)
{
    return view_equal(node->view, view) && uuid_equal(node->table, table);
}

static bool is_in(const struct node *node, const struct node *at)
{
    return is_of(node, at->view, at->table) && selection_equal(node->selection, at->selection);
}

/* The index of an entry, or the count when there is none. The lock is held. */
static size_t find_locked(struct scratchdir *dir, const struct node *at, uid_t owner,
                          const char *name)
{
    size_t i;

    for (i = 0; i < dir->count; i++) {
        struct node *node = dir->entries[i];
        char known[NAME_MAX + 1];

        if (node->owner != owner || !is_in(node, at))
            continue;
        node_get_name(node, known);
        if (!strcmp(known, name))
            break;
    }
    return i;
}

static void remove_locked(struct scratchdir *dir, size_t i)
{
    node_unref(dir->nodes, dir->entries[i], 1);
    memmove(&dir->entries[i], &dir->entries[i + 1], (--dir->count - i) * sizeof dir->entries[0]);
}

struct node *scratchdir_find(struct scratchdir *dir, const struct node *at, uid_t owner,
                             const char *name)
{
    struct node *node = NULL;
    size_t i;

    pthread_mutex_lock(&dir->lock);
    i = find_locked(dir, at, owner, name);
    if (i < dir->count) {
        node = dir->entries[i];
        node_ref(node);
    }
    pthread_mutex_unlock(&dir->lock);
    return node;
}

int scratchdir_add(struct scratchdir *dir, struct node *node)
{
    int r = 0;

    pthread_mutex_lock(&dir->lock);
    if (dir->count == SCRATCHDIR_FILES)
        r = -ENOSPC;
    if (!r && dir->count == dir->capacity) {
        size_t capacity = dir->capacity ? dir->capacity * 2 : 16;
        struct node **entries = realloc(dir->entries, capacity * sizeof *entries);

        if (entries) {
            dir->entries = entries;
            dir->capacity = capacity;
        } else {
            r = -ENOMEM;
        }
    }
    if (!r) {
        node_ref(node);
        dir->entries[dir->count++] = node;
    }
    pthread_mutex_unlock(&dir->lock);
    return r;
}

bool scratchdir_remove(struct scratchdir *dir, const struct node *at, uid_t owner, const char *name)
{
    bool found;
    size_t i;

    pthread_mutex_lock(&dir->lock);
    i = find_locked(dir, at, owner, name);
    found = i < dir->count;
    if (found)
        remove_locked(dir, i);
    pthread_mutex_unlock(&dir->lock);
    return found;
}

bool scratchdir_rename(struct scratchdir *dir, const struct node *at, uid_t owner, const char *from,
                       const struct node *to_at, const char *to)
{
    struct node *node = NULL;
    size_t i, over;

    pthread_mutex_lock(&dir->lock);
    i = find_locked(dir, at, owner, from);
    if (i < dir->count) {
        node = dir->entries[i];
        over = find_locked(dir, to_at, owner, to);
        if (over < dir->count && over != i)
            remove_locked(dir, over);
        node->table = to_at->table;
        node_set_name(node, to);
    }
    pthread_mutex_unlock(&dir->lock);
    return node;
}

bool scratchdir_has_any(struct scratchdir *dir, const struct node *at, uid_t owner)
{
    char name[NAME_MAX + 1];

    return scratchdir_name_at(dir, at, owner, 0, name);
}

void scratchdir_remove_table(struct scratchdir *dir, const struct view *view, struct uuid table)
{
    pthread_mutex_lock(&dir->lock);
    for (size_t i = dir->count; i-- > 0;)
        if (is_of(dir->entries[i], view, table))
            remove_locked(dir, i);
    pthread_mutex_unlock(&dir->lock);
}

void scratchdir_remove_tx(struct scratchdir *dir, const struct tx *tx)
{
    pthread_mutex_lock(&dir->lock);
    for (size_t i = dir->count; i-- > 0;)
        if (view_tx(dir->entries[i]->view) == tx)
            remove_locked(dir, i);
    pthread_mutex_unlock(&dir->lock);
}

bool scratchdir_name_at(struct scratchdir *dir, const struct node *at, uid_t owner, size_t index,
                        char ret_name[NAME_MAX + 1])
{
    bool found = false;

    pthread_mutex_lock(&dir->lock);
    for (size_t i = 0; i < dir->count && !found; i++) {
        struct node *node = dir->entries[i];

        if (node->owner != owner || !is_in(node, at))
            continue;
        if (index-- == 0) {
            node_get_name(node, ret_name);
            found = true;
        }
    }
    pthread_mutex_unlock(&dir->lock);
    return found;
}
