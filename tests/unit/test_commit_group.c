/* SPDX-License-Identifier: MIT */
/* Commits that meet: in one queue, and from two mounts of one store. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/edit.h"
#include "core/reshape.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/partytool.h"

static int begin(void **state)
{
    party_begin();
    return fixture_begin_two_mounts(state);
}

static struct commit *creating(const char *name)
{
    struct commit *commit = NULL;

    assert_int_equal(commit_create(&commit), 0);
    assert_int_equal(commit_add_create(commit, name), 0);
    return commit;
}

static struct commit *emptying(void)
{
    struct commit *commit = NULL;
    struct stage nothing;

    assert_int_equal(commit_create(&commit), 0);
    dbtool_stage(temp.db, t, "", 0, &nothing);
    assert_int_equal(commit_add_write(commit, t, true, &nothing, 0), 0);
    return commit;
}

/* --- one queue ------------------------------------------------------------------------ */

static void commits_that_wait_become_one_record_with_a_version_each(void **state)
{
    struct party *leader = party_lead(dbtool_appending(temp.db, t, "{\"n\":1}\n"));

    (void)state;
    party_enqueue(dbtool_appending(temp.db, t, "{\"n\":2}\n"));
    party_enqueue(creating("u"));
    party_enqueue(dbtool_appending(temp.db, t, "{\"n\":3}\n{\"n\":4}\n"));
    party_end(leader);
    for (unsigned i = 0; i < party_count; i++) {
        assert_ok(parties[i].result, commit_reason(parties[i].commit));
        assert_int_equal(commit_version(parties[i].commit), 2 + i);
    }
    party_expect_record(2, 1, 2);
    party_expect_record(3, 3, 3);
    dbtool_expect(other, "t", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n");
    assert_true(dbtool_has(other, "u"));
    party_destroy();
}

static void a_refused_commit_does_not_take_its_neighbours_along(void **state)
{
    struct party *leader = party_lead(dbtool_appending(temp.db, t, "{\"n\":1}\n")), *refused;

    (void)state;
    party_enqueue(creating("u"));
    refused = party_enqueue(creating("u"));
    party_enqueue(dbtool_appending(temp.db, t, "{\"n\":2}\n"));
    party_end(leader);
    for (unsigned i = 0; i < party_count; i++)
        assert_int_equal(parties[i].result, &parties[i] == refused ? -EEXIST : 0);
    party_expect_record(3, 2, 3);
    dbtool_expect(other, "t", "{\"n\":1}\n{\"n\":2}\n");
    party_destroy();
}

static void a_commit_that_contradicts_itself_does_not_take_its_neighbours_along(void **state)
{
    struct party *leader = party_lead(dbtool_appending(temp.db, t, "{\"n\":1}\n")), *refused;
    struct commit *twice = creating("u");

    (void)state;
    assert_int_equal(commit_add_create(twice, "u"), 0);
    party_enqueue(dbtool_appending(temp.db, t, "{\"n\":2}\n"));
    refused = party_enqueue(twice);
    party_enqueue(dbtool_appending(temp.db, t, "{\"n\":3}\n"));
    party_end(leader);
    for (unsigned i = 0; i < party_count; i++)
        assert_int_equal(parties[i].result, &parties[i] == refused ? -EEXIST : 0);
    dbtool_expect(other, "t", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    party_destroy();
}

static void a_full_disk_refuses_all_that_were_to_be_in_the_record(void **state)
{
    struct party *leader = party_lead(dbtool_appending(temp.db, t, "{\"n\":1}\n"));

    (void)state;
    party_enqueue(dbtool_appending(temp.db, t, "{\"n\":2}\n"));
    party_enqueue(dbtool_appending(temp.db, t, "{\"n\":3}\n"));
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, ENOSPC);
    party_end(leader); /* stopped in front of the rule, so the rule is about its own link */
    assert_int_equal(leader->result, -ENOSPC);
    assert_ok(parties[1].result, commit_reason(parties[1].commit));
    assert_ok(parties[2].result, commit_reason(parties[2].commit));
    dbtool_expect(other, "t", "{\"n\":2}\n{\"n\":3}\n");
    party_destroy();
}

/* The leader's link passes, the link of the record of those that wait does not. */
static void fail_those_that_wait(struct party *leader)
{
    faultio_rule(FAULTIO_LINK, 1, 1, FAULTIO_REFUSE, ENOSPC);
    party_end(leader);
    assert_int_equal(leader->result, 0);
    assert_int_equal(parties[1].result, -ENOSPC);
}

static void a_commit_left_with_nothing_to_do_by_one_that_failed_fails_too(void **state)
{
    struct party *leader = party_lead(dbtool_appending(temp.db, t, "{\"n\":1}\n"));

    (void)state;
    party_enqueue(emptying());
    party_enqueue(emptying()); /* of what is empty already, if the other one succeeds */
    fail_those_that_wait(leader);
    dbtool_expect(other, "t", "{\"n\":1}\n");
    assert_int_equal(parties[2].result, -ENOSPC);
    party_destroy();
}

static void a_commit_refused_because_of_one_that_failed_is_not_told_so(void **state)
{
    struct party *leader = party_lead(dbtool_appending(temp.db, t, "{\"n\":1}\n"));

    (void)state;
    party_enqueue(creating("u"));
    party_enqueue(creating("u"));
    fail_those_that_wait(leader);
    assert_false(dbtool_has(other, "u"));
    assert_int_not_equal(parties[2].result, -EEXIST); /* there never was a table u */
    party_destroy();
}

static void a_record_takes_as_many_commits_as_fit(void **state)
{
    struct party *leader = party_lead(dbtool_appending(temp.db, t, "{\"n\":1}\n"));
    char row[40000];

    (void)state;
    memset(row, 'x', sizeof row);
    memcpy(row, "{\"a\":\"", 6);
    memcpy(row + sizeof row - 4, "\"}\n", 4);
    for (int i = 0; i < 3; i++)
        party_enqueue(dbtool_appending(temp.db, t, row));
    for (int i = 0; i < 300; i++)
        party_enqueue(dbtool_appending(temp.db, t, "{\"n\":2}\n"));
    party_end(leader);
    for (unsigned i = 0; i < party_count; i++)
        assert_ok(parties[i].result, commit_reason(parties[i].commit));
    party_expect_record(3, 1, 3);
    party_expect_record(4, 1, 4);
    party_expect_record(5, 256, 5);
    party_expect_record(6, 45, 261);
    assert_int_equal(dbtool_count(other, "t", "{\"n\":2}\n"), 300);
    assert_int_equal(dbtool_count(other, "t", row), 3);
    party_destroy();
}

/* --- two mounts ------------------------------------------------------------------------- */

static void a_commit_that_lost_its_number_is_evaluated_again(void **state)
{
    struct party *leader = party_lead(dbtool_appending(temp.db, t, "{\"n\":2}\n"));
    struct log_position position;
    struct record record;

    (void)state;
    assert_int_equal(dbtool_append(other, t, "{\"n\":1}\n"), 0);
    party_end(leader);
    assert_ok(leader->result, commit_reason(leader->commit));
    assert_int_equal(commit_version(leader->commit), 3);
    dbtool_expect(temp.db, "t", "{\"n\":1}\n{\"n\":2}\n");
    dbtool_expect(other, "t", "{\"n\":1}\n{\"n\":2}\n");
    assert_int_equal(log_read(temp.store, 3, &record, &position, NULL), 0);
    assert_int_equal(record.members[0].base, 1);
    assert_int_equal(record.members[0].rebases, 1);
    record_finish(&record);
    party_destroy();
}

static void a_commit_that_the_winner_made_impossible_is_refused(void **state)
{
    struct party *leader = party_lead(creating("u"));

    (void)state;
    dbtool_table(other, "u");
    party_end(leader);
    assert_int_equal(leader->result, -EEXIST);
    assert_int_equal(dbtool_version(temp.db), 2);
    party_destroy();
}

static void rows_that_changed_under_a_commit_cancel_it(void **state)
{
    struct commit *commit = NULL;
    struct party *leader;
    struct stage stage;

    (void)state;
    assert_int_equal(commit_create(&commit), 0);
    dbtool_stage(temp.db, t, "{\"n\":2}\n", 8, &stage);
    assert_int_equal(commit_add_write(commit, t, true, &stage, 1), 0);
    leader = party_lead(commit);
    assert_int_equal(dbtool_append(other, t, "{\"n\":1}\n"), 0);
    party_end(leader);
    assert_int_equal(leader->result, -ECANCELED);
    dbtool_expect(temp.db, "t", "{\"n\":1}\n");
    party_destroy();
}

/* A patch of the row with id 0. */
static struct commit *patching(const char *patch)
{
    struct table *table = dbtool_look(temp.db, "t");
    struct commit *commit = NULL;
    struct selection *selection;
    struct write write = {0};
    struct err err = ERR_INIT;
    struct stage nothing;

    assert_int_equal(selection_create(NULL, "id", "0", &selection), 0);
    assert_ok(
        edit_create(temp.db, table, selection, slice_of(patch, strlen(patch)), &write.edit, &err),
        &err);
    assert_ok(edit_seal(write.edit, &err), &err);
    dbtool_stage(temp.db, t, "", 0, &nothing);
    write.stage = &nothing;
    assert_int_equal(commit_create(&commit), 0);
    assert_int_equal(commit_add_statement(commit, t, &write), 0);
    selection_unref(selection);
    table_unref(table);
    return commit;
}

static struct commit *giving_schema(const char *text)
{
    struct table *table = dbtool_look(temp.db, "t");
    struct reshape *reshape = NULL;
    struct commit *commit = NULL;
    struct schema *schema;
    struct err err = ERR_INIT;

    assert_ok(schema_parse(slice_of(text, strlen(text)), &schema, &err), &err);
    assert_ok(reshape_create(temp.db, table, schema, &reshape, &err), &err);
    assert_ok(reshape_seal(reshape, &err), &err);
    assert_int_equal(commit_create(&commit), 0);
    assert_int_equal(commit_add_schema(commit, t, reshape), 0);
    schema_unref(schema);
    table_unref(table);
    return commit;
}

/* Two commits in one record, which loses its number to a row that another mount appends. */
static void lose_number(struct commit *a, struct commit *b, const char *row)
{
    struct party *leader = party_lead(creating("u"));

    party_enqueue(a);
    party_enqueue(b);
    party_stop_batch(0);
    assert_int_equal(dbtool_append(other, t, row), 0);
    party_end(leader);
}

/* What a commit has found among rows of its own record is elsewhere in the next attempt. */
static void a_patch_on_a_patch_finds_its_row_again_after_a_lost_number(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, "{\"id\":0}\n"), 0);
    lose_number(patching("{\"a\":1}"), patching("{\"b\":2}"), "{\"id\":5}\n");
    for (unsigned i = 0; i < party_count; i++)
        assert_ok(parties[i].result, commit_reason(parties[i].commit));
    dbtool_expect(temp.db, "t", "{\"id\":5}\n{\"id\":0,\"a\":1,\"b\":2}\n");
    dbtool_expect(other, "t", "{\"id\":5}\n{\"id\":0,\"a\":1,\"b\":2}\n");
    party_destroy();
}

