/* SPDX-License-Identifier: MIT */
/* A small table of threads that were told to look again. */
#include "fs/redirect.h"

#include "core/base/timefmt.h"

void redirects_init(struct redirects *redirects, struct nodes *nodes)
{
    *redirects = (struct redirects){.nodes = nodes};
    pthread_mutex_init(&redirects->lock, NULL);
}

static void slot_clear(struct redirects *redirects, struct redirect_slot *slot)
{
    if (slot->writer)
        node_unref(redirects->nodes, slot->writer, 1);
    view_unref(slot->view);
    selection_unref(slot->selection);
    *slot = (struct redirect_slot){0};
}

void redirects_finish(struct redirects *redirects)
{
    for (size_t i = 0; i < REDIRECT_SLOTS; i++)
        slot_clear(redirects, &redirects->slots[i]);
    pthread_mutex_destroy(&redirects->lock);
}

/* The slot of a thread: one of two, the older gives way. Thread numbers are handed out in a row. */
static struct redirect_slot *find(struct redirects *redirects, pid_t tid, bool make)
{
    struct redirect_slot *a = &redirects->slots[(unsigned)tid % REDIRECT_SLOTS];
    struct redirect_slot *b = &redirects->slots[((unsigned)tid + 1) % REDIRECT_SLOTS];
    struct redirect_slot *slot = a->tid == tid ? a : b->tid == tid ? b : NULL;
    int64_t now = time_monotonic_usec();

    if (slot && now - slot->since_usec > REDIRECT_USEC)
        slot_clear(redirects, slot);
    if (make) {
        if (!slot || !slot->tid)
            slot = a->since_usec <= b->since_usec ? a : b;
        if (slot->tid != tid)
            slot_clear(redirects, slot);
        slot->tid = tid;
        slot->since_usec = now;
    }
    return slot && slot->tid ? slot : NULL;
}

bool redirect_begin(struct redirects *redirects, pid_t tid, const struct node *from, bool to_writer,
                    int open_flags)
{
    struct redirect_slot *slot;
    bool again;

    if (tid <= 0)
        return false;
    pthread_mutex_lock(&redirects->lock);
    slot = find(redirects, tid, false);
    again = slot && slot->from == from;
    if (again) {
        slot_clear(redirects, slot);
    } else {
        slot = find(redirects, tid, true);
        slot->from = from;
        slot->table = from->table;
        slot->file = from->file;
        selection_unref(slot->selection);
        slot->selection = selection_ref(from->selection);
        view_unref(slot->view);
        slot->view = view_ref(from->view);
        slot->open_flags = open_flags;
        slot->to_writer = to_writer;
    }
    pthread_mutex_unlock(&redirects->lock);
    return !again;
}

static bool leads_to(const struct redirect_slot *slot, const struct node *dir, enum table_file file)
{
    return slot->to_writer && slot->file == file && view_equal(slot->view, dir->view) &&
           uuid_equal(slot->table, dir->table) && selection_equal(slot->selection, dir->selection);
}

bool redirect_wants_writer(struct redirects *redirects, pid_t tid, const struct node *dir,
                           enum table_file file, struct node **ret_writer, int *ret_open_flags)
{
    struct redirect_slot *slot;
    bool wants;

    pthread_mutex_lock(&redirects->lock);
    slot = find(redirects, tid, false);
    wants = slot && leads_to(slot, dir, file);
    if (wants) {
        *ret_writer = slot->writer;
        *ret_open_flags = slot->open_flags;
        if (slot->writer)
            node_ref(slot->writer);
    }
    pthread_mutex_unlock(&redirects->lock);
    return wants;
}

void redirect_set_writer(struct redirects *redirects, pid_t tid, struct node *writer)
{
    struct redirect_slot *slot;

    pthread_mutex_lock(&redirects->lock);
    slot = find(redirects, tid, false);
    if (slot && slot->to_writer && !slot->writer) {
        node_ref(writer);
        slot->writer = writer;
    }
    pthread_mutex_unlock(&redirects->lock);
}

void redirect_end(struct redirects *redirects, pid_t tid)
{
    struct redirect_slot *slot;

    pthread_mutex_lock(&redirects->lock);
    slot = find(redirects, tid, false);
    if (slot)
        slot_clear(redirects, slot);
    pthread_mutex_unlock(&redirects->lock);
}
