/* SPDX-License-Identifier: MIT */
/*
 * One tree, three views: what is now, what a transaction sees, what was. A node belongs to
 * one of them, and NULL stands for now. Immutable, counted.
 */
#ifndef ROWFS_FS_VIEW_H
#define ROWFS_FS_VIEW_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/tx.h"

struct view {
    _Atomic uint32_t refs;
    struct tx *tx;         /* of a transaction */
    struct snapshot *past; /* or of a version */
};

/* New, with references of its own; one of the two is NULL. NULL: out of memory. */
struct view *view_create(struct tx *tx, struct snapshot *past);
struct view *view_ref(struct view *view); /* accepts NULL */
void view_unref(struct view *view);       /* accepts NULL */

/* Whether both show the same, for as long as they live. */
bool view_equal(const struct view *a, const struct view *b);

/* The transaction, or NULL. */
static inline struct tx *view_tx(const struct view *view)
{
    return view ? view->tx : NULL;
}

static inline bool view_is_past(const struct view *view)
{
    return view && view->past;
}

/* "0" for now; no two views have the same at one time. */
#define VIEW_KEY_BYTES 24
void view_key(const struct view *view, char ret_key[VIEW_KEY_BYTES]);

#endif
