/* SPDX-License-Identifier: MIT */
/* What of the bytes that were written becomes which rows. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/fixture.h"

static void close_and_expect(const char *rows)
{
    assert_ok(filetool_close(file, OPENER), filetool_reason());
    dbtool_expect(temp.db, "t", rows);
}

/* --- lines -------------------------------------------------------------------------- */

static void a_line_may_come_in_any_pieces(void **state)
{
    static const char text[] = ROW1 "{\"a\":\"\xc3\xa9\"}\r\n\n" ROW2;

    (void)state;
    for (size_t piece = 1; piece < sizeof text; piece++) {
        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            size_t left = sizeof text - 1 - at;

            assert_int_equal(
                filetool_write_bytes(file, OPENER, text + at, piece < left ? piece : left, 0), 0);
        }
        close_and_expect(ROW1 "{\"a\":\"\xc3\xa9\"}\n" ROW2);
        assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    }
}

static void blank_lines_are_dropped_and_a_CR_before_the_line_feed(void **state)
{
    (void)state;
    fixture_write(OPENER, "\n\r\n \t\r\n" ROW1 "\n{\"n\":2}\r\n\n{ \"n\" : 3 } \n  {}\n\n");
    close_and_expect(ROW1 ROW2 "{ \"n\" : 3 } \n  {}\n");
}

static void an_unfinished_last_row_gets_its_line_feed(void **state)
{
    (void)state;
    fixture_write(OPENER, ROW1 "{\"n\":2}");
    close_and_expect(ROW1 ROW2);
    fixture_write(OPENER, "{\"n\":3}\r");
    close_and_expect(ROW1 ROW2 ROW3);
    fixture_write(OPENER, ROW1 "  \t");
    close_and_expect(ROW1 ROW2 ROW3 ROW1);
    fixture_write(CHILD, "{\"n\":2}");
    assert_int_equal(filetool_close(file, CHILD), 0);
    assert_int_equal(fixture_release(), 0);
    dbtool_expect(temp.db, "t", ROW1 ROW2 ROW3 ROW1 ROW2);
}

static void an_unfinished_last_line_that_is_no_row_is_refused_at_the_close(void **state)
{
    (void)state;
    fixture_write(OPENER, ROW1 ROW2 "{\"n\":");
    assert_int_equal(filetool_close(file, OPENER), -EINVAL);
    assert_has(filetool_reason()->text, "unfinished");
    assert_int_equal(filetool_reason()->line, 3);
    assert_int_equal(fixture_release(), -EINVAL);
    dbtool_expect(temp.db, "t", "");
    file = filetool_open(temp.db, "t", NULL);
    fixture_write(CHILD, ROW1 "{\"n\":");
    assert_int_equal(filetool_close(file, CHILD), 0);
    assert_int_equal(fixture_release(), -EINVAL);
    assert_has(filetool_reason()->text, "unfinished");
    dbtool_expect(temp.db, "t", "");
}

static void lines_of_writers_that_write_at_once_are_not_torn(void **state)
{
    (void)state;
    fixture_write(CHILD, "{\"child\":");
    fixture_write(OTHER, "{\"other\":");
    fixture_write(CHILD, "1}\n{\"chi");
    fixture_write(OTHER, "1}\n{\"oth");
    fixture_write(OTHER, "er\":2}\n");
    fixture_write(CHILD, "ld\":2}\n");
    assert_int_equal(filetool_close(file, CHILD), 0);
    assert_int_equal(filetool_close(file, OTHER), 0);
    close_and_expect("{\"child\":1}\n{\"other\":1}\n{\"other\":2}\n{\"child\":2}\n");
}

static void a_line_left_unfinished_is_continued_by_the_next_writer(void **state)
{
    (void)state;
    fixture_write(CHILD, "{\"a\":");
    assert_int_equal(filetool_close(file, CHILD), 0);
    fixture_write(OTHER, "[1");
    assert_int_equal(filetool_close(file, OTHER), 0);
    fixture_write(OPENER, "]}\n");
    close_and_expect("{\"a\":[1]}\n");
}

static void a_child_continues_the_line_of_the_opener_and_the_opener_the_childs(void **state)
{
    (void)state;
    fixture_write(OPENER, ROW1 "{\"a\":"); /* { printf '{"a":'; cat value; echo '}'; } */
    fixture_write(CHILD, "7");
    assert_int_equal(filetool_close(file, CHILD), 0);
    fixture_write(OPENER, "}\n");
    close_and_expect(ROW1 "{\"a\":7}\n");
}

