/* SPDX-License-Identifier: MIT */
/* What core promises in core/follow.h: what it prints, done to the old rows, gives the new ones. */
#include <stdio.h>
#include <stdlib.h>

#include "core/follow.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/txtool.h"

#define ROW(n)  "{\"n\":" #n "}\n"
#define GONE(n) "{\"$op\":\"delete\",\"row\":{\"n\":" #n "}}\n"

static struct follow *follow;
static struct err err;

static int begin(void **state)
{
    int r = fixture_begin_two_mounts(state);
    struct snapshot *head = db_head(temp.db);

    err = (struct err)ERR_INIT;
    assert_int_equal(follow_create(temp.db, head, t, &follow), 0);
    snapshot_unref(head);
    return r;
}

static int end(void **state)
{
    follow_destroy(follow);
    return fixture_end(state);
}

/* All that there is now, read in pieces of so many bytes. */
static void read_all(struct buf *lines, size_t piece)
{
    char bytes[100000];
    int n;

    while ((n = follow_read(follow, bytes, piece, &err)) > 0)
        assert_int_equal(buf_append(lines, bytes, (size_t)n), 0);
    assert_ok(n, &err);
    assert_int_equal(buf_append(lines, "", 1), 0);
    lines->bytes--;
}

static void expect_lines(const char *expected)
{
    struct buf lines = {0};

    read_all(&lines, 7);
    assert_string_equal(lines.data, expected);
    buf_finish(&lines);
}

static void rows_come_as_they_are_committed(void **state)
{
    (void)state;
    assert_int_equal(follow_has_more(follow, &err), 0);
    expect_lines("");
    assert_int_equal(dbtool_append(temp.db, t, ROW(1)), 0);
    assert_int_equal(follow_has_more(follow, &err), 1);
    expect_lines(ROW(1));
    assert_int_equal(dbtool_append(temp.db, t, ROW(2) ROW(3)), 0);
    assert_int_equal(dbtool_append(temp.db, t, ROW(4)), 0);
    expect_lines(ROW(2) ROW(3) ROW(4));
    assert_int_equal(follow_has_more(follow, &err), 0);
}

static void those_of_another_mount_come_when_they_are_known(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(other, t, ROW(1)), 0);
    expect_lines("");
    dbtool_version(temp.db);
    expect_lines(ROW(1));
}

static void rows_that_go_are_told_with_their_commit(void **state)
{
    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW(1) ROW(2)), 0);
    assert_int_equal(dbtool_write(temp.db, t, true, ROW(3), 0, NULL), 0);
    assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    assert_int_equal(dbtool_append(temp.db, t, ROW(4)), 0);
    expect_lines(ROW(1) ROW(2) GONE(1) GONE(2) ROW(3) GONE(3) ROW(4));
}

static void rows_that_come_and_go_between_two_looks_are_told(void **state)
{
    struct tx *tx = txtool_begin(temp.db, "a");

    (void)state;
    txtool_replace(tx, "t", ROW(2));
    assert_int_equal(dbtool_append(temp.db, t, ROW(1)), 0);
    assert_ok(tx_commit(tx, &err), &err); /* it has not seen row 1, which stays */
    tx_unref(tx);
    assert_int_equal(dbtool_write(temp.db, t, true, ROW(3), 0, NULL), 0);
    expect_lines(ROW(1) ROW(2) GONE(1) GONE(2) ROW(3));
}

static void a_rename_is_no_change_and_a_drop_is_the_end(void **state)
{
    char byte;

    (void)state;
    assert_int_equal(dbtool_rename(temp.db, t, "t", "u", false, NULL), 0);
    assert_int_equal(dbtool_append(temp.db, t, ROW(1)), 0);
    expect_lines(ROW(1));
    assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
    assert_int_equal(dbtool_drop(temp.db, t, "u", NULL), 0);
    assert_int_equal(follow_read(follow, &byte, 1, &err), 1);
    for (int i = 0; i < 100 && follow_read(follow, &byte, 1, &err) == 1; i++)
        ;
    for (int i = 0; i < 2; i++)
        assert_fails(follow_read(follow, &byte, 1, &err), -ENOENT, &err);
}