static void a_schema_on_rows_of_its_record_looks_at_all_after_a_lost_number(void **state)
{
    (void)state;
    lose_number(dbtool_appending(temp.db, t, "{\"n\":1}\n{\"n\":2}\n"),
                giving_schema("{\"columns\":{\"n\":\"int64\"}}"), "{\"n\":\"no number\"}\n");
    assert_int_equal(parties[1].result, 0);
    assert_int_equal(parties[2].result, -EINVAL);
    dbtool_expect(temp.db, "t", "{\"n\":\"no number\"}\n{\"n\":1}\n{\"n\":2}\n");
    party_destroy();
}

/* The rows of the second commit are checked for the schema that the first one sets. */
static void rows_checked_on_their_record_are_checked_again_after_a_lost_number(void **state)
{
    (void)state;
    lose_number(giving_schema("{\"columns\":{\"n\":\"int64\"},\"key\":\"n\"}"),
                dbtool_appending(temp.db, t, "{\"n\":1}\n"), "{\"n\":1}\n");
    assert_int_equal(parties[1].result, 0);
    assert_int_equal(parties[2].result, -EEXIST);
    dbtool_expect(temp.db, "t", "{\"n\":1}\n");
    party_destroy();
}

static void a_refusal_holds_only_on_the_newest_version(void **state)
{
    (void)state;
    assert_int_equal(dbtool_create(temp.db, "u", NULL), 0);
    assert_true(dbtool_has(other, "u"));
    {
        struct table *u = dbtool_look(other, "u");

        assert_int_equal(dbtool_drop(other, u->uuid, "u", NULL), 0);
        table_unref(u);
    }
    assert_int_equal(dbtool_create(temp.db, "u", NULL), 0); /* which does not know of the drop */
}

