/* SPDX-License-Identifier: MIT */
/* The row checker beside jansson, an older opinion: they must agree on every line. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/check.h"
#include "tests/lib/rowcheck_oracle.h"
#include "tests/lib/rowtool.h"

/* Judged by us and by jansson. */
static bool agreed(const char *line, size_t bytes)
{
    struct err err = ERR_INIT;
    enum rowcheck_oracle verdict = rowcheck_oracle(line, bytes);
    int r = rowtool_check(line, bytes, &err);
    size_t position = 0;

    if (r < 0)
        assert_int_equal(sscanf(err.text, "byte %zu: ", &position), 1);
    assert_true(r == 0 || (r == -EINVAL && position >= 1 && position <= bytes + 1));
    if (verdict != ROWCHECK_ORACLE_UNKNOWN && (r == 0) != (verdict == ROWCHECK_ORACLE_ROW)) {
        print_error("%.*s\nrowcheck: %d %s\n", (int)bytes, line, r, err.text);
        fail();
    }
    return r == 0;
}

static void jansson_agrees_on_every_sequence_of_two_bytes(void **state)
{
    char line[] = "{\"a\":\"..\"}";

    (void)state;
    for (unsigned pair = 0; pair <= 0xffff; pair++) {
        line[6] = (char)(pair >> 8);
        line[7] = (char)pair;
        agreed(line, sizeof line - 1);
    }
}

static void jansson_agrees_on_the_edges_of_longer_characters(void **state)
{
    static const char edges[] = "\x22\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0";
    char line[] = "{\"a\":\"....\"}";
    size_t count = sizeof edges - 1;

    (void)state;
    for (unsigned first = 0xdf; first <= 0xff; first++)
        for (size_t rest = 0; rest < count * count * count; rest++) {
            line[6] = (char)first;
            line[7] = edges[rest % count];
            line[8] = edges[rest / count % count];
            line[9] = edges[rest / count / count];
            agreed(line, sizeof line - 1);
        }
}

static uint64_t random_state;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((random_state >> 33) % limit);
}

static const char *one_of(const char *const *texts, size_t count)
{
    return texts[random_below((unsigned)count)];
}

/* clang-format off: one string a line says less */
static const char *const string_parts[] = {
    "a",       "b",       "id",       "name",    "x y",     "0123456789abcdef",
    "\x7f",    "é",       "€",        "😀",       "",        "",
    "",        "",        "\\n",      "\\\"",    "\\\\",    "\\/",
    "\\u0061", "\\u0062", "\\u0069d", "\\u00e9", "\\u0000", "\\ud83d\\ude00",
    "{",       "}",       "[",        ",",       ":",
};

static const char *const scalars[] = {
    "0",     "-0",      "17",   "-3.25", "1e9",   "2E-7", "1.5e+3", "9007199254740993",
    "1e999", "-1e-999", "true", "true",  "false", "null", "\"\"",   "[]",
    "{}",    "[{}]",
};

/* What a mutation puts in: a little of all that means something, or is wrong. */
static const char *const tokens[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\u0000",
    "\\ud800",
    "\\ude00",
    "0",
    "1",
    "-",
    "+",
    ".",
    "e",
    "E",
    "1e999",
    "true",
    "null",
    "nul",
    "x",
    "'",
    "/",
    " ",
    "\t",
    "\r",
    "\n",
    "\x0b",
    "\x01",
    "\x1f",
    "\x7f",
    "\"a\":1,",
    ",\"b\"",
    "\x80",
    "\xc0",
    "\xc3",
    "\xe2",
    "\xf4",
    "\xff",
    "\xed\xa0\x80",
    "\xef\xbb\xbf",
    "\xf0\x9f\x98\x80",
};
/* clang-format on */

static void put_space(struct buf *line)
{
    static const char *const spaces[] = {" ", "\t", "\r", "  "};

    if (!random_below(8))
        rowtool_put(line, one_of(spaces, ARRAY_COUNT(spaces)));
}

static void put_string(struct buf *line)
{
    rowtool_put(line, "\"");
    for (unsigned parts = random_below(4); parts; parts--)
        rowtool_put(line, one_of(string_parts, ARRAY_COUNT(string_parts)));
    rowtool_put(line, "\"");
}

