/* SPDX-License-Identifier: MIT */
/* What core promises in core/scratch.h, one fact a test. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/scratch.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

static struct scratch_budget budget;
static struct scratch *scratch;

static int create(struct scratch **ret_scratch, struct err *err)
{
    struct snapshot *head = db_head(temp.db);
    int r = scratch_create(head->version, &budget, ret_scratch, err);

    snapshot_unref(head);
    return r;
}

static struct scratch *new_scratch(void)
{
    struct scratch *new = NULL;
    struct err err = ERR_INIT;

    assert_ok(create(&new, &err), &err);
    return new;
}

static int begin(void **state)
{
    fixture_begin_table(state);
    assert_int_equal(dbtool_append(temp.db, t, "{\"old\":1}\n"), 0);
    budget = (struct scratch_budget){.limit = 1000};
    scratch = new_scratch();
    return 0;
}

static int end(void **state)
{
    scratch_unref(scratch);
    scratch = NULL;
    return fixture_end(state);
}

static int put(const char *text, uint64_t offset)
{
    return scratch_write(scratch, text, strlen(text), offset, NULL);
}

static void expect_content(const char *text, size_t bytes)
{
    char read[256];

    assert_int_equal(scratch_bytes(scratch), bytes);
    assert_int_equal(scratch_read(scratch, read, sizeof read, 0), bytes);
    assert_memory_equal(read, text, bytes);
}

static void a_scratch_file_is_written_anywhere(void **state)
{
    (void)state;
    expect_content("", 0);
    assert_int_equal(put("world", 6), 0);
    assert_int_equal(put("hello", 0), 0);
    expect_content("hello\0world", 11);
    assert_int_equal(put("W", 6), 0);
    expect_content("hello\0World", 11);
    assert_int_equal(scratch_truncate(scratch, 3, NULL), 0);
    expect_content("hel", 3);
    assert_int_equal(scratch_truncate(scratch, 5, NULL), 0);
    expect_content("hel\0\0", 5);
}

static void scratch_files_share_a_budget(void **state)
{
    struct scratch *first = scratch;
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(scratch_truncate(first, 900, NULL), 0);
    scratch = new_scratch();
    assert_int_equal(put(ROW1, 92), 0); /* exactly the limit */
    assert_fails(scratch_write(scratch, "x", 1, 100, &err), -ENOSPC, &err);
    assert_has(err.text, "1000 bytes");
    assert_int_equal(scratch_bytes(scratch), 100);
    assert_int_equal(put("y", 50), 0); /* takes no more room */
    assert_fails(scratch_truncate(first, 901, &err), -ENOSPC, &err);
    assert_int_equal(scratch_bytes(first), 900);
    assert_int_equal(scratch_truncate(first, 890, NULL), 0);
    assert_int_equal(scratch_truncate(scratch, 110, NULL), 0);
    assert_int_equal(budget.bytes, 1000);
    scratch_unref(first);
    assert_int_equal(budget.bytes, 110);
    scratch_ref(scratch);
    scratch_unref(scratch);
    assert_int_equal(budget.bytes, 110);
}

