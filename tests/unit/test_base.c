/* SPDX-License-Identifier: MIT */
/* What core/base promises of buffers, errors, hashes, UUIDs and times, one fact a test. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/base/timefmt.h"
#include "core/base/uuid.h"
#include "tests/lib/check.h"

/* --- buf ------------------------------------------------------------------ */

static void a_buffer_holds_what_was_appended_in_order(void **state)
{
    struct buf buf = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(buf_append(&buf, "ab", 2), 0);
        assert_int_equal(buf_printf(&buf, "%03d", i), 0);
    }
    assert_int_equal(buf.bytes, 5000);
    assert_true(buf.capacity >= buf.bytes);
    assert_memory_equal(buf.data, "ab000ab001", 10);
    assert_memory_equal(buf.data + 4990, "ab998ab999", 10);
    buf_finish(&buf);
}

static void an_empty_append_adds_nothing(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_int_equal(buf_append(&buf, NULL, 0), 0);
    assert_int_equal(buf_printf(&buf, "%s", ""), 0);
    assert_int_equal(buf.bytes, 0);
    buf_finish(&buf);
}

static void a_buffer_can_be_used_again_after_it_was_finished(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_int_equal(buf_append(&buf, "old", 3), 0);
    buf_finish(&buf);
    assert_int_equal(buf.bytes, 0);
    assert_int_equal(buf_append(&buf, "new", 3), 0);
    assert_memory_equal(buf.data, "new", 3);
    buf_finish(&buf);
}

static void reserved_room_is_not_content(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_int_equal(buf_reserve(&buf, 100), 0);
    assert_int_equal(buf.bytes, 0);
    assert_true(buf.capacity >= 100);
    buf_finish(&buf);
}

static void more_than_memory_can_hold_leaves_the_buffer_as_it_was(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_int_equal(buf_append(&buf, "kept", 4), 0);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX), -ENOMEM);
    assert_int_equal(buf.bytes, 4);
    assert_memory_equal(buf.data, "kept", 4);
    buf_finish(&buf);
}

static void dropping_the_front_keeps_the_rest(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_int_equal(buf_append(&buf, "0123456789", 10), 0);
    buf_drop_front(&buf, 0);
    assert_int_equal(buf.bytes, 10);
    buf_drop_front(&buf, 3);
    assert_int_equal(buf.bytes, 7);
    assert_memory_equal(buf.data, "3456789", 7);
    buf_drop_front(&buf, 7);
    assert_int_equal(buf.bytes, 0);
    buf_finish(&buf);
}

/* --- err ------------------------------------------------------------------ */

static void a_refusal_is_its_code_and_a_sentence(void **state)
{
    struct err err = {.text = "old", .line = 7};

    (void)state;
    assert_int_equal(err_set(&err, -EINVAL, "row %d is bad", 3), -EINVAL);
    assert_string_equal(err.text, "row 3 is bad");
    assert_int_equal(err.line, 0);
    assert_int_equal(err_nomem(&err), -ENOMEM);
    assert_string_equal(err.text, "out of memory");
}

static void a_prefix_stands_before_the_sentence_and_keeps_its_line(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    err_set(&err, -EINVAL, "byte 4: no quote");
    err.line = 12;
    assert_int_equal(err_prefix(&err, -EIO, "log/%d", 5), -EIO);
    assert_string_equal(err.text, "log/5: byte 4: no quote");
    assert_int_equal(err.line, 12);
}

static void a_sentence_that_is_too_long_is_cut(void **state)
{
    char text[2 * ERR_TEXT_BYTES];
    struct err err = ERR_INIT;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(err_set(&err, -EIO, "%s", text), -EIO);
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    err_prefix(&err, -EIO, "short");
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    assert_memory_equal(err.text, "short: xxx", 10);
    err_prefix(&err, -EIO, "%s", text);
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    assert_memory_equal(err.text, "xxxxxxxxxx", 10);
}

static void a_prefix_that_just_leaves_no_room_is_terminated(void **state)
{
    (void)state;
    for (int n = ERR_TEXT_BYTES - 5; n <= ERR_TEXT_BYTES + 1; n++) {
        struct err err = ERR_INIT;

        err_set(&err, -EIO, "tail");
        err_prefix(&err, -EIO, "%*s", n, "p");
        assert_true(strnlen(err.text, ERR_TEXT_BYTES) < ERR_TEXT_BYTES);
    }
}

static void nobody_needs_to_want_the_sentence(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
    assert_int_equal(err_prefix(NULL, -EIO, "x"), -EIO);
    assert_int_equal(err_nomem(NULL), -ENOMEM);
}

