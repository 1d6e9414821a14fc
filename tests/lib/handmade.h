/* SPDX-License-Identifier: MIT */
/* Records of one commit each, made by hand and never put anywhere. */
#ifndef ROWFS_TESTS_LIB_HANDMADE_H
#define ROWFS_TESTS_LIB_HANDMADE_H

#include "core/snapshot.h"

struct handmade {
    struct record record;
    struct member member;
    struct action actions[4];
    struct extent_ref extents[4];
    struct object_entry object;
    struct log_position position;
};

#define HANDMADE_TIME 1000 /* the store's creation */

/* What the records of a test have made, at first an empty store. */
extern struct snapshot *head;
int handmade_setup(void **state); /* for cmocka */
int handmade_teardown(void **state);

struct uuid handmade_uuid(uint8_t n);

/* A record that follows `on`, its commit follows that version, and no actions yet. */
void handmade_begin(struct handmade *s, const struct snapshot *on);
struct action *handmade_add(struct handmade *s, enum action_op op, uint8_t table, const char *name);

/* Rows of its own body for table `table`: `bytes` of them, one byte each, from `offset` on. */
void handmade_append(struct handmade *s, uint8_t table, uint64_t offset, uint64_t bytes);

/* A data object of 100 bytes and 10 rows. */
void handmade_object(struct handmade *s, uint8_t object);

/* The record is no damage, and `head` is what it made. */
void handmade_apply(struct handmade *s);

/* A record that creates a table, applied. */
void handmade_table(uint8_t table, const char *name);

#endif