/* --- many at once -------------------------------------------------------------------------- */

#define WRITERS 8 /* four on each database */
#define APPENDS 200

struct writer {
    pthread_t thread;
    struct db *db;
    struct commit *commits[APPENDS];
    int result;
};

static void *append_all(void *context)
{
    struct writer *writer = context;

    for (unsigned i = 0; i < APPENDS && !writer->result; i++)
        writer->result = commit_run(writer->db, writer->commits[i]);
    return NULL;
}

/* Every row of every writer once, and each writer's in its order. */
static void expect_all_rows(struct db *db)
{
    char *rows = dbtool_rows(db, "t"), *line = rows;
    unsigned next[WRITERS] = {0}, w, n;
    int length;

    for (; sscanf(line, "{\"w\":%u,\"n\":%u}%n", &w, &n, &length) == 2; line += length + 1) {
        assert_true(w < WRITERS);
        assert_int_equal(n, next[w]);
        next[w]++;
    }
    assert_int_equal(*line, '\0');
    for (w = 0; w < WRITERS; w++)
        assert_int_equal(next[w], APPENDS);
    free(rows);
}

static void threads_on_two_mounts_append_every_row_once(void **state)
{
    static struct writer writers[WRITERS];

    (void)state;
    for (unsigned w = 0; w < WRITERS; w++) {
        writers[w] = (struct writer){.db = w % 2 ? other : temp.db};
        for (unsigned i = 0; i < APPENDS; i++) {
            char row[40];

            snprintf(row, sizeof row, "{\"w\":%u,\"n\":%u}\n", w, i);
            writers[w].commits[i] = dbtool_appending(writers[w].db, t, row);
        }
    }
    for (unsigned w = 0; w < WRITERS; w++)
        assert_int_equal(pthread_create(&writers[w].thread, NULL, append_all, &writers[w]), 0);
    for (unsigned w = 0; w < WRITERS; w++)
        pthread_join(writers[w].thread, NULL);
    for (unsigned w = 0; w < WRITERS; w++) {
        assert_int_equal(writers[w].result, 0);
        for (unsigned i = 0; i < APPENDS; i++)
            commit_destroy(writers[w].commits[i]);
    }
    assert_int_equal(dbtool_version(temp.db), 1 + WRITERS * APPENDS);
    expect_all_rows(temp.db);
    expect_all_rows(other);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(commits_that_wait_become_one_record_with_a_version_each),
        test(a_refused_commit_does_not_take_its_neighbours_along),
        test(a_commit_that_contradicts_itself_does_not_take_its_neighbours_along),
        test(a_full_disk_refuses_all_that_were_to_be_in_the_record),
        test(a_commit_left_with_nothing_to_do_by_one_that_failed_fails_too),
        test(a_commit_refused_because_of_one_that_failed_is_not_told_so),
        test(a_record_takes_as_many_commits_as_fit),
        test(a_commit_that_lost_its_number_is_evaluated_again),
        test(a_commit_that_the_winner_made_impossible_is_refused),
        test(rows_that_changed_under_a_commit_cancel_it),
        test(a_patch_on_a_patch_finds_its_row_again_after_a_lost_number),
        test(a_schema_on_rows_of_its_record_looks_at_all_after_a_lost_number),
        test(rows_checked_on_their_record_are_checked_again_after_a_lost_number),
        test(a_refusal_holds_only_on_the_newest_version),
        test(threads_on_two_mounts_append_every_row_once),
    };

    return cmocka_run_group_tests_name("commit group", tests, NULL, NULL);
}
