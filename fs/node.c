/* SPDX-License-Identifier: MIT */
/* The inodes that the kernel holds. */
#include "fs/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "fs/content.h"

#define BUCKETS_AT_FIRST 1024

int nodes_init(struct nodes *nodes)
{
    *nodes = (struct nodes){.bucket_count = BUCKETS_AT_FIRST};
    nodes->buckets = calloc(nodes->bucket_count, sizeof *nodes->buckets);
    pthread_mutex_init(&nodes->lock, NULL);
    return nodes->buckets ? 0 : -ENOMEM;
}

static void node_free(struct node *node)
{
    view_unref(node->view);
    table_unref(node->at);
    content_unref(node->content);
    scratch_unref(node->scratch);
    selection_unref(node->selection);
    pthread_mutex_destroy(&node->name_lock);
    free(node->key);
    free(node);
}

void nodes_finish(struct nodes *nodes)
{
    while (nodes->all) {
        struct node *node = nodes->all;

        nodes->all = node->all_next;
        node_free(node);
    }
    free(nodes->buckets);
    pthread_mutex_destroy(&nodes->lock);
}

static struct node **bucket(struct nodes *nodes, const char *key)
{
    return &nodes->buckets[hash64_bytes(key, strlen(key)) & (nodes->bucket_count - 1)];
}

static struct node *find_locked(struct nodes *nodes, const char *key)
{
    for (struct node *node = *bucket(nodes, key); node; node = node->next)
        if (!strcmp(node->key, key)) {
            node_ref(node);
            return node;
        }
    return NULL;
}

struct node *node_find(struct nodes *nodes, const char *key)
{
    struct node *node;

    pthread_mutex_lock(&nodes->lock);
    node = find_locked(nodes, key);
    pthread_mutex_unlock(&nodes->lock);
    return node;
}

/* Twice as many buckets, so that a million nodes are found as fast as ten; optional. */
static void grow(struct nodes *nodes)
{
    size_t old_count = nodes->bucket_count;
    struct node **old = nodes->buckets;
    struct node **buckets = calloc(old_count * 2, sizeof *buckets);

    if (!buckets)
        return;
    nodes->buckets = buckets;
    nodes->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++)
        while (old[i]) {
            struct node *node = old[i], **to = bucket(nodes, node->key);

            old[i] = node->next;
            node->next = *to;
            *to = node;
        }
    free(old);
}

static void link_locked(struct nodes *nodes, struct node *node)
{
    struct node **head;

    if (++nodes->keyed > nodes->bucket_count)
        grow(nodes);
    head = bucket(nodes, node->key);
    node->next = *head;
    *head = node;
}

static void add_locked(struct nodes *nodes, struct node *node)
{
    if (node->key)
        link_locked(nodes, node);
    node->all_next = nodes->all;
    node->all_link = &nodes->all;
    if (nodes->all)
        nodes->all->all_link = &node->all_next;
    nodes->all = node;
}

static void unlink_locked(struct nodes *nodes, struct node *node)
{
    struct node **at = bucket(nodes, node->key);

    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    nodes->keyed--;
    free(node->key);
    node->key = NULL;
}

struct node *node_new(enum node_kind kind, const char *key, struct view *view)
{
    struct node *node = calloc(1, sizeof *node);

    if (!node)
        return NULL;
    node->kind = kind;
    node->ino = kind == NODE_ROOT ? FUSE_ROOT_ID : node_ino_of(key);
    atomic_init(&node->refs, 1);
    pthread_mutex_init(&node->name_lock, NULL);
    node->key = strdup(key);
    if (!node->key) {
        node_free(node);
        return NULL;
    }
    node->view = view_ref(view);
    return node;
}

static void free_with_parent(struct nodes *nodes, struct node *node)
{
    struct node *parent = node->parent;

    node_free(node);
    if (parent) /* which has none itself */
        node_unref(nodes, parent, 1);
}

struct node *node_publish(struct nodes *nodes, struct node *node, bool findable)
{
    struct node *other;

    if (!findable) {
        free(node->key);
        node->key = NULL;
    }
    pthread_mutex_lock(&nodes->lock);
    other = findable ? find_locked(nodes, node->key) : NULL;
    if (!other)
        add_locked(nodes, node);
    pthread_mutex_unlock(&nodes->lock);
    if (!other)
        return node;
    free_with_parent(nodes, node);
    return other;
}

void node_ref(struct node *node)
{
    atomic_fetch_add(&node->refs, 1);
}

/* Out of the list of selections. */
static void unlist_locked(struct nodes *nodes, struct node *node)
{
    if (!node->is_listed)
        return;
    *(node->older ? &node->older->newer : &nodes->oldest) = node->newer;
    *(node->newer ? &node->newer->older : &nodes->newest) = node->older;
    node->older = node->newer = NULL;
    node->is_listed = false;
    nodes->selection_count--;
}

size_t node_use(struct nodes *nodes, struct node *node)
{
    size_t count;

    pthread_mutex_lock(&nodes->lock);
    unlist_locked(nodes, node);
    node->older = nodes->newest;
    *(nodes->newest ? &nodes->newest->newer : &nodes->oldest) = node;
    nodes->newest = node;
    node->is_listed = true;
    count = ++nodes->selection_count;
    pthread_mutex_unlock(&nodes->lock);
    return count;
}

size_t nodes_take_oldest(struct nodes *nodes, size_t keep, struct node **ret_nodes, size_t max)
{
    size_t count = 0;

    pthread_mutex_lock(&nodes->lock);
    while (nodes->selection_count > keep && count < max) {
        struct node *node = nodes->oldest;

        unlist_locked(nodes, node);
        node_ref(node);
        ret_nodes[count++] = node;
    }
    pthread_mutex_unlock(&nodes->lock);
    return count;
}

void node_unref(struct nodes *nodes, struct node *node, uint64_t count)
{
    bool last;

    /* Under the lock, so that nobody finds a node whose last reference is going. */
    pthread_mutex_lock(&nodes->lock);
    last = atomic_fetch_sub(&node->refs, count) == count;
    if (last && node->key)
        unlink_locked(nodes, node);
    if (last) {
        unlist_locked(nodes, node);
        *node->all_link = node->all_next;
        if (node->all_next)
            node->all_next->all_link = node->all_link;
    }
    pthread_mutex_unlock(&nodes->lock);
    if (last)
        free_with_parent(nodes, node);
}

void node_retire(struct nodes *nodes, struct node *node)
{
    pthread_mutex_lock(&nodes->lock);
    if (node->key)
        unlink_locked(nodes, node);
    pthread_mutex_unlock(&nodes->lock);
}

fuse_ino_t node_id(const struct node *node)
{
    return node->kind == NODE_ROOT ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)node;
}

void node_set_name(struct node *node, const char *name)
{
    pthread_mutex_lock(&node->name_lock);
    strncpy(node->name, name, NAME_MAX);
    pthread_mutex_unlock(&node->name_lock);
}

void node_get_name(struct node *node, char ret_name[NAME_MAX + 1])
{
    pthread_mutex_lock(&node->name_lock);
    strcpy(ret_name, node->name);
    pthread_mutex_unlock(&node->name_lock);
}

uint64_t node_ino_of(const char *identity)
{
    uint64_t ino = hash64_bytes(identity, strlen(identity));

    return ino > FUSE_ROOT_ID ? ino : ino + 2;
}