static void put_value(struct buf *line, int depth);

/* Names repeat now and then, since they are made of few parts. */
static void put_container(struct buf *line, bool object, int depth)
{
    unsigned count = random_below(random_below(50) ? 5 : 30);

    rowtool_put(line, object ? "{" : "[");
    for (unsigned i = 0; i < count; i++) {
        rowtool_put(line, i ? "," : "");
        put_space(line);
        if (object) {
            put_string(line);
            put_space(line);
            rowtool_put(line, ":");
            put_space(line);
        }
        put_value(line, depth + 1);
        put_space(line);
    }
    rowtool_put(line, object ? "}" : "]");
}

static void put_value(struct buf *line, int depth)
{
    unsigned kind = random_below(10);

    if (kind < 2 && depth < 6)
        put_container(line, kind == 0, depth);
    else if (kind < 6)
        put_string(line);
    else
        rowtool_put(line, one_of(scalars, ARRAY_COUNT(scalars)));
}

/* Replaces `cut` bytes by others. */
static void splice(struct buf *line, size_t at, size_t cut, const void *text, size_t bytes)
{
    cut = cut < line->bytes - at ? cut : line->bytes - at;
    assert_int_equal(buf_reserve(line, bytes), 0);
    memmove(line->data + at + bytes, line->data + at + cut, line->bytes - at - cut);
    memcpy(line->data + at, text, bytes);
    line->bytes += bytes - cut;
}

static void mutate(struct buf *line, const struct buf *other)
{
    size_t at = random_below((unsigned)line->bytes + 1), from, bytes;
    const char *token = one_of(tokens, ARRAY_COUNT(tokens));

    switch (random_below(10)) {
    case 0:
        line->bytes = at;
        break;
    case 1:
    case 2:
        from = random_below((unsigned)other->bytes);
        bytes = random_below((unsigned)(other->bytes - from)) + 1;
        splice(line, at, random_below(8), other->data + from, bytes);
        break;
    case 3:
    case 4:
        splice(line, at, 1 + random_below(4), "", 0);
        break;
    case 5:
    case 6:
        splice(line, at, random_below(2), token, strlen(token));
        break;
    default:
        if (at < line->bytes)
            line->data[at] = (char)(line->data[at] ^ (1 << random_below(8)));
    }
}

static void jansson_agrees_on_generated_and_on_mutated_rows(void **state)
{
    struct buf lines[2] = {0}, mutant = {0};
    int rows = 0, inputs = 0, mutants = 0;

    (void)state;
    random_state = 20240501;
    rowtool_put(&lines[0], "{}");
    for (int i = 1; inputs < 200000; i++) {
        struct buf *line = &lines[i % 2], *before = &lines[(i + 1) % 2];

        line->bytes = 0;
        put_space(line);
        put_container(line, true, 0);
        put_space(line);
        rows += agreed(line->data, line->bytes);
        inputs++;
        for (int n = 0; n < 8; n++, inputs++) {
            mutant.bytes = 0;
            assert_int_equal(buf_append(&mutant, line->data, line->bytes), 0);
            for (unsigned changes = random_below(3) ? 1 : 3; changes; changes--)
                mutate(&mutant, before);
            mutants += agreed(mutant.data, mutant.bytes);
        }
    }
    /* Both answers were put to the test. */
    print_message("%d generated rows and %d mutants of %d inputs accepted\n", rows, mutants,
                  inputs);
    assert_true(rows > inputs / 20 && mutants > inputs / 20 && rows + mutants < inputs / 2);
    buf_finish(&lines[0]);
    buf_finish(&lines[1]);
    buf_finish(&mutant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jansson_agrees_on_every_sequence_of_two_bytes),
        cmocka_unit_test(jansson_agrees_on_the_edges_of_longer_characters),
        cmocka_unit_test(jansson_agrees_on_generated_and_on_mutated_rows),
    };

    return cmocka_run_group_tests_name("rowcheck beside jansson", tests, rowtool_setup,
                                       rowtool_teardown);
}
