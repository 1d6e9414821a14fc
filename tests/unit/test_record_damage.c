/* SPDX-License-Identifier: MIT */
/* Records that are damaged, or that somebody wrote who means harm. */
#include <stdio.h>
#include <stdlib.h>

#include "core/store/record.h"
#include "core/store/sealed.h"
#include "tests/lib/check.h"
#include "tests/lib/fullrecord.h"

/* --- damage --------------------------------------------------------------------- */

static void a_flipped_bit_anywhere_is_damage(void **state)
{
    struct buf buf = {0};
    struct hash hash;

    (void)state;
    fullrecord_encode(&buf);
    for (size_t i = 0; i < buf.bytes; i++)
        for (int bit = 0; bit < 8; bit++) {
            buf.data[i] = (char)(buf.data[i] ^ 1 << bit);
            assert_int_equal(sealed_verify("x", buf.data, buf.bytes, &hash, NULL), -EIO);
            fullrecord_expect_refused(buf.data, buf.bytes, -EIO, "damaged");
            buf.data[i] = (char)(buf.data[i] ^ 1 << bit);
        }
    buf_finish(&buf);
}

static void a_record_cut_short_anywhere_is_damage(void **state)
{
    struct buf buf = {0};

    (void)state;
    fullrecord_encode(&buf);
    for (size_t i = 0; i < buf.bytes; i++)
        fullrecord_expect_refused(buf.data, i, -EIO, "damaged");
    assert_int_equal(buf_append(&buf, "", 1), 0);
    fullrecord_expect_refused(buf.data, buf.bytes, -EIO, "damaged");
    buf_finish(&buf);
}

static void another_records_bytes_are_damage(void **state)
{
    struct buf buf = {0};
    struct record record;
    struct hash hash;

    (void)state;
    fullrecord_encode(&buf);
    assert_int_equal(record_decode(FULLRECORD_SEQ + 1, buf.data, buf.bytes, &record, &hash, NULL),
                     -EIO);
    buf_finish(&buf);
}

/* --- records that are sealed well and say something else ------------------------------ */

/* Seals the text behind "{"xxh3":"...",": what a program that means harm can write. */
static void seal(const char *rest, struct buf *buf)
{
    char hex[HASH_HEX_BYTES + 1];

    hash_to_hex(hash_bytes(rest, strlen(rest)), hex);
    buf->bytes = 0;
    assert_int_equal(buf_printf(buf, "{\"xxh3\":\"%s\",%s", hex, rest), 0);
}

static void hostile_values_are_damage(void **state)
{
    static const char *const changes[][2] = {
        {"seq", "-1"},
        {"seq", "41"},
        {"seq", "\"42\""},
        {"seq", "42.0"},
        {"seq", "absent"},
        {"prev", "\"\""},
        {"prev", "0"},
        {"prev", "absent"},
        {"nonce", "\"x\""},
        {"nonce", "absent"},
        {"host", "null"},
        {"inline_bytes", "17"},
        {"inline_bytes", "-18"},
        {"read_features", "{}"},
        {"write_features", "absent"},
        {"objects", "{}"},
        {"objects", "[1]"},
        {"members", "null"},
        {"members", "[[]]"},
        {"objects/0/path", "\"../x\""},
        {"objects/0/path", "\"data/../rowfs.json\""},
        {"objects/0/path", "\"/etc/passwd\""},
        {"objects/0/path", "\"log/x\""},
        {"objects/0/path", "\"\""},
        {"objects/0/path", "7"},
        {"objects/0/codec", "\"lz77\""},
        {"objects/0/index/path", "\"data/../../x\""},
        {"objects/0/index", "absent"},
        {"objects/0/index/xxh3", "\"00\""},
        {"objects/0/bytes", "-1"},
        {"objects/0/bytes", "9223372036854775807"},
        {"objects/0/stored_bytes", "4095"},
        {"objects/0/rows", "-1"},
        {"objects/0/object", "\"../../../../x\""},
        {"members/0/version", "-1"},
        {"members/0/version", "1e3"},
        {"members/0/time", "\"2026-02-30T00:00:00.000000Z\""},
        {"members/0/time", "12"},
        {"members/0/id", "5"},
        {"members/0/base", "-1"},
        {"members/0/rebases", "true"},
        {"members/0/transaction", "\"\""},
        {"members/0/actions", "absent"},
        {"members/0/actions/0/op", "\"explode\""},
        {"members/0/actions/0/op", "0"},
        {"members/0/actions/0/table", "null"},
        {"members/0/actions/0/name", "absent"},
        {"members/0/actions/1", "\"drop\""},
        {"members/0/actions/5/schema", "absent"},
        {"members/0/actions/5/schema", "{\"columns\":{}}"},
        {"members/0/actions/5/schema", "7"},
        {"members/0/actions/6/schema", "absent"},
        {"members/1/actions/0/extents", "absent"},
        {"members/1/actions/0/extents/0/row", "absent"},
        {"members/1/actions/0/extents/0/row", "-1"},
        {"members/1/actions/0/extents/1", "null"},
        {"members/1/actions/1/extents", "null"},
        {"members/1/actions/1/extents/0/object", "-7"},
        {"members/1/actions/1/extents/0/object", "\"data/t/1\""},
        {"members/1/actions/1/extents/0/object", "null"},
        {"members/1/actions/1/extents/0/offset", "-1"},
        {"members/1/actions/1/extents/0/offset", "9223372036854775807"},
        {"members/1/actions/1/extents/0/bytes", "0"},
        {"members/1/actions/1/extents/0/bytes", "-90"},
        {"members/1/actions/1/extents/0/bytes", "9223372036854775807"},
        {"members/1/actions/1/extents/0/first_row", "9223372036854775807"},
        {"members/1/actions/1/extents/0/rows", "0"},
        {"members/1/actions/1/extents/0/rows", "91"},
    };
    struct buf buf = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        fullrecord_change(changes[i][0], changes[i][1], &buf);

        fullrecord_expect_refused(buf.data, buf.bytes, -EIO, "damaged");
    }
    buf_finish(&buf);
}

static void a_path_of_any_length_is_not_taken(void **state)
{
    char path[400];
    struct buf buf = {0};

    (void)state;
    snprintf(path, sizeof path, "\"data/%0*d\"", 300, 0);
    fullrecord_change("objects/0/path", path, &buf);
    fullrecord_expect_refused(buf.data, buf.bytes, -EIO, "path");
    buf_finish(&buf);
}

static void a_first_line_that_is_no_object_is_damage(void **state)
{
    static const char *const lines[] = {
        "}\n",
        "\n",
        "",
        "\"seq\":42}",
        "\"seq\":42,\"seq\":42}\n",
        "\"seq\":42}}\n",
        "\"seq\":99999999999999999999}\n",
        "\"seq\":42\n}\n",
        "\"a\":\"\\u0000\"}\n",
        "\"a\":\"\xff\"}\n",
        "\"seq\":1e999}\n",
    };
    struct buf buf = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        seal(lines[i], &buf);
        fullrecord_expect_refused(buf.data, buf.bytes, -EIO, "damaged");
    }
    buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_anywhere_is_damage),
        cmocka_unit_test(a_record_cut_short_anywhere_is_damage),
        cmocka_unit_test(another_records_bytes_are_damage),
        cmocka_unit_test(hostile_values_are_damage),
        cmocka_unit_test(a_path_of_any_length_is_not_taken),
        cmocka_unit_test(a_first_line_that_is_no_object_is_damage),
    };

    return cmocka_run_group_tests_name("record damage", tests, NULL, NULL);
}
