/* SPDX-License-Identifier: MIT */
/* Open files that are no plain rows: rows.csv, rows.tsv, patch, schema, and those below by/. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/edittool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/txtool.h"

#define R(k, v) "{\"k\":" #k ",\"v\":" #v "}\n"

#define TSV "k\tw\tv\n1\ta b\t5\n2\t\t6\n3\t\xc3\xa9\t7"

static struct selection *selection;
static struct tx *tx;

static int begin(void **state)
{
    fixture_begin_two_mounts(state);
    edittool_do(temp.db, "t", SCHEMA(KEYED_SCHEMA));
    return 0;
}

static int end(void **state)
{
    if (file)
        openfile_abort(file);
    fixture_end(state);
    selection_unref(selection);
    selection = NULL;
    return 0;
}

static void open_as(enum openfile_kind kind, bool replace)
{
    struct openfile_options options = {
        .kind = kind, .selection = selection, .replace = replace, .append = !replace, .tx = tx};

    file = filetool_open(temp.db, "t", &options);
}

static void select_by(const char *column, const char *value)
{
    selection_unref(selection);
    selection = edittool_selection(column, value);
}

static int write_part(const char *text, size_t bytes)
{
    return filetool_write_bytes(file, OPENER, text, bytes, openfile_bytes(file));
}

static int close_and_release(void)
{
    int r = filetool_close(file, OPENER), released = fixture_release();

    return r < 0 ? r : released;
}

static void write_all(enum openfile_kind kind, bool replace, const char *text)
{
    open_as(kind, replace);
    fixture_write(OPENER, text);
    assert_ok(close_and_release(), filetool_reason());
}

static void expect(const char *rows)
{
    edittool_expect(temp.db, "t", rows);
    edittool_expect(other, "t", rows);
}

static void set_schema(const char *text)
{
    edittool_do(other, "t", SCHEMA(text));
    dbtool_version(temp.db);
}

/* --- cut anywhere ---------------------------------------------------------------------------- */

/* The text in two writes, cut at each of its bytes, and in one write a byte. */
static void cut(enum openfile_kind kind, const char *text, const struct statement *before,
                const char *rows)
{
    size_t bytes = strlen(text);

    for (size_t at = 0; at <= bytes + 1; at++) {
        uint64_t version;

        edittool_do(temp.db, "t", *before);
        version = dbtool_version(temp.db);
        open_as(kind, kind <= OPENFILE_TSV);
        for (size_t i = 0; at > bytes && i < bytes; i++)
            assert_ok(write_part(text + i, 1), filetool_reason());
        if (at <= bytes && at)
            assert_ok(write_part(text, at), filetool_reason());
        if (at < bytes)
            assert_ok(write_part(text + at, bytes - at), filetool_reason());
        assert_int_equal(dbtool_version(temp.db), version);
        assert_ok(close_and_release(), filetool_reason());
        assert_int_equal(dbtool_version(temp.db), version + 1);
        expect(rows);
    }
}

static void csv_may_be_cut_anywhere(void **state)
{
    (void)state;
    set_schema("");
    cut(OPENFILE_CSV, "k,w,v\r\n1,\"a,\"\"b\"\"\n\xc3\xa9\",5\r\n2,,6\r\n3,\"\",7",
        &REPLACE(R(9, 9)),
        "{\"k\":1,\"w\":\"a,\\\"b\\\"\\n\xc3\xa9\",\"v\":5}\n{\"k\":2,\"v\":6}\n"
        "{\"k\":3,\"w\":\"\",\"v\":7}\n");
}

static void tsv_may_be_cut_anywhere(void **state)
{
    (void)state;
    cut(OPENFILE_TSV, TSV, &REPLACE(R(9, 9)),
        "{\"k\":1,\"w\":\"a "
        "b\",\"v\":5}\n{\"k\":2,\"v\":6}\n{\"k\":3,\"w\":\"\xc3\xa9\",\"v\":7}\n");
}

static void a_patch_may_be_cut_anywhere(void **state)
{
    (void)state;
    cut(OPENFILE_PATCH, " \n{\"v\": 8,\r\n \"w\":\"}{\\\"\xc3\xa9\"\n}\n\n",
        &REPLACE(R(1, 1) R(2, 8)),
        "{\"k\":1,\"v\":8,\"w\":\"}{\\\"\xc3\xa9\"}\n{\"k\":2,\"v\":8,\"w\":\"}{\\\"\xc3\xa9\"}\n");
}

