/* SPDX-License-Identifier: MIT */
/* Commits that meet in one queue. */
#include "tests/lib/partytool.h"

#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

struct party parties[PARTIES];
unsigned party_count;

static pthread_mutex_t verdict_lock = PTHREAD_MUTEX_INITIALIZER;

void party_begin(void)
{
    memset(parties, 0, sizeof parties);
    party_count = 0;
}

static void note_verdict(struct commit *commit, int result, void *context)
{
    struct party *party = context;

    (void)commit;
    pthread_mutex_lock(&verdict_lock);
    party->result = result;
    party->told++;
    pthread_mutex_unlock(&verdict_lock);
}

static struct party *add_party(struct commit *commit)
{
    assert_true(party_count < PARTIES);
    parties[party_count].commit = commit;
    return &parties[party_count++];
}

static void *submit_party(void *context)
{
    struct party *party = context;

    commit_submit(temp.db, party->commit, note_verdict, party);
    return NULL;
}

struct party *party_lead(struct commit *commit)
{
    struct party *leader = add_party(commit);

    faultio_hold(FAULTIO_LINK, 0);
    assert_int_equal(pthread_create(&leader->thread, NULL, submit_party, leader), 0);
    faultio_wait_held();
    return leader;
}

struct party *party_enqueue(struct commit *commit)
{
    struct party *party = add_party(commit);

    submit_party(party);
    return party;
}

void party_stop_batch(unsigned objects)
{
    faultio_hold(FAULTIO_LINK, objects);
    faultio_wait_held();
}

void party_end(struct party *leader)
{
    faultio_let_go();
    pthread_join(leader->thread, NULL);
    for (unsigned i = 0; i < party_count; i++)
        assert_int_equal(parties[i].told, 1); /* the leader has led them all */
}

void party_destroy(void)
{
    for (unsigned i = 0; i < party_count; i++)
        commit_destroy(parties[i].commit);
    party_begin();
}

void party_expect_record(uint64_t seq, size_t members, uint64_t version)
{
    struct log_position position;
    struct err err = ERR_INIT;
    struct record record;

    assert_ok(log_read(temp.store, seq, &record, &position, &err), &err);
    assert_int_equal(record.member_count, members);
    for (size_t i = 0; i < members; i++) {
        assert_int_equal(record.members[i].version, version + i);
        assert_int_equal(record.members[i].base, version + i - 1);
        if (i)
            assert_true(record.members[i].time_usec > record.members[i - 1].time_usec);
    }
    assert_true(record.inline_bytes <= RECORD_INLINE_BYTES);
    record_finish(&record);
}
