/* SPDX-License-Identifier: MIT */
/* Lines before the row checker, with what it must say of them. */
#include "tests/lib/rowtool.h"

#include <stdlib.h>

#include "tests/lib/check.h"

struct rowcheck *check;

int rowtool_setup(void **state)
{
    (void)state;
    return rowcheck_create(&check);
}

int rowtool_teardown(void **state)
{
    (void)state;
    rowcheck_destroy(check);
    return 0;
}

int rowtool_check(const char *line, size_t bytes, struct err *err)
{
    cleanup_free char *copy = malloc(bytes ? bytes : 1);

    assert_non_null(copy);
    memcpy(copy, line, bytes);
    return rowcheck_line(check, copy, bytes, err);
}

void rowtool_expect_row(const char *line, size_t bytes)
{
    struct err err = {.text = "untouched", .line = 7};
    int r = rowtool_check(line, bytes, &err);

    if (r < 0)
        print_error("%.*s\n%s\n", (int)(bytes < 200 ? bytes : 200), line, err.text);
    assert_int_equal(r, 0);
    assert_string_equal(err.text, "untouched");
}

/* A failure must leave the checker usable. */
void rowtool_expect_refused(const char *line, size_t bytes, const char *sentence)
{
    struct err err = {.text = "", .line = 7};
    int r = rowtool_check(line, bytes, &err);

    if (r != -EINVAL || strcmp(err.text, sentence) != 0)
        print_error("%.*s\n", (int)(bytes < 200 ? bytes : 200), line);
    assert_int_equal(r, -EINVAL);
    assert_string_equal(err.text, sentence);
    assert_int_equal(err.line, 0);
    rowtool_expect_row("{\"a\":1}", 7);
}

void rowtool_put(struct buf *line, const char *text)
{
    assert_int_equal(buf_append(line, text, strlen(text)), 0);
}