static void a_schema_may_be_cut_anywhere(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 1)));
    cut(OPENFILE_SCHEMA, "\n" KEYED_SCHEMA " \n", &SCHEMA(""), R(1, 1));
}

/* --- writers ---------------------------------------------------------------------------------- */

static void lines_of_several_writers_follow_one_header(void **state)
{
    (void)state;
    open_as(OPENFILE_CSV, false);
    fixture_write(CHILD, "k,v\n1,");
    assert_ok(filetool_close(file, CHILD), filetool_reason());
    fixture_write(OTHER, "1\n2,2\n");
    assert_ok(filetool_close(file, OPENER), filetool_reason()); /* one has not closed */
    expect("");
    assert_ok(filetool_close(file, OTHER), filetool_reason());
    assert_ok(fixture_release(), filetool_reason());
    expect(R(1, 1) R(2, 2));
}

static void a_writer_that_fails_drops_all_of_it(void **state)
{
    const enum openfile_kind kinds[] = {OPENFILE_CSV, OPENFILE_TSV, OPENFILE_PATCH,
                                        OPENFILE_SCHEMA};
    const char *const texts[] = {"k\n5\n", "k\n5\n", "{\"v\":9}", ""};
    uint64_t version;

    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 1)));
    version = dbtool_version(temp.db);
    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++) {
        open_as(kinds[i], true);
        fixture_write(CHILD, i == 3 ? "{\"columns\":{\"k\":\"int64\",\"v\":\"int64\"}}" : texts[i]);
        assert_fails(filetool_end(file, CHILD, OPENFILE_FAILED), -ECANCELED, filetool_reason());
        assert_fails(filetool_close(file, OPENER), -ECANCELED, filetool_reason());
        assert_fails(fixture_release(), -ECANCELED, filetool_reason());
    }
    assert_int_equal(dbtool_version(other), version);
}

static void a_release_without_a_close_commits_nothing(void **state)
{
    const enum openfile_kind kinds[] = {OPENFILE_CSV, OPENFILE_TSV, OPENFILE_PATCH};
    const char *const texts[] = {"k\n5\n", "k\n5\n", "{\"v\":9}"};

    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 1)));
    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++) {
        open_as(kinds[i], true);
        fixture_write(CHILD, texts[i]);
        assert_true(openfile_is_undecided(file));
        assert_fails(fixture_release(), -ECANCELED, filetool_reason());
    }
    expect(R(1, 1));
}

static void a_release_ends_what_closed_writers_have_left(void **state)
{
    (void)state;
    open_as(OPENFILE_CSV, false);
    fixture_write(CHILD, "k,v\n1,1");
    assert_ok(filetool_close(file, CHILD), filetool_reason());
    assert_ok(fixture_release(), filetool_reason());
    expect(R(1, 1));
}

static void a_header_alone_is_no_row_and_replaces_all(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 1)));
    write_all(OPENFILE_CSV, false, "k,v\n");
    expect(R(1, 1));
    write_all(OPENFILE_CSV, true, "k,v\n");
    expect("");
}

/* A shell that has closed the file, and a command that still writes to it. */
static void a_writer_that_comes_behind_the_close_of_the_opener_goes_on(void **state)
{
    (void)state;
    open_as(OPENFILE_CSV, false);
    fixture_write(OPENER, "k,v\n1,1\n2,2");
    assert_ok(filetool_close(file, OPENER), filetool_reason());
    expect(R(1, 1) R(2, 2));
    fixture_write(CHILD, "3,3\n4,4");
    assert_ok(filetool_close(file, CHILD), filetool_reason());
    assert_ok(fixture_release(), filetool_reason());
    expect(R(1, 1) R(2, 2) R(3, 3) R(4, 4));
}

/* --- what is refused ---------------------------------------------------------------------------
 */

