/* SPDX-License-Identifier: MIT */
/*
 * Rows by the hashes of their keys, in memory: which rows of a table may have a key. Shared by
 * the versions of the table that come of each other, and so holds rows that some of them do
 * not have: whoever finds a row's number asks his version whether it is there, and reads it.
 *
 * Any thread.
 */
#ifndef ROWFS_CORE_KEYMAP_H
#define ROWFS_CORE_KEYMAP_H

#include "core/base/buf.h"
#include "core/table.h"

struct keymap;

int keymap_create(struct keymap **ret_map); /* New, counted. Errors: -ENOMEM. */
struct keymap *keymap_ref(struct keymap *map);
void keymap_unref(struct keymap *map); /* accepts NULL */

/* Nothing if it is there. Errors: -ENOMEM. */
int keymap_add(struct keymap *map, uint64_t hash, uint64_t row);

/* Appends the numbers (uint64_t) of rows with that hash, in no order. Errors: -ENOMEM. */
int keymap_find(struct keymap *map, uint64_t hash, struct buf *rows);

/* A new map of those rows that `keep` says; it is called under the map's lock. Errors: -ENOMEM. */
int keymap_filter(struct keymap *map, bool (*keep)(void *context, uint64_t row), void *context,
                  struct keymap **ret_map);

size_t keymap_count(struct keymap *map);

/*
 * Whether it has more than doubled since it was filtered, beyond a few rows: if it is filtered
 * whenever it is, a row costs little and it holds few that are gone.
 */
bool keymap_is_large(struct keymap *map);
#define KEYMAP_SMALL 1000

/* Of a table (table.h). */
void keymap_slot_init(struct keymap_slot *slot);
void keymap_slot_finish(struct keymap_slot *slot);
void keymap_slot_clear(struct keymap_slot *slot);

/* What the predecessor has. */
void keymap_slot_inherit(struct keymap_slot *slot, const struct keymap_slot *from);

#endif
