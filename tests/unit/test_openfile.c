/* SPDX-License-Identifier: MIT */
/* Who may commit what was written through an open file, and when. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

/* Gives the open file up for one that replaces (O_TRUNC). */
static void open_to_replace(void)
{
    struct openfile_options options = {.replace = true, .append = true};

    assert_int_equal(fixture_release(), 0);
    file = filetool_open(temp.db, "t", &options);
}

/* Poisoned: every operation repeats the code, nobody is told why again, and nothing is committed.
 */
static void expect_poisoned(int code, const char *rows)
{
    assert_int_equal(filetool_write(file, OPENER, ROW3), code);
    assert_string_equal(filetool_reason()->text, "");
    assert_int_equal(filetool_sync(file), code);
    assert_int_equal(filetool_close(file, CHILD), code);
    assert_int_equal(filetool_close(file, OPENER), code);
    assert_string_equal(filetool_reason()->text, "");
    assert_int_equal(fixture_release(), code);
    dbtool_expect(temp.db, "t", rows);
}

/* --- closes -------------------------------------------------------------------------- */

static void the_openers_close_commits(void **state)
{
    uint64_t version = dbtool_version(temp.db);

    (void)state;
    assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
    assert_int_equal(filetool_write(file, OPENER, ROW2 ROW3), 0);
    dbtool_expect(temp.db, "t", "");
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW1 ROW2 ROW3);
    assert_int_equal(dbtool_version(temp.db), version + 1);
    assert_int_equal(fixture_release(), 0);
    assert_int_equal(dbtool_version(temp.db), version + 1);
}

static void an_opener_that_closes_a_duplicate_has_not_closed(void **state)
{
    (void)state;
    assert_int_equal(filetool_end(file, OPENER, OPENFILE_HOLDS), 0);
    assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
    assert_int_equal(filetool_end(file, OPENER, OPENFILE_HOLDS), 0);
    dbtool_expect(temp.db, "t", "");
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW1);
}

static void an_opener_may_write_and_close_again(void **state)
{
    (void)state;
    assert_int_equal(filetool_close(file, OPENER), 0);
    assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW1);
    assert_int_equal(filetool_write(file, OPENER, ROW2), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW1 ROW2);
}

static void the_close_of_another_process_does_not_commit(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, CHILD, ROW1), 0);
    assert_int_equal(filetool_close(file, CHILD), 0);
    dbtool_expect(temp.db, "t", "");
    assert_int_equal(filetool_write(file, OTHER, ROW2), 0);
    assert_int_equal(filetool_close(file, OTHER), 0);
    dbtool_expect(temp.db, "t", "");
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW1 ROW2);
}

static void the_openers_close_waits_for_writers_and_the_last_close_commits(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, CHILD, ROW1), 0);
    assert_int_equal(filetool_write(file, OPENER, ROW2), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", "");
    assert_int_equal(filetool_close(file, CHILD), 0);
    dbtool_expect(temp.db, "t", "");
    assert_int_equal(fixture_release(), 0);
    dbtool_expect(temp.db, "t", ROW1 ROW2);
}

static void what_nobody_committed_is_committed_at_the_last_close(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, CHILD, ROW1), 0);
    assert_int_equal(filetool_close(file, CHILD), 0);
    assert_int_equal(fixture_release(), 0);
    dbtool_expect(temp.db, "t", ROW1);
}

static void a_writer_that_vanished_without_a_close_aborts(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    assert_int_equal(filetool_write(file, CHILD, ROW2), 0);
    assert_int_equal(fixture_release(), -ECANCELED);
    assert_has(filetool_reason()->text, "vanished");
    dbtool_expect(temp.db, "t", ROW1);
}

static void an_open_file_that_nobody_wrote_to_commits_nothing(void **state)
{
    uint64_t version = dbtool_version(temp.db);

    (void)state;
    assert_int_equal(filetool_close(file, CHILD), 0);
    assert_int_equal(filetool_sync(file), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    assert_int_equal(fixture_release(), 0);
    assert_int_equal(dbtool_version(temp.db), version);
}

/* --- failures ---------------------------------------------------------------------------- */

static const enum openfile_end bad_ends[] = {OPENFILE_FAILED, OPENFILE_KILLED};

static void a_writer_that_fails_poisons_the_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad_ends); i++) {
        assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
        assert_int_equal(filetool_write(file, CHILD, ROW2), 0);
        assert_int_equal(filetool_end(file, CHILD, bad_ends[i]), -ECANCELED);
        assert_has(filetool_reason()->text, "the process came to a bad end");
        expect_poisoned(-ECANCELED, "");
        file = filetool_open(temp.db, "t", NULL);
    }
}