static void the_write_of_a_bad_line_is_refused_with_its_number(void **state)
{
    const struct {
        const char *text;
        int code;
        uint64_t line;
    } bad[] = {
        {"k,v\n1,1\n2,x\n", -EINVAL, 3}, {"k,v\n1,1\n1,2\n", -EEXIST, 3},
        {"k,y\n", -EINVAL, 1},           {"k,v\n1\n", -EINVAL, 2},
        {"v\n1\n", -EINVAL, 2},          {"k,v\n7,7\n", -EEXIST, 2},
    };

    (void)state;
    edittool_do(temp.db, "t", INSERT(R(7, 7)));
    for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
        open_as(OPENFILE_CSV, false);
        assert_fails(filetool_write(file, OPENER, bad[i].text), bad[i].code, filetool_reason());
        assert_int_equal(filetool_reason()->line, bad[i].line);
        assert_fails(filetool_write(file, OPENER, "k\n9\n"), bad[i].code, NULL); /* repeated */
        assert_fails(filetool_close(file, OPENER), bad[i].code, NULL);
        assert_fails(fixture_release(), bad[i].code, NULL);
    }
    expect(R(7, 7));
}

static void a_document_is_refused_by_the_write_that_completes_it(void **state)
{
    const struct {
        enum openfile_kind kind;
        const char *text;
        int code;
    } bad[] = {
        {OPENFILE_PATCH, "{\"v\":\"x\"", -EINVAL},
        {OPENFILE_PATCH, "{\"k\":1", -EEXIST},
        {OPENFILE_PATCH, "{\"v\":1,\"v\":2", -EINVAL},
        {OPENFILE_PATCH, "{\"k\":null", -EINVAL},
        {OPENFILE_SCHEMA, "{\"columns\":{\"k\":\"int\"}", -EINVAL},
        {OPENFILE_SCHEMA, "{\"columns\":{\"v\":\"int64\"}", -EINVAL},
    };

    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 1) R(2, 2)));
    for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
        open_as(bad[i].kind, true);
        assert_ok(filetool_write(file, OPENER, bad[i].text), filetool_reason());
        assert_fails(filetool_write(file, OPENER, "}\n"), bad[i].code, filetool_reason());
        assert_fails(filetool_close(file, OPENER), bad[i].code, NULL);
        assert_fails(fixture_release(), bad[i].code, NULL);
    }
    expect(R(1, 1) R(2, 2));
}

static void an_unfinished_document_is_refused_by_the_close(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 1)));
    open_as(OPENFILE_PATCH, true);
    fixture_write(OPENER, "{\"v\":2");
    assert_fails(close_and_release(), -EINVAL, filetool_reason());
    open_as(OPENFILE_SCHEMA, true);
    fixture_write(OPENER, "{\"columns\":{");
    assert_fails(close_and_release(), -EINVAL, filetool_reason());
    open_as(OPENFILE_PATCH, true);
    fixture_write(OPENER, "{\"v\":2}");
    assert_fails(filetool_write(file, OPENER, "{\"v\":3}"), -EINVAL, filetool_reason());
    assert_fails(close_and_release(), -EINVAL, NULL);
    open_as(OPENFILE_PATCH, true);
    assert_ok(close_and_release(), filetool_reason()); /* nothing */
    expect(R(1, 1));
}

static void a_key_that_has_come_is_told_by_the_close(void **state)
{
    (void)state;
    open_as(OPENFILE_CSV, false);
    fixture_write(OPENER, "k,v\n1,1\n");
    edittool_do(other, "t", INSERT(R(1, 2)));
    assert_fails(filetool_close(file, OPENER), -EEXIST, filetool_reason());
    assert_has(filetool_reason()->text, "k 1");
    assert_fails(fixture_release(), -EEXIST, NULL);
    expect(R(1, 2));
}

/* --- another schema meanwhile --------------------------------------------------------------------
 */

static void rows_written_before_there_was_a_schema_are_checked(void **state)
{
    const char *const lines[] = {"{\"k\":\"x\"}\n", "{\"k\":1}\n{\"k\":2}\n"};
    const int codes[] = {-EINVAL, -EEXIST};

    (void)state;
    for (unsigned i = 0; i < ARRAY_COUNT(lines); i++) {
        set_schema("");
        open_as(OPENFILE_ROWS, false);
        fixture_write(OPENER, lines[i]);
        set_schema(KEYED_SCHEMA);
        fixture_write(OPENER, R(2, 2));
        assert_fails(close_and_release(), codes[i], filetool_reason());
    }
    expect("");
}

static void csv_read_for_one_schema_is_checked_for_another(void **state)
{
    (void)state;
    open_as(OPENFILE_CSV, false);
    fixture_write(OPENER, "k,v\n1,1\n");
    set_schema("{\"columns\":{\"k\":\"int64\",\"v\":\"string\"},\"key\":\"k\"}");
    fixture_write(OPENER, "2,2\n");
    assert_fails(close_and_release(), -EINVAL, filetool_reason());
    expect("");
}

