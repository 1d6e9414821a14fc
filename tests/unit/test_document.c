/* SPDX-License-Identifier: MIT */
/* What core promises in core/document.h, one fact a test. */
#include "core/document.h"
#include "tests/lib/check.h"
#include "tests/lib/nomem.h"

#define NO_LIMIT 10000

static struct document document;

static int begin(void **state)
{
    (void)state;
    document = (struct document){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    nomem_end();
    document_finish(&document);
    return 0;
}

static int put(const char *text, struct err *err)
{
    return document_write(&document, text, strlen(text), NO_LIMIT, err);
}

static void expect(const char *text, int result)
{
    struct err err = ERR_INIT;
    int r = put(text, &err);

    if (r < 0)
        assert_ok(r, &err);
    assert_int_equal(r, result);
}

static void expect_text(const char *text)
{
    assert_int_equal(document.text.bytes, strlen(text));
    if (document.text.bytes)
        assert_memory_equal(document.text.data, text, strlen(text));
}

static const char *const objects[] = {
    "{}",
    " \t\r\n{\"a\":{\"b\":[1,{\"c\":[]}]}}",
    "{\"a\":\"}\",\"b\":\"{\"}",
    "{\"a\":\"\\\"}\\\\\",\"b\":\"\\\\\"}",
    "{\"\\\\\":\"\\\\\\\"\",\"[\":\"]\"}",
    "{\n  \"a\": 1,\n  \"b\": [ \"}\" ]\n}",
};

static void the_write_that_brings_the_last_brace_completes_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(objects); i++) {
        expect(objects[i], 1);
        assert_int_equal(document_check_end(&document, NULL), 0);
        expect(" \n", 0);
        expect("", 0);
        assert_int_equal(document_check_end(&document, NULL), 0);
        document_finish(&document);
    }
}

static void an_object_can_be_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(objects); i++) {
        size_t bytes = strlen(objects[i]);

        for (size_t at = 0; at < bytes; at++)
            assert_int_equal(document_write(&document, objects[i] + at, 1, NO_LIMIT, NULL),
                             at + 1 == bytes);
        expect_text(objects[i]);
        document_finish(&document);
    }
}

static void what_has_begun_must_be_completed(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(document_check_end(&document, &err), 0);
    expect(" \n", 0);
    assert_int_equal(document_check_end(&document, &err), 0);
    expect("{\"a\":\"}", 0);
    assert_fails(document_check_end(&document, &err), -EINVAL, &err);
    assert_has(err.text, "unfinished");
}

static void what_begins_with_something_else_is_refused(void **state)
{
    static const char *const wrong[] = {"[]",   "1", "\"{}\"", "null", "}", "\xef\xbb\xbf{}",
                                        "  x{}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct err err = ERR_INIT;

        assert_fails(put(wrong[i], &err), -EINVAL, &err);
        assert_has(err.text, "'{'");
        expect_text("");
        assert_int_equal(document_check_end(&document, NULL), 0);
    }
}

static void nothing_may_follow(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_fails(put("{\"a\":1} {", &err), -EINVAL, &err);
    assert_has(err.text, "follows");
    expect("{}\n", 1);
    assert_fails(put("  {}", &err), -EINVAL, &err);
    assert_fails(put("}", &err), -EINVAL, &err);
    expect("  ", 0);
    expect_text("{}\n  ");
}

/* The write that fails has not happened: the same one, right, completes the object. */
static void a_write_that_fails_leaves_the_document_as_it_was(void **state)
{
    (void)state;
    expect("{\"a\":[", 0);
    assert_int_equal(put("\"x\"]}}", NULL), -EINVAL);
    expect_text("{\"a\":[");
    assert_int_equal(document_write(&document, "\"x\\\"]}", 6, 11, NULL), -EFBIG);
    expect("\"x\"", 0);
    expect("]}", 1);
    expect_text("{\"a\":[\"x\"]}");
}

static void a_document_is_no_longer_than_its_limit(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    assert_int_equal(document_write(&document, "{\"a\"", 4, 8, &err), 0);
    assert_fails(document_write(&document, ":234}", 5, 8, &err), -EFBIG, &err);
    assert_has(err.text, "8 bytes");
    assert_int_equal(document_write(&document, ":23}", 4, 8, &err), 1);
    assert_fails(document_write(&document, " ", 1, 8, &err), -EFBIG, &err);
}

static void without_memory_a_write_can_be_done_again(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    nomem_after(0);
    assert_fails(put("{\"a\":\"", &err), -ENOMEM, &err);
    nomem_end();
    expect("{\"a\":\"", 0);
    expect("}\"}", 1);
    expect_text("{\"a\":\"}\"}");
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_write_that_brings_the_last_brace_completes_it),
        test(an_object_can_be_cut_anywhere),
        test(what_has_begun_must_be_completed),
        test(what_begins_with_something_else_is_refused),
        test(nothing_may_follow),
        test(a_write_that_fails_leaves_the_document_as_it_was),
        test(a_document_is_no_longer_than_its_limit),
        test(without_memory_a_write_can_be_done_again),
    };

    return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