static void an_errno_has_a_name_whatever_its_sign(void **state)
{
    (void)state;
    assert_string_equal(err_name(-EINVAL), "EINVAL");
    assert_string_equal(err_name(ENOSPC), "ENOSPC");
    assert_string_equal(err_name(-100000), "?");
}

/* --- hash ----------------------------------------------------------------- */

static void checksums_are_those_of_xxh3(void **state)
{
    char hex[HASH_HEX_BYTES + 1];

    (void)state; /* the numbers are xxh128sum's and xxhsum -H3's */
    hash_to_hex(hash_bytes("", 0), hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    hash_to_hex(hash_bytes("rowfs", 5), hex);
    assert_string_equal(hex, "8d7bcbef847c5a0861c9d826d3449bb7");
    assert_true(hash64_bytes("rowfs", 5) == UINT64_C(0xebb57369262e195d));
}

static void a_hash_comes_back_from_its_digits(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct hash hash = {.high = check_random(&seed), .low = check_random(&seed)}, again;
        char hex[HASH_HEX_BYTES + 1];

        hash_to_hex(hash, hex);
        assert_int_equal(strlen(hex), HASH_HEX_BYTES);
        assert_int_equal(hash_from_hex(hex, &again), 0);
        assert_true(hash_equal(hash, again));
        again.high ^= 1;
        assert_false(hash_equal(hash, again));
    }
}

static void digits_that_are_not_a_hash_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "0123456789abcdef",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdeg",
        "0123456789abcdef0123456789ABCDEF",
        "0123456789abcde 0123456789abcdef",
        "-123456789abcdef0123456789abcdef",
    };
    struct hash hash = {.high = 5, .low = 6};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(hash_from_hex(bad[i], &hash), -EINVAL);
    assert_true(hash.high == 5 && hash.low == 6);
}

/* --- uuid ----------------------------------------------------------------- */

static void a_random_uuid_is_of_version_4_and_comes_back_from_its_text(void **state)
{
    struct uuid last = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct uuid uuid = uuid_random(), again;
        char text[UUID_TEXT_BYTES + 1];

        uuid_to_text(uuid, text);
        assert_int_equal(strlen(text), UUID_TEXT_BYTES);
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
        assert_int_equal(uuid_from_text(text, &again), 0);
        assert_true(uuid_equal(uuid, again));
        assert_false(uuid_equal(uuid, last));
        last = uuid;
    }
}

static void uuids_are_ordered_by_their_bytes(void **state)
{
    struct uuid a, b;

    (void)state;
    assert_int_equal(uuid_from_text("00000000-0000-0000-0000-0000000000ff", &a), 0);
    assert_int_equal(uuid_from_text("00000000-0000-0000-8000-000000000000", &b), 0);
    assert_true(uuid_compare(a, b) < 0);
    assert_true(uuid_compare(b, a) > 0);
    assert_int_equal(uuid_compare(a, a), 0);
}

