/* SPDX-License-Identifier: MIT */
/* A search that skips zones finds what a search through all rows finds. */
#include <dirent.h>
#include <stdio.h>

#include "core/pick.h"
#include "core/scan.h"
#include "core/zones.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/fixture.h"

#define ROWS 40000

static void append_rows(struct buf *rows, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        int r =
            buf_printf(rows, "{\"id\":%u,\"mod\":%u,\"far\":\"%0100u\"%s}\n", i, i * 7919 % 1000, i,
                       i % 3   ? ",\"some\":null"
                       : i % 2 ? ",\"some\":-1.5e3"
                               : "");

        assert_int_equal(r, 0);
    }
}

static void add(unsigned from, unsigned to)
{
    struct buf rows = {0};

    append_rows(&rows, from, to);
    assert_int_equal(buf_append(&rows, "", 1), 0);
    assert_int_equal(dbtool_append(temp.db, t, rows.data), 0);
    buf_finish(&rows);
}

/* Segments and rows in records, in turn. */
static int begin(void **state)
{
    int r = fixture_begin_table(state);

    add(0, ROWS);
    add(ROWS, ROWS + 5);
    add(ROWS + 5, 2 * ROWS);
    add(2 * ROWS, 2 * ROWS + 3);
    return r;
}

static struct selection *select_by(const char *column, const char *name)
{
    struct selection *selection;

    assert_int_equal(selection_create(NULL, column, name, &selection), 0);
    return selection;
}

/* A number made of the rows that are found, and how many there are. */
struct found {
    uint64_t count, sum;
};

static struct found find_all(struct table *table, struct selection *selection)
{
    struct found found = {0};
    struct picked picked;
    struct pick *pick;
    struct err err = ERR_INIT;
    int r;

    assert_ok(pick_create(temp.db, table, selection, 0, PICK_TO_END, &pick, &err), &err);
    while ((r = pick_next(pick, &picked, &err)) > 0) {
        found.count++;
        found.sum = found.sum * 31 + picked.place.row + 1;
    }
    assert_ok(r, &err);
    pick_destroy(pick);
    return found;
}

static struct found find_slowly(struct table *table, struct selection *selection)
{
    struct found found = {0};
    struct matcher *matcher;
    struct scan scan;
    const char *row;
    size_t bytes;

    assert_int_equal(matcher_create(selection, NULL, &matcher), 0);
    scan_init(&scan, db_store(temp.db), table);
    while (scan_next(&scan, &row, &bytes, NULL) > 0)
        if (matcher_row(matcher, slice_of(row, bytes)) > 0) {
            found.count++;
            found.sum = found.sum * 31 + scan_place(&scan).row + 1;
        }
    scan_finish(&scan);
    matcher_destroy(matcher);
    return found;
}

/* How many rows a search would look at. */
static uint64_t left(struct table *table, struct selection *selection)
{
    struct matcher *matcher;
    struct buf ranges = {0};
    uint64_t rows = 0;

    assert_int_equal(matcher_create(selection, NULL, &matcher), 0);
    assert_int_equal(zones_ranges(temp.db, table, matcher, 0, UINT64_MAX, &ranges, NULL), 0);
    for (size_t i = 0; i < ranges.bytes / sizeof(struct zones_range); i++) {
        const struct zones_range *range = (const struct zones_range *)(void *)ranges.data + i;

        rows += table_rows_before(table, range->to) - table_rows_before(table, range->from);
    }
    buf_finish(&ranges);
    matcher_destroy(matcher);
    return rows;
}

static const char *const questions[][2] = {
    {"id", "17"},           {"id", "39999"},        {"id", "40003"},
    {"id", "79999"},        {"id", "80001"},        {"id", "100000"},
    {"id", "100..200"},     {"id", "..50"},         {"id", "79990.."},
    {"id", "39000..41000"}, {"mod", "7"},           {"some", "%null"},
    {"some", "%missing"},   {"some", "-1500"},      {"some", "..-1501"},
    {"none", "%missing"},   {"none", "1"},          {"id", "x"},
    {"id", "a..z"},         {"id", "16383..16384"},
};

static void expect_all_answers(struct table *table)
{
    for (size_t i = 0; i < ARRAY_COUNT(questions); i++) {
        struct selection *selection = select_by(questions[i][0], questions[i][1]);
        struct found fast = find_all(table, selection), slow = find_slowly(table, selection);

        if (fast.count != slow.count || fast.sum != slow.sum)
            fail_msg("by/%s/%s: %zu rows instead of %zu", questions[i][0], questions[i][1],
                     (size_t)fast.count, (size_t)slow.count);
        selection_unref(selection);
    }
}

static struct table *look(void)
{
    return dbtool_look(temp.db, "t");
}

static void all_rows_that_match_are_found(void **state)
{
    struct table *table = look();

    (void)state;
    expect_all_answers(table);
    expect_all_answers(table); /* now from what is kept */
    table_unref(table);
}

