/* SPDX-License-Identifier: MIT */
/*
 * A record of the commit log: what one put publishes. FORMAT.md has its JSON.
 *
 * A record holds one or more member commits; a commit holds actions on any
 * number of tables. Rows of small commits are inlined: they are the record's
 * body, and the record is then an object like a segment.
 */
#ifndef ROWFS_STORE_RECORD_H
#define ROWFS_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/uuid.h"

/* No more bytes of rows than this are inlined in one record. */
#define RECORD_INLINE_BYTES (64 * 1024)

#define RECORD_KEY_BYTES 40

/* Writes "log/<seq, 20 digits>.ndjson". */
void record_key(uint64_t seq, char ret_key[RECORD_KEY_BYTES]);

/* What rows lie in: the body of a record, or a data object. */
struct object_id {
    bool inlined;
    uint64_t seq;     /* inlined: the record */
    struct uuid uuid; /* otherwise */
};

bool object_id_equal(struct object_id a, struct object_id b);

/* A data object that a record brings in: an entry of the object table. */
struct object_entry {
    struct uuid uuid, table;
    char *path;             /* the key of its bytes */
    char *index_path;       /* the key of its sidecar (segment.h) */
    struct hash index_hash; /* of the whole sidecar */
    uint64_t bytes;         /* of rows, decoded */
    uint64_t stored_bytes;  /* the same while "identity" is the only codec */
    uint64_t rows;
};

/* A run of whole rows inside an object. Offsets are in decoded bytes of the object. */
struct extent_ref {
    struct object_id object;
    uint64_t offset, bytes;   /* bytes > 0 */
    uint64_t first_row, rows; /* the ordinal of its first row in the object; rows > 0 */
    uint64_t row; /* of a delete: the number of its first row in the table (table.h); else 0 */
};

/* Whether `next` begins in the object where `last` ends. */
bool extent_ref_adjoins(const struct extent_ref *last, const struct extent_ref *next);

enum action_op {
    ACTION_CREATE, /* a table called `name` */
    ACTION_DROP,
    ACTION_RENAME, /* to `name` */
    ACTION_CLEAR,  /* all rows go that are numbered below `before` */
    ACTION_DELETE, /* these rows go: `extents`, in the table's order */
    ACTION_APPEND, /* these rows come, behind all others: `extents` */
    ACTION_SCHEMA, /* it gets another schema, or none */
};
#define ACTION_LAST ACTION_SCHEMA

struct action {
    enum action_op op;
    struct uuid table;
    char *name; /* of the table, after the action */
    struct extent_ref *extents;
    size_t extent_count;
    uint64_t before; /* clear; ACTION_ALL_ROWS: whatever is there */
    char *schema;    /* schema: its text (schema.h); NULL: none */
};

#define ACTION_ALL_ROWS UINT64_MAX

/* One commit. */
struct member {
    uint64_t version;
    struct uuid transaction;
    char *id;          /* the name its user gave it; NULL: none */
    int64_t time_usec; /* later than its predecessor's */
    uint64_t base;     /* the version that it was first evaluated on */
    uint64_t rebases;  /* how often it lost the race before it was published */
    struct action *actions;
    size_t action_count;
};

struct record {
    uint64_t seq;
    struct hash prev; /* of the predecessor; zero for record 0 */
    struct uuid nonce;
    char *host;
    struct object_entry *objects;
    size_t object_count;
    struct member *members;
    size_t member_count;
    uint64_t inline_bytes; /* the size of the body */
    bool read_only;        /* has a write feature that this program does not know */
};

/* Frees what the record owns: all of it when it came from record_decode. */
void record_finish(struct record *record);
void member_finish(struct member *member);

const char *action_op_name(enum action_op op); /* "append"; static */

/*
 * Encodes, with the body's pieces in order (their sum must be inline_bytes),
 * into `buf`, which must be empty. `*ret_hash` identifies the record. Errors: -ENOMEM.
 */
int record_encode(const struct record *record, const struct iovec *body, size_t body_pieces,
                  struct buf *buf, struct hash *ret_hash);

/*
 * Decodes and verifies the bytes of record `seq`. `*ret_record` is filled anew.
 *
 * Errors: -EIO, the record is damaged or not number `seq`; -ENOTSUP, it needs a
 * read feature that this program does not have; -ENOMEM.
 */
int record_decode(uint64_t seq, const void *data, size_t bytes, struct record *ret_record,
                  struct hash *ret_hash, struct err *err);

#endif