static void a_writer_that_closed_a_duplicate_and_then_fails_poisons_the_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad_ends); i++) {
        assert_int_equal(filetool_write(file, CHILD, ROW2), 0);
        assert_int_equal(filetool_end(file, CHILD, OPENFILE_HOLDS), 0); /* (echo >&3; exit 1) */
        assert_int_equal(filetool_end(file, CHILD, bad_ends[i]), -ECANCELED);
        expect_poisoned(-ECANCELED, "");
        file = filetool_open(temp.db, "t", NULL);
    }
}

static void an_opener_that_fails_aborts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad_ends); i++)
        for (int by_child = 0; by_child < 2; by_child++) {
            assert_int_equal(filetool_write(file, by_child ? CHILD : OPENER, ROW1), 0);
            if (by_child)
                assert_int_equal(filetool_close(file, CHILD), 0);
            assert_int_equal(filetool_end(file, OPENER, bad_ends[i]), -ECANCELED);
            expect_poisoned(-ECANCELED, "");
            file = filetool_open(temp.db, "t", NULL);
        }
}

static void a_child_that_wrote_nothing_may_fail_but_not_be_killed(void **state)
{
    (void)state;
    assert_int_equal(filetool_end(file, CHILD, OPENFILE_KILLED), 0); /* there is nothing yet */
    assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
    assert_int_equal(filetool_end(file, CHILD, OPENFILE_FAILED), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW1);
    assert_int_equal(filetool_end(file, CHILD, OPENFILE_KILLED), 0); /* all is committed */
    assert_int_equal(filetool_write(file, OPENER, ROW2), 0);
    assert_int_equal(filetool_end(file, CHILD, OPENFILE_KILLED), -ECANCELED);
    expect_poisoned(-ECANCELED, ROW1);
}

static void a_failed_command_does_not_empty_the_table(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
    for (size_t i = 0; i < ARRAY_COUNT(bad_ends); i++) {
        open_to_replace(); /* typo rows > rows */
        assert_int_equal(filetool_end(file, OPENER, OPENFILE_HOLDS), 0);
        assert_int_equal(filetool_end(file, OPENER, bad_ends[i]), -ECANCELED);
        assert_int_equal(fixture_release(), -ECANCELED);
        dbtool_expect(temp.db, "t", ROW1);
        file = filetool_open(temp.db, "t", NULL);
    }
}

static void a_refused_line_poisons_and_drops_what_was_good(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, OPENER, ROW1 "\n" ROW2), 0);
    assert_int_equal(filetool_write(file, OPENER, ROW3 "{\"n\":}\n" ROW1), -EINVAL);
    assert_true(filetool_reason()->text[0] != '\0');
    assert_int_equal(filetool_reason()->line, 5);
    expect_poisoned(-EINVAL, "");
}

static void the_lines_of_a_writer_are_counted_from_its_first(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, OPENER, ROW1 ROW1 ROW1), 0);
    assert_int_equal(filetool_write(file, CHILD, ROW1 "{\"n\""), 0);
    assert_int_equal(filetool_write(file, CHILD, "}\n"), -EINVAL);
    assert_int_equal(filetool_reason()->line, 2);
}

static void an_abort_drops_what_is_not_committed(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
    assert_int_equal(filetool_sync(file), 0);
    assert_int_equal(filetool_write(file, OPENER, ROW2), 0);
    openfile_abort(file);
    expect_poisoned(-ECANCELED, ROW1);
}

static void a_commit_that_fails_is_told_at_the_close_and_poisons(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_int_equal(filetool_close(file, OPENER), -ENOSPC);
    assert_has(filetool_reason()->text, "No space");
    expect_poisoned(-ENOSPC, "");
}

static void rows_of_a_table_that_was_dropped_are_refused_at_the_close(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
    assert_int_equal(dbtool_drop(temp.db, t, "t", NULL), 0);
    assert_int_equal(filetool_close(file, OPENER), -ENOENT);
    assert_int_equal(fixture_release(), -ENOENT);
}

/* --- replacing ------------------------------------------------------------------------------ */

static void what_is_written_replaces_what_was_there(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
    open_to_replace();
    assert_int_equal(filetool_write(file, OPENER, ROW2), 0);
    dbtool_expect(temp.db, "t", ROW1);
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW2);
    assert_int_equal(filetool_write(file, OPENER, ROW3), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW2 ROW3); /* it replaces once */
}

static void a_replacement_by_nothing_empties_at_the_close(void **state)
{
    (void)state;
    for (int by_release = 0; by_release < 2; by_release++) {
        assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
        open_to_replace(); /* : > rows */
        assert_int_equal(filetool_end(file, OPENER, OPENFILE_HOLDS), 0);
        assert_int_equal(filetool_sync(file), 0);
        dbtool_expect(temp.db, "t", ROW1);
        if (!by_release)
            assert_int_equal(filetool_close(file, OPENER), 0);
        else
            assert_int_equal(fixture_release(), 0);
        dbtool_expect(temp.db, "t", "");
    }
}

