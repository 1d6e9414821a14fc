/* SPDX-License-Identifier: MIT */
/* Merge patches: what RFC 7396 says, what jansson makes of it, and what text must keep. */
#include "core/mergepatch.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "core/rowcheck.h"
#include "tests/lib/check.h"
#include "tests/lib/nomem.h"

static struct slice text_of(const char *text)
{
    return slice_of(text, strlen(text));
}

/* Of copies, behind which a sanitizer sees a read. */
static void apply(struct slice target, struct slice patch, struct buf *result)
{
    struct buf copies[2] = {0};

    result->bytes = 0;
    assert_int_equal(buf_append(&copies[0], target.text, target.bytes), 0);
    assert_int_equal(buf_append(&copies[1], patch.text, patch.bytes), 0);
    assert_int_equal(mergepatch_apply(slice_of(copies[0].data, target.bytes),
                                      slice_of(copies[1].data, patch.bytes), result),
                     0);
    buf_finish(&copies[0]);
    buf_finish(&copies[1]);
}

static void expect(const char *target, const char *patch, const char *expected)
{
    struct buf result = {0};

    apply(text_of(target), text_of(patch), &result);
    if (!slice_equal(slice_of(result.data, result.bytes), text_of(expected))) {
        print_error("%s with %s is\n%.*s instead of\n%s\n", target, patch, (int)result.bytes,
                    result.data, expected);
        fail();
    }
    buf_finish(&result);
}

