/* SPDX-License-Identifier: MIT */
/*
 * A client: a process that runs random transactions on one of the mounts, writes
 * down each step, and may be killed at any moment.
 */
#ifndef ROWFS_TESTS_HISTORY_CLIENT_H
#define ROWFS_TESTS_HISTORY_CLIENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "tests/history/history.h"

enum client_workload { CLIENT_LISTS, CLIENT_BANK, CLIENT_ON_CALL };

#define CLIENT_BALANCE 100 /* of each account at the beginning */

/* In memory that all clients share. */
struct client_shared {
    atomic_int_fast64_t tickets;    /* transactions still to be begun */
    atomic_int_fast64_t last_value; /* no value is written twice */
};

struct client_options {
    enum client_workload workload;
    enum history_isolation isolation;
    const char *mounts[2];
    const char *logs; /* directory of the clients' logs */
    size_t keys;
    int64_t transactions;
    int64_t per_generation; /* lists: after so many others are used, so that none grows long */
    int64_t deadline;       /* no transaction begins after it (mounted_now) */
    uint64_t seed;
    struct client_shared *shared;
};

/* The table of a key; lists have one for each generation. */
void client_table_name(const struct client_options *options, int64_t generation, size_t key,
                       char ret_name[32]);

/* The first letter of the ids that transactions have in the store; of no other id here. */
#define CLIENT_NAMED 'c'

#define CLIENT_EXIT_BROKEN 3 /* its log says what */

/* Works until there are no tickets; does not return. Client `number` has mount number % 2. */
void client_run(const struct client_options *options, int number) __attribute__((noreturn));

#endif