static void few_zones_are_looked_at(void **state)
{
    struct table *table = look();
    struct selection *one = select_by("id", "12345"), *none = select_by("id", "x");
    struct selection *some = select_by("id", "39000..41000"), *far = select_by("mod", "7");

    (void)state;
    assert_int_equal(left(table, one), ZONES_ROWS + 8); /* a zone, and the rows in records */
    assert_int_equal(left(table, none), 8);
    assert_true(left(table, some) <= 3 * ZONES_ROWS + 8);
    assert_int_equal(left(table, far), table_rows(table)); /* it is everywhere */
    selection_unref(one);
    selection_unref(none);
    selection_unref(some);
    selection_unref(far);
    table_unref(table);
}

static void long_values_are_told_apart_by_their_beginnings(void **state)
{
    struct table *table = look();
    char name[128];
    struct selection *selection;

    (void)state;
    snprintf(name, sizeof name, "%0100u", 30000);
    selection = select_by("far", name);
    assert_int_equal(find_all(table, selection).count, 1);
    selection_unref(selection);
    /* Within what is kept of it all are alike: none can be excluded. */
    selection = select_by("far", "1..");
    assert_int_equal(find_all(table, selection).count, 0);
    selection_unref(selection);
    table_unref(table);
}

static void rows_that_are_gone_are_found_in_the_past(void **state)
{
    struct selection *selection = select_by("id", "20000..20100");
    struct table *before = look(), *after;

    (void)state;
    assert_int_equal(dbtool_write(temp.db, t, true, "{\"id\":1}\n", 0, NULL), 0);
    after = look();
    assert_int_equal(find_all(after, selection).count, 0);
    assert_int_equal(find_all(before, selection).count, 101);
    expect_all_answers(before);
    selection_unref(selection);
    table_unref(before);
    table_unref(after);
}

/* The names of the zone files of the table, below the store. */
static size_t zone_files(char names[][TEMPSTORE_PATH_BYTES], size_t max)
{
    char uuid[UUID_TEXT_BYTES + 1], path[TEMPSTORE_PATH_BYTES], dir_name[128];
    struct dirent *entry;
    size_t count = 0;
    DIR *dir;

    uuid_to_text(t, uuid);
    snprintf(dir_name, sizeof dir_name, "data/%s", uuid);
    tempstore_file(&temp, dir_name, path);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) && count < max)
        if (strstr(entry->d_name, ".zones"))
            snprintf(names[count++], TEMPSTORE_PATH_BYTES, "%s/%s", dir_name, entry->d_name);
    closedir(dir);
    return count;
}

static void damaged_zones_are_made_again(void **state)
{
    static char names[64][TEMPSTORE_PATH_BYTES];
    struct table *table = look();
    struct buf whole = {0}, again = {0};
    size_t count;

    (void)state;
    expect_all_answers(table);
    table_unref(table);
    count = zone_files(names, 64);
    assert_true(count >= 8); /* four columns of two segments */
    tempstore_read(&temp, names[0], &whole);
    for (size_t i = 0; i < count; i++)
        if (i % 3 == 0)
            tempstore_flip(&temp, names[i], 50 + i, 4);
        else if (i % 3 == 1)
            tempstore_cut(&temp, names[i], (off_t)(i * 10));
        else
            tempstore_remove(&temp, names[i]);
    tempstore_close(&temp);
    tempstore_open_db(&temp);
    table = look();
    expect_all_answers(table);
    table_unref(table);
    tempstore_read(&temp, names[0], &again);
    assert_int_equal(again.bytes, whole.bytes);
    assert_memory_equal(again.data, whole.data, whole.bytes);
    buf_finish(&whole);
    buf_finish(&again);
}

static void zones_of_another_segment_are_not_believed(void **state)
{
    static char names[64][TEMPSTORE_PATH_BYTES];
    struct table *table = look();
    struct buf other_zones = {0};
    size_t count;

    (void)state;
    expect_all_answers(table);
    table_unref(table);
    count = zone_files(names, 64);
    tempstore_read(&temp, names[0], &other_zones);
    for (size_t i = 1; i < count; i++)
        tempstore_replace(&temp, names[i], other_zones.data, other_zones.bytes);
    buf_finish(&other_zones);
    tempstore_close(&temp);
    tempstore_open_db(&temp);
    table = look();
    expect_all_answers(table);
    table_unref(table);
}

static void what_is_kept_is_read_once(void **state)
{
    struct selection *selection = select_by("id", "x");
    struct table *table = look();
    uint64_t gets;

    (void)state;
    find_all(table, selection);
    gets = db_store(temp.db)->counts.get;
    find_all(table, selection);
    find_all(table, selection);
    /* The two records between the segments are read each time, no segment and no zones. */
    assert_int_equal(db_store(temp.db)->counts.get - gets, 4);
    selection_unref(selection);
    table_unref(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_rows_that_match_are_found, begin, fixture_end),
        cmocka_unit_test_setup_teardown(few_zones_are_looked_at, begin, fixture_end),
        cmocka_unit_test_setup_teardown(long_values_are_told_apart_by_their_beginnings, begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(rows_that_are_gone_are_found_in_the_past, begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(damaged_zones_are_made_again, begin, fixture_end),
        cmocka_unit_test_setup_teardown(zones_of_another_segment_are_not_believed, begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(what_is_kept_is_read_once, begin, fixture_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