/* --- fsync -------------------------------------------------------------------------------------
 */

static void a_sync_commits_the_lines_of_csv_that_are_complete(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", INSERT(R(9, 9)));
    open_as(OPENFILE_CSV, true);
    fixture_write(OPENER, "k,v\n1,1\n2,");
    assert_ok(filetool_sync(file), filetool_reason());
    expect(R(1, 1));
    fixture_write(OPENER, "2\n3,3");
    assert_ok(close_and_release(), filetool_reason());
    expect(R(1, 1) R(2, 2) R(3, 3));
}

static void a_sync_commits_a_document_once(void **state)
{
    uint64_t version;

    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 1)));
    version = dbtool_version(temp.db);
    open_as(OPENFILE_PATCH, true);
    fixture_write(OPENER, "{\"v\":");
    assert_ok(filetool_sync(file), filetool_reason());
    fixture_write(OPENER, "2}");
    assert_ok(filetool_sync(file), filetool_reason());
    expect(R(1, 2));
    edittool_do(other, "t", PATCH("{\"v\":3}"));
    assert_ok(close_and_release(), filetool_reason());
    open_as(OPENFILE_SCHEMA, true);
    assert_ok(filetool_sync(file), filetool_reason()); /* it is not lost by this */
    fixture_write(OPENER, "{\"columns\":{\"k\":\"int64\",\"v\":\"int64\"}}");
    assert_ok(filetool_sync(file), filetool_reason());
    edittool_do(other, "t", SCHEMA(""));
    assert_ok(close_and_release(), filetool_reason());
    expect(R(1, 3));
    assert_int_equal(dbtool_version(temp.db), version + 4);
}

static void a_line_that_a_sync_has_left_is_of_the_selection_too(void **state)
{
    const enum openfile_kind kinds[] = {OPENFILE_ROWS, OPENFILE_STREAM};

    (void)state;
    set_schema("");
    select_by("v", "7");
    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++) {
        edittool_do(temp.db, "t", REPLACE(R(9, 9)));
        open_as(kinds[i], false);
        fixture_write(OPENER, "{\"k\":1}\n{\"k\":2}");
        assert_ok(filetool_sync(file), filetool_reason());
        assert_ok(close_and_release(), filetool_reason());
        expect(R(9, 9) "{\"v\":7,\"k\":1}\n{\"v\":7,\"k\":2}\n");
    }
}

/* --- truncate ------------------------------------------------------------------------------------
 */

static void a_truncated_file_begins_again(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", INSERT(R(9, 9)));
    open_as(OPENFILE_CSV, false);
    fixture_write(OPENER, "k,v\n1,1\n2,");
    assert_int_equal(openfile_truncate(file, 0, NULL), 0);
    fixture_write(OPENER, "v,k\n5,6\n");
    assert_ok(close_and_release(), filetool_reason());
    expect("{\"v\":5,\"k\":6}\n");
    open_as(OPENFILE_PATCH, false);
    fixture_write(OPENER, "{\"v\":1");
    assert_int_equal(openfile_truncate(file, 0, NULL), 0);
    fixture_write(OPENER, "{\"v\":2}");
    assert_int_equal(openfile_truncate(file, 0, NULL), 0);
    fixture_write(OPENER, "{\"v\":3}");
    assert_ok(close_and_release(), filetool_reason());
    expect("{\"v\":3,\"k\":6}\n");
    open_as(OPENFILE_PATCH, true);
    assert_int_equal(openfile_truncate(file, 0, NULL), 0);
    assert_ok(close_and_release(), filetool_reason());
    expect("{\"v\":3,\"k\":6}\n"); /* no patch is none */
    open_as(OPENFILE_SCHEMA, false);
    fixture_write(OPENER, KEYED_SCHEMA);
    assert_int_equal(openfile_truncate(file, 0, NULL), 0);
    assert_ok(close_and_release(), filetool_reason()); /* none */
    write_all(OPENFILE_ROWS, false, "{\"a\":1}\n");
}

/* --- selections
 * ----------------------------------------------------------------------------------- */

