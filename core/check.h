/* SPDX-License-Identifier: MIT */
/*
 * Reads a whole store and says what is wrong with it: every block of every segment, every row, and
 * the indexes and zones that are kept beside the segments, which are compared with what they are
 * made from.
 *
 * The log is verified by whoever opens the database (db_open): each record's checksum and chain.
 * The store is not written to; it may be mounted meanwhile. One thread.
 */
#ifndef ROWFS_CORE_CHECK_H
#define ROWFS_CORE_CHECK_H

#include "core/db.h"

enum check_severity {
    CHECK_WARNING, /* what can be thrown away and made again is damaged: it costs time, no rows */
    CHECK_DAMAGE,  /* rows are lost or wrong, or what leads to them is */
};

/* What was found; `sentence` names the object. */
typedef void check_report_fn(void *context, enum check_severity severity, const char *sentence);

struct check_result {
    uint64_t tables, records, segments, rows, bytes; /* that were read */
    uint64_t indexes;                                /* key indexes and zones that were compared */
    uint64_t warnings, damages;
};

/*
 * Errors: -ENOMEM. What is wrong with the store is no error of this function: it is reported and
 * counted, and reading goes on with the next object.
 */
int check_store(struct db *db, check_report_fn *report, void *context,
                struct check_result *ret_result, struct err *err);

#endif
