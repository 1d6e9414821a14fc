/* SPDX-License-Identifier: MIT */
/* Views of the tree. */
#include "fs/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct view *view_create(struct tx *tx, struct snapshot *past)
{
    struct view *view = calloc(1, sizeof *view);

    if (!view)
        return NULL;
    atomic_init(&view->refs, 1);
    view->tx = tx ? tx_ref(tx) : NULL;
    view->past = past ? snapshot_ref(past) : NULL;
    return view;
}

struct view *view_ref(struct view *view)
{
    if (view)
        atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
    return view;
}

void view_unref(struct view *view)
{
    if (!view || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) != 1)
        return;
    tx_unref(view->tx);
    snapshot_unref(view->past);
    free(view);
}

static uint64_t past_version(const struct view *view)
{
    return view_is_past(view) ? view->past->version : 0;
}

bool view_equal(const struct view *a, const struct view *b)
{
    return view_tx(a) == view_tx(b) && view_is_past(a) == view_is_past(b) &&
           past_version(a) == past_version(b);
}

void view_key(const struct view *view, char ret_key[VIEW_KEY_BYTES])
{
    if (view_is_past(view))
        snprintf(ret_key, VIEW_KEY_BYTES, "@%" PRIu64, view->past->version);
    else
        snprintf(ret_key, VIEW_KEY_BYTES, "%" PRIu64, view_tx(view) ? tx_serial(view->tx) : 0);
}