static void the_examples_of_the_appendix_hold(void **state)
{
    (void)state;
    expect("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    expect("{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}");
    expect("{\"a\":\"b\"}", "{\"a\":null}", "{}");
    expect("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}");
    expect("{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    expect("{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}");
    expect("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}");
    expect("{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}");
    expect("[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]");
    expect("{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]");
    expect("{\"a\":\"foo\"}", "null", "null");
    expect("{\"a\":\"foo\"}", "\"bar\"", "\"bar\"");
    expect("{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}");
    expect("[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}");
    expect("{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}");
}

static void the_example_of_section_3_holds(void **state)
{
    (void)state;
    expect(
        "{\"title\": \"Goodbye!\", \"author\": {\"givenName\": \"John\", \"familyName\": \"Doe\"},"
        " \"tags\": [\"example\", \"sample\"], \"content\": \"This will be unchanged\"}",
        "{\"title\": \"Hello!\", \"phoneNumber\": \"+01-123-456-7890\","
        " \"author\": {\"familyName\": null}, \"tags\": [\"example\"]}",
        "{\"title\": \"Hello!\", \"author\": {\"givenName\": \"John\"},"
        " \"tags\": [\"example\"], \"content\": \"This will be unchanged\","
        "\"phoneNumber\":\"+01-123-456-7890\"}");
}

static void numbers_keep_their_digits(void **state)
{
    const char *long_number = "123456789012345678901234567890.10000000000000000000000000000000001";
    char target[256], patch[256], expected[256];

    (void)state;
    expect("{\"a\":1.0,\"b\":1e400,\"c\":-0}", "{\"d\":9007199254740993}",
           "{\"a\":1.0,\"b\":1e400,\"c\":-0,\"d\":9007199254740993}");
    expect("{\"a\":1}", "{\"a\":1.00}", "{\"a\":1.00}");
    snprintf(target, sizeof target, "{\"a\":%s,\"b\":1}", long_number);
    snprintf(patch, sizeof patch, "{\"b\":%s}", long_number);
    snprintf(expected, sizeof expected, "{\"a\":%s,\"b\":%s}", long_number, long_number);
    expect(target, patch, expected);
}

static void members_keep_their_place_and_new_ones_come_behind(void **state)
{
    (void)state;
    expect("{\"c\":1,\"b\":2,\"a\":3}", "{\"z\":1,\"a\":4,\"y\":2,\"c\":5}",
           "{\"c\":5,\"b\":2,\"a\":4,\"z\":1,\"y\":2}");
    expect("{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":null,\"c\":null,\"d\":4}", "{\"b\":2,\"d\":4}");
}

static void a_row_of_many_names_is_patched_by_many(void **state)
{
    (void)state;
    expect(
        "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"\\u006a\":1}",
        "{\"j\":2,\"k\":2,\"i\":null,\"h\":2,\"l\":2,\"m\":null,\"\\u0061\":2,\"b\":{\"x\":null},"
        "\"n\":2,\"\\u006f\":2}",
        "{\"a\":2,\"b\":{},\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":2,\"\\u006a\":2,"
        "\"k\":2,\"l\":2,\"n\":2,\"\\u006f\":2}");
}

static void names_are_compared_as_characters(void **state)
{
    (void)state;
    expect("{\"a\":1}", "{\"\\u0061\":2}", "{\"a\":2}");
    expect("{\"\\u0061\":1}", "{\"a\":2}", "{\"\\u0061\":2}");
    expect("{\"\\ud83d\\ude00\":1}", "{\"😀\":null}", "{}");
    expect("{\"\\\"\":1,\"\\/\":1}", "{\"\\u0022\":2,\"/\":3}", "{\"\\\"\":2,\"\\/\":3}");
    expect("{\"a\\\\n\":1}", "{\"a\\n\":2}", "{\"a\\\\n\":1,\"a\\n\":2}");
    expect("{\"\":1}", "{\"\":{\"\":2}}", "{\"\":{\"\":2}}");
    expect("{\"a\\u0000b\":1}", "{\"a\":2}", "{\"a\\u0000b\":1,\"a\":2}");
}

static void white_space_of_the_target_stays_and_of_the_patch_goes(void **state)
{
    (void)state;
    expect("{ \"a\" : 1 , \"b\":\t[1, 2] }", "{\n}\n", "{ \"a\" : 1 , \"b\":\t[1, 2] }");
    expect("{ \"a\" : 1 , \"b\":\t[1, 2] }", "{\n \"a\":\n [ 1,\n \"x y\" ] }",
           "{ \"a\" : [1,\"x y\"] , \"b\":\t[1, 2] }");
    expect("{ \"a\" : 1 , \"b\": 2 }", "{\"a\": null}", "{ \"b\": 2 }");
    expect("{ \"a\": 1, \"b\": 2 }", "{\"b\": null}", "{ \"a\": 1 }");
    expect("{ \"a\": 1 }", "{\"a\": null}", "{  }");
    expect("{ \"a\": 1 }", "{\"a\": null,\n\"b\": 2}", "{ \"b\":2 }");
    expect("{ }", "{\n\"a\":\n{ \"b\" :\n1 } }", "{\"a\":{\"b\":1} }");
    expect(" {\"a\":1}\r", "\n{\"b\":2}\n", "{\"a\":1,\"b\":2}");
    expect(" 1 ", "{}", "{}");
    expect(" {} ", " 17\n", "17");
}

static void nulls_within_arrays_stay(void **state)
{
    (void)state;
    expect("{}", "{\"a\":[null,{\"b\":null}]}", "{\"a\":[null,{\"b\":null}]}");
    expect("{\"a\":null}", "{\"a\":{\"b\":1,\"c\":null}}", "{\"a\":{\"b\":1}}");
}

/* --- beside jansson ---------------------------------------------------------------- */

/* The function of RFC 7396, section 2. New. */
static json_t *reference(json_t *target, json_t *patch)
{
    json_t *result, *value;
    const char *name;

    if (!json_is_object(patch))
        return json_incref(patch);
    result = json_is_object(target) ? json_copy(target) : json_object();
    json_object_foreach (patch, name, value) {
        if (json_is_null(value))
            json_object_del(result, name);
        else
            json_object_set_new(result, name, reference(json_object_get(result, name), value));
    }
    return result;
}

static uint64_t random_state = 7396;

static void put(struct buf *text, const char *part)
{
    assert_int_equal(buf_append(text, part, strlen(part)), 0);
}

static const char *one_of(const char *const *texts, size_t count)
{
    return texts[check_random_below(&random_state, count)];
}

/* Two spellings of the same letter, so that names meet. */
static void put_name(struct buf *text, size_t letter)
{
    char name[16];

    snprintf(name, sizeof name, check_random_below(&random_state, 3) ? "\"%c\"" : "\"\\u%04x\"",
             (int)('a' + letter));
    put(text, name);
}

static void put_value(struct buf *text, unsigned depth, bool spaced);

/* No name is twice in it: each letter of some is left out or taken, from a random one on. */
static void put_object(struct buf *text, unsigned depth, bool spaced)
{
    size_t letters = check_random_below(&random_state, 6) ? 6 : 24;
    size_t first = check_random_below(&random_state, letters);
    const char *separator = "";

    put(text, "{");
    for (size_t i = 0; i < letters; i++) {
        if (check_random_below(&random_state, 2))
            continue;
        put(text, separator);
        put_name(text, (first + i) % letters);
        put(text, spaced ? " : " : ":");
        put_value(text, depth + 1, spaced);
        separator = spaced ? " , " : ",";
    }
    put(text, "}");
}

static void put_value(struct buf *text, unsigned depth, bool spaced)
{
    static const char *const scalars[] = {"null", "null", "0",     "-17",    "true",
                                          "\"\"", "{}",   "\"x\"", "[null]", "[{\"a\":null}, 1]"};

    if (depth < 4 && check_random_below(&random_state, 5) < 2)
        put_object(text, depth, spaced);
    else
        put(text, one_of(scalars, ARRAY_COUNT(scalars)));
}

static json_t *parse(const struct buf *text)
{
    json_t *json =
        json_loadb(text->data, text->bytes, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

    if (!json)
        print_error("no JSON: %.*s\n", (int)text->bytes, text->data);
    assert_non_null(json);
    return json;
}

static void jansson_makes_the_same_of_generated_documents(void **state)
{
    struct buf target = {0}, patch = {0}, result = {0};
    int changed = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        json_t *json[4];

        target.bytes = patch.bytes = 0;
        put_object(&target, 0, i % 2);
        put_value(&patch, i % 16 ? 0 : 9, i % 3 == 0);
        apply(slice_of(target.data, target.bytes), slice_of(patch.data, patch.bytes), &result);
        json[0] = parse(&target);
        json[1] = parse(&patch);
        json[2] = parse(&result);
        json[3] = reference(json[0], json[1]);
        if (!json_equal(json[2], json[3])) {
            print_error("%.*s with\n%.*s is\n%.*s\n", (int)target.bytes, target.data,
                        (int)patch.bytes, patch.data, (int)result.bytes, result.data);
            fail();
        }
        changed += !json_equal(json[0], json[2]) && json_is_object(json[1]);
        for (size_t n = 0; n < ARRAY_COUNT(json); n++)
            json_decref(json[n]);
    }
    assert_true(changed > 4000);
    buf_finish(&target);
    buf_finish(&patch);
    buf_finish(&result);
}

/* --- sizes --------------------------------------------------------------------------- */

static void put_nested(struct buf *text, unsigned depth, const char *inner)
{
    for (unsigned i = 0; i < depth; i++)
        put(text, "{\"a\":");
    put(text, inner);
    for (unsigned i = 0; i < depth; i++)
        put(text, "}");
}

static void the_deepest_rows_are_patched(void **state)
{
    struct buf target = {0}, patch = {0}, expected = {0}, result = {0};

    (void)state;
    put_nested(&target, ROWCHECK_MAX_DEPTH, "1");
    put_nested(&patch, ROWCHECK_MAX_DEPTH - 1, "{\"b\":2}");
    put_nested(&expected, ROWCHECK_MAX_DEPTH - 1, "{\"a\":1,\"b\":2}");
    apply(slice_of(target.data, target.bytes), slice_of(patch.data, patch.bytes), &result);
    assert_int_equal(result.bytes, expected.bytes);
    assert_memory_equal(result.data, expected.data, expected.bytes);

    /* A new object is as deep. */
    apply(text_of("{}"), slice_of(target.data, target.bytes), &result);
    assert_int_equal(result.bytes, target.bytes);
    assert_memory_equal(result.data, target.data, target.bytes);
    buf_finish(&target);
    buf_finish(&patch);
    buf_finish(&expected);
    buf_finish(&result);
}

static void arrays_of_any_depth_are_copied(void **state)
{
    struct buf target = {0}, patch = {0}, result = {0};

    (void)state;
    put(&patch, "{\"a\":");
    for (int i = 0; i < 100000; i++)
        put(&patch, "[");
    for (int i = 0; i < 100000; i++)
        put(&patch, "]");
    put(&patch, "}");
    apply(text_of("{}"), slice_of(patch.data, patch.bytes), &result);
    assert_int_equal(result.bytes, patch.bytes);
    assert_memory_equal(result.data, patch.data, patch.bytes);
    buf_finish(&target);
    buf_finish(&patch);
    buf_finish(&result);
}

#define MANY 1000000

/* Members m<first>, m<first + step>, ...: a million names. */
static void put_many(struct buf *text, unsigned first, unsigned step, const char *value)
{
    put(text, "{");
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(buf_printf(text, "%s\"m%u\":%s", i ? "," : "", first + i * step, value),
                         0);
    put(text, "}");
}

/* Quadratic, this would take days. */
static void a_million_members_are_patched_by_a_million(void **state)
{
    struct buf target = {0}, patch = {0}, result = {0};

    (void)state;
    put_many(&target, 0, 1, "1");
    put_many(&patch, 0, 2, "2");
    apply(slice_of(target.data, target.bytes), slice_of(patch.data, patch.bytes), &result);
    /* Half of the patch's names were there, half are new, each of seven digits or so. */
    assert_int_equal(memcmp(result.data, "{\"m0\":2,\"m1\":1,\"m2\":2,", 22), 0);
    assert_true(result.bytes > target.bytes + patch.bytes / 2 - 1000000);
    assert_memory_equal(result.data + result.bytes - 12, "\"m1999998\":2}" + 1, 12);

    patch.bytes = 0;
    put_many(&patch, 0, 1, "null");
    apply(slice_of(target.data, target.bytes), slice_of(patch.data, patch.bytes), &result);
    assert_int_equal(result.bytes, 2);
    buf_finish(&target);
    buf_finish(&patch);
    buf_finish(&result);
}

static void without_memory_the_result_is_as_it_was(void **state)
{
    const char *target = "{\"a\":1,\"\\u0062\":{\"x\":1},\"c\":1}";
    const char *patch = "{\"\\u0061\":2,\"b\":{\"y\":[1, 2]},\"d\":1,\"e\":1,\"f\":1,\"g\":1,"
                        "\"h\":1,\"i\":1,\"j\":1,\"k\":1}";
    struct buf result = {0};
    unsigned granted = 0;
    int r;

    (void)state;
    do {
        buf_finish(&result);
        put(&result, "before");
        nomem_after(granted++);
        r = mergepatch_apply(text_of(target), text_of(patch), &result);
        assert_int_equal(nomem_end(), r < 0);
        assert_true(r == 0 || (r == -ENOMEM && result.bytes == 6));
    } while (r < 0);
    assert_true(granted > 5);
    buf_finish(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_appendix_hold),
        cmocka_unit_test(the_example_of_section_3_holds),
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(members_keep_their_place_and_new_ones_come_behind),
        cmocka_unit_test(a_row_of_many_names_is_patched_by_many),
        cmocka_unit_test(names_are_compared_as_characters),
        cmocka_unit_test(white_space_of_the_target_stays_and_of_the_patch_goes),
        cmocka_unit_test(nulls_within_arrays_stay),
        cmocka_unit_test(jansson_makes_the_same_of_generated_documents),
        cmocka_unit_test(the_deepest_rows_are_patched),
        cmocka_unit_test(arrays_of_any_depth_are_copied),
        cmocka_unit_test(a_million_members_are_patched_by_a_million),
        cmocka_unit_test(without_memory_the_result_is_as_it_was),
    };

    return cmocka_run_group_tests_name("mergepatch", tests, NULL, NULL);
}