static void a_writer_that_has_begun_does_not_continue_the_openers_line(void **state)
{
    (void)state;
    fixture_write(CHILD, ROW1);
    fixture_write(OPENER, "{\"n\":");
    fixture_write(CHILD, ROW2);
    fixture_write(OPENER, "3}\n");
    assert_int_equal(filetool_close(file, CHILD), 0);
    close_and_expect(ROW1 ROW2 ROW3);
}

/* --- offsets and sizes ---------------------------------------------------------------- */

static void open_with(bool append, bool replace)
{
    struct openfile_options options = {.append = append, .replace = replace};

    assert_int_equal(fixture_release(), 0);
    file = filetool_open(temp.db, "t", &options);
}

static void rows_are_written_at_the_end_only(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
    for (uint64_t offset = 0; offset <= 16; offset++) {
        open_with(false, false);
        if (offset == 8)
            continue;
        assert_int_equal(filetool_write_bytes(file, OPENER, ROW2, 8, offset), -EINVAL);
        assert_has(filetool_reason()->text, "overwritten");
        assert_int_equal(fixture_release(), -EINVAL);
        file = filetool_open(temp.db, "t", NULL);
    }
    open_with(false, false);
    assert_int_equal(filetool_write_bytes(file, OPENER, ROW2 "{\"n\"", 12, 8), 0);
    assert_int_equal(openfile_bytes(file), 20);
    assert_int_equal(filetool_write_bytes(file, OPENER, ":3}\n", 4, 20), 0);
    close_and_expect(ROW1 ROW2 ROW3);
    assert_int_equal(filetool_write_bytes(file, OPENER, ROW1, 8, 24), 0);
    close_and_expect(ROW1 ROW2 ROW3 ROW1);
    open_with(false, true);
    assert_int_equal(openfile_bytes(file), 0);
    assert_int_equal(filetool_write_bytes(file, OPENER, ROW2, 8, 0), 0);
    close_and_expect(ROW2);
}

static void who_appends_need_not_know_the_end(void **state)
{
    (void)state;
    assert_int_equal(filetool_write_bytes(file, OPENER, ROW1, 8, 999), 0);
    assert_int_equal(filetool_write_bytes(file, OPENER, ROW2, 8, 0), 0);
    close_and_expect(ROW1 ROW2);
}

static void truncating_to_nothing_replaces_and_any_other_size_is_refused(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
    open_with(false, false);
    assert_ok(openfile_truncate(file, 8, &err), &err);
    assert_fails(openfile_truncate(file, 7, &err), -EINVAL, &err);
    assert_fails(openfile_truncate(file, 9, &err), -EINVAL, &err);
    close_and_expect(ROW1);
    assert_int_equal(filetool_write_bytes(file, OPENER, ROW2, 8, 8), 0);
    assert_ok(openfile_truncate(file, 0, &err), &err); /* also what was written */
    assert_int_equal(openfile_bytes(file), 0);
    assert_int_equal(filetool_write_bytes(file, OPENER, ROW3, 8, 0), 0);
    close_and_expect(ROW3);
    assert_ok(openfile_truncate(file, 0, &err), &err);
    close_and_expect("");
}

/* --- limits ------------------------------------------------------------------------------- */

static void open_with_limits(uint64_t row_bytes, uint64_t tx_bytes)
{
    struct db_options options = {.limits = {.row_bytes = row_bytes, .tx_bytes = tx_bytes}};
    struct err err = ERR_INIT;

    fixture_release();
    tempstore_close(&temp);
    assert_ok(db_open(temp.path, &options, &temp.db, &err), &err);
    temp.store = db_store(temp.db);
    file = filetool_open(temp.db, "t", NULL);
}

static void expect_too_big(const char *part)
{
    assert_has(filetool_reason()->text, part);
    assert_int_equal(filetool_reason()->line, 1);
    assert_int_equal(fixture_release(), -EFBIG);
    file = filetool_open(temp.db, "t", NULL);
}