static void a_selection_is_replaced_and_appended_to(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 0) R(2, 1) R(3, 0)));
    select_by("v", "0");
    write_all(OPENFILE_CSV, true, "k\n4\n3\n");
    expect(R(2, 1) "{\"v\":0,\"k\":4}\n{\"v\":0,\"k\":3}\n");
    write_all(OPENFILE_ROWS, false, "{\"k\":5}\n");
    open_as(OPENFILE_ROWS, true);
    assert_fails(filetool_write(file, OPENER, R(2, 0)), -EEXIST, filetool_reason());
    assert_fails(close_and_release(), -EEXIST, NULL);
    open_as(OPENFILE_ROWS, true);
    assert_ok(close_and_release(), filetool_reason());
    expect(R(2, 1));
}

/* --- transactions
 * ----------------------------------------------------------------------------------- */

static void all_of_it_works_in_a_transaction(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 0) R(2, 1)));
    tx = txtool_begin(temp.db, NULL);
    write_all(OPENFILE_CSV, false, "k,v\n3,0\n");
    select_by("v", "0");
    write_all(OPENFILE_PATCH, true, "{\"v\":5}");
    select_by("v", "1");
    write_all(OPENFILE_TSV, true, "k\n2\n4\n");
    select_by(NULL, NULL);
    write_all(OPENFILE_SCHEMA, true,
              "{\"columns\":{\"k\":\"int64\",\"n\":{\"type\":\"int64\",\"from\":\"v\"}},"
              "\"key\":\"k\"}");
    edittool_expect(other, "t", R(1, 0) R(2, 1));
    assert_ok(txtool_commit(steal_pointer(tx), &err), &err);
    expect("{\"k\":1,\"n\":5}\n{\"k\":3,\"n\":5}\n{\"n\":1,\"k\":2}\n{\"n\":1,\"k\":4}\n");
}

static void what_a_close_drops_aborts_the_transaction(void **state)
{
    const enum openfile_kind kinds[] = {OPENFILE_CSV, OPENFILE_PATCH, OPENFILE_SCHEMA};
    const char *const texts[] = {"k,v\n1,\"", "{\"v\":", "{\"columns\":{"};

    (void)state;
    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++) {
        tx = txtool_begin(temp.db, NULL);
        open_as(kinds[i], true);
        fixture_write(OPENER, texts[i]);
        assert_fails(close_and_release(), -EINVAL, filetool_reason());
        assert_int_equal(tx_state(tx), TX_ABORTED);
        tx_unref(steal_pointer(tx));
    }
}

static void what_a_write_refuses_leaves_the_transaction_open(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", INSERT(R(1, 0)));
    tx = txtool_begin(temp.db, NULL);
    open_as(OPENFILE_PATCH, true);
    assert_fails(filetool_write(file, OPENER, "{\"v\":\"x\"}"), -EINVAL, filetool_reason());
    assert_fails(close_and_release(), -EINVAL, NULL);
    assert_int_equal(tx_state(tx), TX_OPEN);
    tx_unref(steal_pointer(tx));
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(csv_may_be_cut_anywhere),
        test(tsv_may_be_cut_anywhere),
        test(a_patch_may_be_cut_anywhere),
        test(a_schema_may_be_cut_anywhere),
        test(lines_of_several_writers_follow_one_header),
        test(a_writer_that_fails_drops_all_of_it),
        test(a_release_without_a_close_commits_nothing),
        test(a_release_ends_what_closed_writers_have_left),
        test(a_header_alone_is_no_row_and_replaces_all),
        test(a_writer_that_comes_behind_the_close_of_the_opener_goes_on),
        test(the_write_of_a_bad_line_is_refused_with_its_number),
        test(a_document_is_refused_by_the_write_that_completes_it),
        test(an_unfinished_document_is_refused_by_the_close),
        test(a_key_that_has_come_is_told_by_the_close),
        test(rows_written_before_there_was_a_schema_are_checked),
        test(csv_read_for_one_schema_is_checked_for_another),
        test(a_sync_commits_the_lines_of_csv_that_are_complete),
        test(a_sync_commits_a_document_once),
        test(a_line_that_a_sync_has_left_is_of_the_selection_too),
        test(a_truncated_file_begins_again),
        test(a_selection_is_replaced_and_appended_to),
        test(all_of_it_works_in_a_transaction),
        test(what_a_close_drops_aborts_the_transaction),
        test(what_a_write_refuses_leaves_the_transaction_open),
    };

    return cmocka_run_group_tests_name("openfile formats", tests, NULL, NULL);
}