static void it_begins_behind_any_version(void **state)
{
    struct snapshot *past = NULL;

    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW(1)), 0); /* version 2 */
    assert_int_equal(dbtool_append(temp.db, t, ROW(2)), 0);
    assert_int_equal(dbtool_append(temp.db, t, ROW(3)), 0);
    follow_destroy(follow);
    assert_ok(db_at(temp.db, 2, &past, &err), &err);
    assert_int_equal(follow_create(temp.db, past, t, &follow), 0);
    snapshot_unref(past);
    expect_lines(ROW(2) ROW(3));
    assert_ok(db_at(temp.db, 0, &past, &err), &err);
    follow_destroy(follow);
    follow = NULL;
    assert_int_equal(follow_create(temp.db, past, t, &follow), -ENOENT);
    snapshot_unref(past);
}

/* --- at random, against a list ------------------------------------------------------------- */

static uint64_t seed;

/* Does what the lines say to the rows of `list`. */
static void apply_lines(struct buf *list, char *lines)
{
    for (char *line = lines; *line;) {
        char *feed = strchr(line, '\n');

        assert_non_null(feed);
        if (!strncmp(line, "{\"$op\"", 6)) {
            char *row = line + 22, *found;

            feed[-1] = '\n'; /* the row is behind the prefix, without the last brace */
            feed[0] = '\0';
            found = strstr(list->data, row);
            assert_non_null(found);
            memmove(found, found + strlen(row), strlen(found + strlen(row)) + 1);
            list->bytes -= strlen(row);
        } else {
            assert_int_equal(buf_append(list, line, (size_t)(feed + 1 - line)), 0);
            assert_int_equal(buf_append(list, "", 1), 0);
            list->bytes--;
        }
        line = feed + 1;
    }
}

static void random_row(struct buf *row)
{
    static unsigned count;

    buf_printf(row, "{\"id\":%u,\"x\":\"%0*d\"}\n", ++count,
               (int)(1 + check_random_below(&seed, 2000)), 7);
}

static void random_rows(struct buf *rows)
{
    for (uint64_t n = check_random_below(&seed, 4) ? 3 : 70; n > 0; n--)
        random_row(rows);
}

static void random_change(struct db *db)
{
    struct buf rows = {0};
    struct tx *tx;

    random_rows(&rows);
    switch (check_random_below(&seed, 6)) {
    case 0:
        dbtool_write(db, t, true, rows.data, 0, NULL);
        break;
    case 1:
        tx = txtool_begin(db, NULL);
        txtool_append(tx, "t", rows.data);
        if (check_random_below(&seed, 2))
            dbtool_append(db == other ? temp.db : other, t, "{\"between\":1}\n");
        if (check_random_below(&seed, 2))
            txtool_replace(tx, "t", "{\"tx\":1}\n");
        tx_commit(tx, NULL);
        tx_unref(tx);
        break;
    default:
        dbtool_append(db, t, rows.data);
    }
    buf_finish(&rows);
}

static void expect_nothing_left(struct buf *list)
{
    struct buf lines = {0};

    read_all(&lines, 5000);
    apply_lines(list, lines.data);
    assert_int_equal(list->bytes, 0);
    buf_finish(&lines);
}

static void what_it_prints_leads_from_the_old_rows_to_the_new(void **state)
{
    struct buf list = {0};

    (void)state;
    for (seed = 1; seed < 40; seed += 3) {
        buf_append(&list, "", 1);
        list.bytes = 0;
        for (int round = 0; round < 12; round++) {
            struct buf lines = {0};
            char *rows;

            for (uint64_t n = check_random_below(&seed, 4); n > 0; n--)
                random_change(check_random_below(&seed, 2) ? temp.db : other);
            dbtool_version(temp.db);
            read_all(&lines, 1 + check_random_below(&seed, 99999));
            apply_lines(&list, lines.data);
            rows = dbtool_rows(temp.db, "t");
            assert_string_equal(list.data, rows);
            free(rows);
            buf_finish(&lines);
        }
        assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
        expect_nothing_left(&list);
    }
    buf_finish(&list);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(rows_come_as_they_are_committed),
        test(those_of_another_mount_come_when_they_are_known),
        test(rows_that_go_are_told_with_their_commit),
        test(rows_that_come_and_go_between_two_looks_are_told),
        test(a_rename_is_no_change_and_a_drop_is_the_end),
        test(it_begins_behind_any_version),
        test(what_it_prints_leads_from_the_old_rows_to_the_new),
    };

    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