static void a_write_that_fails_does_not_grow_the_file(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(put("hello", 0), 0);
    faultio_rule(FAULTIO_WRITE, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_fails(scratch_write(scratch, "world", 5, 5, &err), -ENOSPC, &err);
    expect_content("hello", 5);
    assert_int_equal(budget.bytes, 5);
}

static void a_truncate_that_fails_changes_no_size(void **state)
{
    (void)state;
    assert_int_equal(put("hello", 0), 0);
    for (uint64_t bytes = 2; bytes <= 8; bytes += 6) {
        struct err err = ERR_INIT;

        faultio_rule(FAULTIO_TRUNCATE, 0, 1, FAULTIO_REFUSE, EIO);
        assert_fails(scratch_truncate(scratch, bytes, &err), -EIO, &err);
        assert_true(err.text[0] != '\0');
        expect_content("hello", 5);
        assert_int_equal(budget.bytes, 5);
    }
}

static void a_disk_that_is_full_makes_no_scratch_file(void **state)
{
    struct scratch *none = NULL;
    struct err err = ERR_INIT;

    (void)state;
    faultio_rule(FAULTIO_OPEN_UNNAMED, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_fails(create(&none, &err), -ENOSPC, &err);
    assert_null(none);
    faultio_rule(FAULTIO_OPEN_UNNAMED, 0, 1, FAULTIO_REFUSE, EOPNOTSUPP); /* another way is found */
    assert_ok(create(&none, &err), &err);
    scratch_unref(none);
    scratch_unref(NULL);
}

static void what_a_scratch_file_holds_replaces_the_rows(void **state)
{
    uint64_t version = dbtool_version(temp.db);
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(put(ROW1 "\n{\"n\":2}\r\n{\"n\":3}", 0), 0);
    assert_ok(scratch_commit(scratch, temp.db, NULL, t, NULL, OPENFILE_ROWS, &err), &err);
    dbtool_expect(temp.db, "t", ROW1 ROW2 "{\"n\":3}\n");
    assert_int_equal(dbtool_version(temp.db), version + 1);
    expect_content(ROW1 "\n{\"n\":2}\r\n{\"n\":3}", 25);
}

static void an_empty_scratch_file_empties_the_table(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(scratch_commit(scratch, temp.db, NULL, t, NULL, OPENFILE_ROWS, &err), &err);
    dbtool_expect(temp.db, "t", "");
}

static void rows_that_changed_since_the_file_was_made_cancel_it(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(put(ROW1, 0), 0);
    dbtool_table(temp.db, "u"); /* no change of t */
    assert_int_equal(dbtool_append(temp.db, t, ROW2), 0);
    assert_fails(scratch_commit(scratch, temp.db, NULL, t, NULL, OPENFILE_ROWS, &err), -ECANCELED, &err);
    assert_has(err.text, "changed");
    dbtool_expect(temp.db, "t", "{\"old\":1}\n" ROW2);
}

static void rows_that_change_at_the_last_moment_cancel_it(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    other = tempstore_another(&temp);
    assert_int_equal(put(ROW1, 0), 0);
    assert_int_equal(dbtool_append(other, t, ROW2), 0); /* which temp.db has not read */
    assert_fails(scratch_commit(scratch, temp.db, NULL, t, NULL, OPENFILE_ROWS, &err), -ECANCELED, &err);
    dbtool_expect(temp.db, "t", "{\"old\":1}\n" ROW2);
}

static void what_is_no_row_is_refused_and_changes_nothing(void **state)
{
    static const char *const texts[] = {"nonsense\n", ROW1 "{\"n\":", ROW1 "[]\n" ROW2};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct err err = ERR_INIT;

        assert_int_equal(scratch_truncate(scratch, 0, NULL), 0);
        assert_int_equal(put(texts[i], 0), 0);
        assert_fails(scratch_commit(scratch, temp.db, NULL, t, NULL, OPENFILE_ROWS, &err), -EINVAL, &err);
        assert_true(err.text[0] != '\0');
        assert_int_equal(err.line, i == 0 ? 1 : 2);
    }
    dbtool_expect(temp.db, "t", "{\"old\":1}\n");
}

static void a_table_that_was_dropped_takes_nothing(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(put(ROW1, 0), 0);
    assert_fails(scratch_commit(scratch, temp.db, NULL, uuid_random(), NULL, OPENFILE_ROWS, &err), -ENOENT, &err);
}

static void a_commit_that_fails_is_told(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(put(ROW1, 0), 0);
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_fails(scratch_commit(scratch, temp.db, NULL, t, NULL, OPENFILE_ROWS, &err), -ENOSPC, &err);
    dbtool_expect(temp.db, "t", "{\"old\":1}\n");
    assert_ok(scratch_commit(scratch, temp.db, NULL, t, NULL, OPENFILE_ROWS, &err), &err);
    dbtool_expect(temp.db, "t", ROW1);
}

static void *grow(void *context)
{
    for (int i = 0; i < 2000; i++) {
        scratch_write(context, "0123456789", 10, (uint64_t)(i % 150) * 10, NULL);
        if (i % 10 == 0)
            scratch_truncate(context, (uint64_t)(i % 300), NULL);
    }
    return NULL;
}

static void threads_keep_to_the_budget_and_give_all_of_it_back(void **state)
{
    struct scratch *files[3] = {new_scratch(), new_scratch(), NULL};
    pthread_t threads[3];

    (void)state;
    files[2] = scratch_ref(files[0]);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, grow, files[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_true(budget.bytes <= budget.limit);
    assert_int_equal(budget.bytes, scratch_bytes(files[0]) + scratch_bytes(files[1]));
    for (int i = 0; i < 3; i++)
        scratch_unref(files[i]);
    assert_int_equal(budget.bytes, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_scratch_file_is_written_anywhere),
        test(scratch_files_share_a_budget),
        test(a_write_that_fails_does_not_grow_the_file),
        test(a_truncate_that_fails_changes_no_size),
        test(a_disk_that_is_full_makes_no_scratch_file),
        test(what_a_scratch_file_holds_replaces_the_rows),
        test(an_empty_scratch_file_empties_the_table),
        test(rows_that_changed_since_the_file_was_made_cancel_it),
        test(rows_that_change_at_the_last_moment_cancel_it),
        test(what_is_no_row_is_refused_and_changes_nothing),
        test(a_table_that_was_dropped_takes_nothing),
        test(a_commit_that_fails_is_told),
        test(threads_keep_to_the_budget_and_give_all_of_it_back),
    };

    return cmocka_run_group_tests_name("scratch", tests, NULL, NULL);
}