static void a_row_over_the_limit_is_refused(void **state)
{
    (void)state;
    open_with_limits(7, 1000);
    fixture_write(OPENER, ROW1 "{\"n\":2}\r\n");
    close_and_expect(ROW1 ROW2);
    assert_int_equal(filetool_write(file, OPENER, "{\"n\":10}\n"), -EFBIG);
    expect_too_big("row_limit");
    assert_int_equal(filetool_write(file, OPENER, "{\"n\":10}\r\n"), -EFBIG);
    expect_too_big("row_limit");
    assert_int_equal(filetool_write(file, OPENER, "{\"n\":10"), 0);
    assert_int_equal(filetool_write(file, OPENER, "0000"), -EFBIG); /* before its end is seen */
    expect_too_big("row_limit");
    dbtool_expect(temp.db, "t", ROW1 ROW2);
}

static void a_row_at_the_limit_may_come_in_pieces(void **state)
{
    static const char *const pieces[][2] = {
        {"{\"n\":1}", "\n"},   {"{\"n\":1", "}\n"},   {"{", "\"n\":1}\n"},
        {"{\"n\":1", "}\r\n"}, {"{\"n\":1}", "\r\n"}, {"{\"n\":1}\r", "\n"},
    };

    (void)state;
    open_with_limits(7, 1000);
    for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
        fixture_write(OPENER, pieces[i][0]);
        fixture_write(OPENER, pieces[i][1]);
        close_and_expect(ROW1);
        assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    }
}

static void a_commit_over_the_limit_is_refused(void **state)
{
    (void)state;
    open_with_limits(100, 24);
    fixture_write(OPENER, ROW1);
    fixture_write(OPENER, ROW2 ROW3);
    close_and_expect(ROW1 ROW2 ROW3);
    fixture_write(OPENER, ROW1 "{\"n\""); /* the next commit counts from 0 */
    fixture_write(OPENER, ":2}\n{\"n");
    fixture_write(OPENER, "\":3}\n");
    close_and_expect(ROW1 ROW2 ROW3 ROW1 ROW2 ROW3);
    assert_int_equal(filetool_write(file, OPENER, ROW1 ROW2 "{\"n\":10}\n"), -EFBIG);
    assert_has(filetool_reason()->text, "tx_limit");
    assert_int_equal(filetool_reason()->line, 3);
    assert_int_equal(fixture_release(), -EFBIG);
    file = filetool_open(temp.db, "t", NULL);
}

/* --- fsync ------------------------------------------------------------------------------------ */

static void an_fsync_commits_complete_lines_only(void **state)
{
    (void)state;
    fixture_write(CHILD, ROW1 "{\"n\":3");
    fixture_write(OPENER, ROW2 "{\"n\"");
    assert_int_equal(filetool_sync(file), 0);
    dbtool_expect(temp.db, "t", ROW1 ROW2);
    fixture_write(OPENER, ":4}\n");
    fixture_write(CHILD, "}\n");
    assert_int_equal(filetool_close(file, CHILD), 0);
    close_and_expect(ROW1 ROW2 "{\"n\":4}\n" ROW3);
}

static void an_fsync_of_an_unfinished_line_replaces_nothing(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
    open_with(true, true);
    fixture_write(OPENER, "{\"n\":");
    assert_int_equal(filetool_sync(file), 0);
    dbtool_expect(temp.db, "t", ROW1);
    assert_int_equal(filetool_end(file, OPENER, OPENFILE_FAILED), -ECANCELED);
    dbtool_expect(temp.db, "t", ROW1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_begin_file, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_line_may_come_in_any_pieces),
        test(blank_lines_are_dropped_and_a_CR_before_the_line_feed),
        test(an_unfinished_last_row_gets_its_line_feed),
        test(an_unfinished_last_line_that_is_no_row_is_refused_at_the_close),
        test(lines_of_writers_that_write_at_once_are_not_torn),
        test(a_line_left_unfinished_is_continued_by_the_next_writer),
        test(a_child_continues_the_line_of_the_opener_and_the_opener_the_childs),
        test(a_writer_that_has_begun_does_not_continue_the_openers_line),
        test(rows_are_written_at_the_end_only),
        test(who_appends_need_not_know_the_end),
        test(truncating_to_nothing_replaces_and_any_other_size_is_refused),
        test(a_row_over_the_limit_is_refused),
        test(a_row_at_the_limit_may_come_in_pieces),
        test(a_commit_over_the_limit_is_refused),
        test(an_fsync_commits_complete_lines_only),
        test(an_fsync_of_an_unfinished_line_replaces_nothing),
    };

    return cmocka_run_group_tests_name("openfile lines", tests, NULL, NULL);
}
