/* SPDX-License-Identifier: MIT */
/* A line that the row checker and jansson judge differently is a crash. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/rowcheck.h"
#include "tests/fuzz/replay.h"
#include "tests/lib/rowcheck_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    /* One for all inputs: what a line leaves behind must not matter to the next. */
    static struct rowcheck *check;
    const char *line = (const char *)data;
    enum rowcheck_oracle verdict;
    struct err err = ERR_INIT;
    size_t position = 0;
    int r;

    if (!check && rowcheck_create(&check) < 0)
        abort();
    r = rowcheck_line(check, line, bytes, &err);
    verdict = rowcheck_oracle(line, bytes);
    if (verdict != ROWCHECK_ORACLE_UNKNOWN && (r == 0) != (verdict == ROWCHECK_ORACLE_ROW)) {
        fprintf(stderr, "rowcheck: %d (%s), jansson: %d\n", r, err.text, verdict);
        abort();
    }
    if (r < 0 && (r != -EINVAL || sscanf(err.text, "byte %zu: ", &position) != 1 || position < 1 ||
                  position > bytes + 1)) {
        fprintf(stderr, "%d, the sentence is: %s\n", r, err.text);
        abort();
    }
    return 0;
}