static void a_replacement_by_blank_lines_empties_at_the_close(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
    open_to_replace(); /* echo > rows */
    assert_int_equal(filetool_write(file, OPENER, "\n"), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", "");
}

static void a_replacement_takes_also_what_others_appended_meanwhile(void **state)
{
    (void)state;
    open_to_replace();
    assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
    assert_int_equal(filetool_write(file, OPENER, ROW2), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW2);
}

static void an_abort_replaces_nothing(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
    open_to_replace();
    openfile_abort(file);
    expect_poisoned(-ECANCELED, ROW1);
}

static void what_the_last_close_has_to_decide_is_known(void **state)
{
    (void)state;
    assert_false(openfile_is_undecided(file));
    assert_int_equal(filetool_write(file, OPENER, ROW1), 0);
    assert_true(openfile_is_undecided(file));
    assert_int_equal(filetool_close(file, OPENER), 0);
    assert_false(openfile_is_undecided(file));
    assert_int_equal(filetool_write(file, CHILD, "{\"n\""), 0);
    assert_int_equal(filetool_close(file, CHILD), 0);
    assert_true(openfile_is_undecided(file));
    openfile_abort(file);
    assert_false(openfile_is_undecided(file));
    assert_int_equal(fixture_release(), -ECANCELED);
    file = filetool_open(temp.db, "t", NULL);
    open_to_replace();
    assert_true(openfile_is_undecided(file));
}

/* As mv does it: the rows are removed, and then made anew by this file. */
static void reopen_after_removal(void)
{
    struct openfile_options options = {.kind = OPENFILE_ROWS};

    if (file)
        fixture_release();
    assert_int_equal(dbtool_write(temp.db, t, true, ROW1 ROW2, 0, NULL), 0);
    assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    options.removed_version = dbtool_version(temp.db);
    file = filetool_open(temp.db, "t", &options);
}

static void rows_that_were_removed_for_a_file_that_fails_come_back(void **state)
{
    (void)state;
    reopen_after_removal();
    assert_int_equal(filetool_write(file, OPENER, "bad\n"), -EINVAL);
    assert_true(openfile_is_undecided(file));
    dbtool_expect(temp.db, "t", "");
    assert_int_equal(fixture_release(), -EINVAL);
    dbtool_expect(temp.db, "t", ROW1 ROW2);
    reopen_after_removal(); /* also when only the last close knows that it fails */
    assert_int_equal(filetool_write(file, OPENER, "{\"n\""), 0);
    assert_int_equal(fixture_release(), -ECANCELED);
    dbtool_expect(temp.db, "t", ROW1 ROW2);
}

static void they_do_not_come_back_when_it_succeeds_or_somebody_has_written(void **state)
{
    (void)state;
    reopen_after_removal();
    assert_int_equal(filetool_write(file, OPENER, ROW3), 0);
    assert_int_equal(filetool_close(file, OPENER), 0);
    assert_int_equal(fixture_release(), 0);
    dbtool_expect(temp.db, "t", ROW3);
    reopen_after_removal();
    assert_int_equal(filetool_write(file, OPENER, "bad\n"), -EINVAL);
    assert_int_equal(dbtool_append(temp.db, t, ROW3), 0);
    assert_int_equal(fixture_release(), -EINVAL);
    assert_has(filetool_reason()->text, "could not be put back");
    dbtool_expect(temp.db, "t", ROW3);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_begin_file, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_openers_close_commits),
        test(an_opener_that_closes_a_duplicate_has_not_closed),
        test(an_opener_may_write_and_close_again),
        test(the_close_of_another_process_does_not_commit),
        test(the_openers_close_waits_for_writers_and_the_last_close_commits),
        test(what_nobody_committed_is_committed_at_the_last_close),
        test(a_writer_that_vanished_without_a_close_aborts),
        test(an_open_file_that_nobody_wrote_to_commits_nothing),
        test(a_writer_that_fails_poisons_the_file),
        test(a_writer_that_closed_a_duplicate_and_then_fails_poisons_the_file),
        test(an_opener_that_fails_aborts),
        test(a_child_that_wrote_nothing_may_fail_but_not_be_killed),
        test(a_failed_command_does_not_empty_the_table),
        test(a_refused_line_poisons_and_drops_what_was_good),
        test(the_lines_of_a_writer_are_counted_from_its_first),
        test(an_abort_drops_what_is_not_committed),
        test(a_commit_that_fails_is_told_at_the_close_and_poisons),
        test(rows_of_a_table_that_was_dropped_are_refused_at_the_close),
        test(what_is_written_replaces_what_was_there),
        test(a_replacement_by_nothing_empties_at_the_close),
        test(a_replacement_by_blank_lines_empties_at_the_close),
        test(a_replacement_takes_also_what_others_appended_meanwhile),
        test(an_abort_replaces_nothing),
        test(what_the_last_close_has_to_decide_is_known),
        test(rows_that_were_removed_for_a_file_that_fails_come_back),
        test(they_do_not_come_back_when_it_succeeds_or_somebody_has_written),
    };

    return cmocka_run_group_tests_name("openfile", tests, NULL, NULL);
}
