/* SPDX-License-Identifier: MIT */
/*
 * Commits that meet in the queue of one database (`temp.db` of fixture.h): one leads and is
 * stopped where it links its record, others wait and become one record, which can be made to
 * lose its number. What is not a verdict must succeed.
 */
#ifndef ROWFS_TESTS_LIB_PARTYTOOL_H
#define ROWFS_TESTS_LIB_PARTYTOOL_H

#include <pthread.h>

#include "core/commit.h"

#define PARTIES 320

/* A commit on its way; the verdict comes from whatever thread. */
struct party {
    struct commit *commit;
    pthread_t thread;
    int result;
    unsigned told; /* how often */
};

extern struct party parties[PARTIES];
extern unsigned party_count;

void party_begin(void); /* there are none */

/* A commit that a thread of its own leads, stopped where it links its record. */
struct party *party_lead(struct commit *commit);

/* A commit that waits in the queue. */
struct party *party_enqueue(struct commit *commit);

/* The leader's record is linked, and it is stopped again where it links the record of those that
 * wait, after so many links of data objects. */
void party_stop_batch(unsigned objects);

/* Lets the leader go and waits for every verdict. */
void party_end(struct party *leader);

void party_destroy(void); /* all of them */

/* Record `seq` holds so many commits, the first of them version `version`. */
void party_expect_record(uint64_t seq, size_t members, uint64_t version);

#endif