static void a_uuid_has_one_spelling(void **state)
{
    static const char *const bad[] = {
        "",
        "00000000-0000-0000-0000-00000000000",
        "00000000-0000-0000-0000-0000000000000",
        "00000000-0000-0000-0000-00000000000g",
        "00000000-0000-0000-0000-00000000000F",
        "0000000000000-0000-0000-000000000000",
        "00000000-00000-000-0000-000000000000",
        "{0000000-0000-0000-0000-00000000000}",
        "00000000_0000_0000_0000_000000000000",
    };
    struct uuid uuid = {.bytes = {1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(uuid_from_text(bad[i], &uuid), -EINVAL);
    assert_int_equal(uuid.bytes[0], 1);
}

/* --- timefmt -------------------------------------------------------------- */

static void expect_text(int64_t usec, const char *expected)
{
    char text[TIMEFMT_BYTES + 1];

    time_to_text(usec, text);
    assert_string_equal(text, expected);
}

static void a_time_is_written_to_the_microsecond(void **state)
{
    (void)state;
    expect_text(0, "1970-01-01T00:00:00.000000Z");
    expect_text(1, "1970-01-01T00:00:00.000001Z");
    expect_text(951782400000000, "2000-02-29T00:00:00.000000Z");
    expect_text(1795371359000001, "2026-11-22T18:15:59.000001Z");
}

static void a_time_before_1970_counts_up_to_it(void **state)
{
    (void)state;
    expect_text(-1, "1969-12-31T23:59:59.999999Z");
    expect_text(-1000000, "1969-12-31T23:59:59.000000Z");
    expect_text(-1000001, "1969-12-31T23:59:58.999999Z");
}

static void a_time_outside_of_four_digit_years_is_clamped(void **state)
{
    (void)state;
    expect_text(-62135596800000000, "0001-01-01T00:00:00.000000Z");
    expect_text(253402300799999999, "9999-12-31T23:59:59.999999Z");
    for (int i = 0; i < 2; i++) {
        char text[TIMEFMT_BYTES + 1];

        time_to_text(i ? INT64_MAX : 253402300800000000, text);
        assert_memory_equal(text, "9999-12-31T23:59:59.", 20);
        time_to_text(i ? INT64_MIN : -62135596800000001, text);
        assert_memory_equal(text, "0001-01-01T00:00:00.", 20);
    }
}

static void a_time_comes_back_from_its_text(void **state)
{
    const int64_t first = -62135596800000000, last = 253402300799999999;
    uint64_t seed = 2;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t usec = first + (int64_t)(check_random(&seed) % (uint64_t)(last - first + 1)), again;
        char text[TIMEFMT_BYTES + 1];

        time_to_text(usec, text);
        assert_int_equal(strlen(text), TIMEFMT_BYTES);
        assert_int_equal(time_from_text(text, &again), 0);
        assert_true(usec == again);
    }
}

static void what_is_no_time_in_exactly_that_form_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-06-31T00:00:00.000000Z",
        "2025-02-29T00:00:00.000000Z",
        "2026-00-01T00:00:00.000000Z",
        "2026-13-01T00:00:00.000000Z",
        "2026-01-00T00:00:00.000000Z",
        "2026-01-01T24:00:00.000000Z",
        "2026-01-01T00:60:00.000000Z",
        "2026-01-01T00:00:60.000000Z",
        "0000-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:00.00000Z",
        "2026-01-01T00:00:00.0000000Z",
        "2026-01-01T00:00:00.000000z",
        "2026-01-01t00:00:00.000000Z",
        "2026-01-01 00:00:00.000000Z",
        "2026-01-01T00:00:00,000000Z",
        "2026-01-01T00:00:00.000000+",
        "2026-01-01T00:00:00.00000 Z",
        "2026-01-01T00:00: 0.000000Z",
        "+026-01-01T00:00:00.000000Z",
        "-026-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:-1.000000Z",
        "2026-01-01T00:00:00.000000Z ",
    };
    int64_t usec = 5;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (time_from_text(bad[i], &usec) != -EINVAL)
            print_error("%s\n", bad[i]);
        assert_int_equal(time_from_text(bad[i], &usec), -EINVAL);
    }
    assert_int_equal(usec, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_holds_what_was_appended_in_order),
        cmocka_unit_test(an_empty_append_adds_nothing),
        cmocka_unit_test(a_buffer_can_be_used_again_after_it_was_finished),
        cmocka_unit_test(reserved_room_is_not_content),
        cmocka_unit_test(more_than_memory_can_hold_leaves_the_buffer_as_it_was),
        cmocka_unit_test(dropping_the_front_keeps_the_rest),
        cmocka_unit_test(a_refusal_is_its_code_and_a_sentence),
        cmocka_unit_test(a_prefix_stands_before_the_sentence_and_keeps_its_line),
        cmocka_unit_test(a_sentence_that_is_too_long_is_cut),
        cmocka_unit_test(a_prefix_that_just_leaves_no_room_is_terminated),
        cmocka_unit_test(nobody_needs_to_want_the_sentence),
        cmocka_unit_test(an_errno_has_a_name_whatever_its_sign),
        cmocka_unit_test(checksums_are_those_of_xxh3),
        cmocka_unit_test(a_hash_comes_back_from_its_digits),
        cmocka_unit_test(digits_that_are_not_a_hash_are_refused),
        cmocka_unit_test(a_random_uuid_is_of_version_4_and_comes_back_from_its_text),
        cmocka_unit_test(uuids_are_ordered_by_their_bytes),
        cmocka_unit_test(a_uuid_has_one_spelling),
        cmocka_unit_test(a_time_is_written_to_the_microsecond),
        cmocka_unit_test(a_time_before_1970_counts_up_to_it),
        cmocka_unit_test(a_time_outside_of_four_digit_years_is_clamped),
        cmocka_unit_test(a_time_comes_back_from_its_text),
        cmocka_unit_test(what_is_no_time_in_exactly_that_form_is_refused),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
