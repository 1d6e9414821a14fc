/* SPDX-License-Identifier: MIT */
/* What a row must pass on its way into a table. */
#include "core/db_private.h"
#include "core/intake.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/edittool.h"
#include "tests/lib/fixture.h"

#define R(k, v) "{\"k\":" #k ",\"v\":" #v "}\n"

static struct intake *intake;
static struct selection *selection;
static struct err err;

static int begin(void **state)
{
    err = (struct err)ERR_INIT;
    fixture_begin_two_mounts(state);
    edittool_do(temp.db, "t", SCHEMA(KEYED_SCHEMA));
    edittool_do(temp.db, "t", INSERT(R(1, 0) R(2, 1)));
    return 0;
}

static int end(void **state)
{
    intake_destroy(intake);
    intake = NULL;
    selection_unref(selection);
    selection = NULL;
    return fixture_end(state);
}

/* An intake for what is there now. */
static int try_begin(const char *column, const char *value, bool alone)
{
    struct table *table = dbtool_look(temp.db, "t");
    int r;

    selection_unref(selection);
    selection = edittool_selection(column, value);
    intake_destroy(intake);
    intake = NULL;
    r = intake_create(temp.db, table, selection, alone, &intake);
    table_unref(table);
    return r;
}

static void take(const char *column, const char *value, bool alone)
{
    assert_int_equal(try_begin(column, value, alone), 0);
}

static void passes(const char *row, const char *as)
{
    struct slice taken;

    assert_ok(intake_row(intake, slice_of(row, strlen(row)), &taken, &err), &err);
    assert_int_equal(taken.bytes, strlen(as));
    assert_memory_equal(taken.text, as, taken.bytes);
}

static void refuses(const char *row, int code)
{
    struct slice taken;

    assert_fails(intake_row(intake, slice_of(row, strlen(row)), &taken, &err), code, &err);
}

static int update(void)
{
    struct table *now = dbtool_look(temp.db, "t");
    int r = intake_update(intake, now, now->appended, &err);

    table_unref(now);
    return r;
}

static void rows_are_of_the_schema_and_have_keys_of_their_own(void **state)
{
    (void)state;
    take(NULL, NULL, false);
    assert_true(intake_keeps_rows(intake));
    assert_int_equal(intake_segment_rows(intake), db_limits(temp.db)->segment_rows);
    passes("{\"k\":3}", "{\"k\":3}");
    refuses("{\"k\":\"x\"}", -EINVAL);
    refuses("{\"v\":1}", -EINVAL);
    refuses("{\"k\":1}", -EEXIST);
    refuses("{\"k\":3}", -EEXIST);
    passes("{\"k\":4,\"v\":1}", "{\"k\":4,\"v\":1}");
}

static void rows_get_what_their_path_says(void **state)
{
    (void)state;
    take("v", "1", false);
    assert_false(intake_keeps_rows(intake));
    passes("{\"k\":3}", "{\"v\":1,\"k\":3}");
    passes("{\"k\":4,\"v\":1}", "{\"k\":4,\"v\":1}");
    refuses("{\"k\":5,\"v\":2}", -EINVAL);
    refuses("{\"k\":2}", -EEXIST); /* it is of the selection, and stays */
    assert_int_equal(try_begin("x", "1", false), -ENOENT);
    assert_int_equal(try_begin("v", "no-number", false), -ENOENT);
}

static void rows_that_go_have_no_keys(void **state)
{
    (void)state;
    take(NULL, NULL, true);
    passes("{\"k\":1}", "{\"k\":1}");
    refuses("{\"k\":1}", -EEXIST);
    take("v", "1", true);
    passes("{\"k\":2}", "{\"v\":1,\"k\":2}");
    refuses("{\"k\":1}", -EEXIST); /* of another selection */
}

static void what_others_add_is_looked_at_but_for_what_goes(void **state)
{
    (void)state;
    take("v", "1", true);
    passes("{\"k\":7}", "{\"v\":1,\"k\":7}");
    edittool_do(other, "t", INSERT(R(7, 1)));
    assert_ok(update(), &err); /* it goes as well */
    edittool_do(other, "t", PATCH_BY("k", "7", "{\"v\":2}"));
    assert_fails(update(), -EEXIST, &err);
    edittool_do(other, "t", DELETE_BY("k", "7"));
    assert_ok(update(), &err);
}

static void a_table_without_a_schema_takes_any_row(void **state)
{
    (void)state;
    edittool_do(temp.db, "t", SCHEMA(""));
    take(NULL, NULL, false);
    assert_int_equal(intake_segment_rows(intake), 0);
    passes("{\"a\":[]}", "{\"a\":[]}");
    passes("{\"k\":1}", "{\"k\":1}");
    take("v", "1", false);
    passes("{}", "{\"v\":1}");
    edittool_do(other, "t", INSERT(R(1, 1)));
    assert_ok(update(), &err);
}

static void a_stage_is_taken_as_it_is(void **state)
{
    const char *const stages[] = {"{\"k\":3}\n{\"k\":4}\n", "{\"k\":3}\n{\"k\":3}\n",
                                  "{\"k\":3}\n{\"z\":3}\n", "{\"k\":3}\n{\"k\":2}\n"};
    const int results[] = {0, -EEXIST, -EINVAL, -EEXIST};

    (void)state;
    for (unsigned i = 0; i < ARRAY_COUNT(stages); i++) {
        struct stage stage;

        dbtool_stage(temp.db, t, stages[i], strlen(stages[i]), &stage);
        take(NULL, NULL, false);
        assert_fails(intake_stage(intake, &stage, &err), results[i], &err);
        stage_finish(&stage);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(rows_are_of_the_schema_and_have_keys_of_their_own),
        test(rows_get_what_their_path_says),
        test(rows_that_go_have_no_keys),
        test(what_others_add_is_looked_at_but_for_what_goes),
        test(a_table_without_a_schema_takes_any_row),
        test(a_stage_is_taken_as_it_is),
    };

    return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
