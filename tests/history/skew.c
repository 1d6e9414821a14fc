/* SPDX-License-Identifier: MIT */
/* Write skew and lost update, step by step. */
#include "tests/history/skew.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "core/base/err.h"
#include "tests/history/mounted.h"

struct skew {
    const char *const *mounts;
    enum history_isolation isolation;
    char ids[2][HISTORY_ID_BYTES], tables[2][32];
    int64_t last_value;
    int failures;
};

static void expect(struct skew *s, const char *what, int expected, int r)
{
    printf("# %s: %s\n", what, r < 0 ? err_name(r) : "success");
    if (r == expected)
        return;
    printf("# must be: %s\n", expected < 0 ? err_name(expected) : "success");
    s->failures++;
}

static void expect_amount(struct skew *s, const char *dir, const char *table, int64_t expected)
{
    struct mounted_rows rows = {0};
    int r = mounted_read(dir, table, &rows, NULL);

    if (r < 0 || rows.count != 1 || rows.amount != expected) {
        printf("# %s/tables/%s: %s, %zu rows, amount %" PRId64 " instead of %" PRId64 "\n", dir,
               table, r < 0 ? err_name(r) : "read", rows.count, rows.amount, expected);
        s->failures++;
    }
    free(rows.values);
}

/* Names of their own: a store may have seen this test before. */
static void name_all(struct skew *s)
{
    int64_t now = mounted_now();

    for (int i = 0; i < 2; i++) {
        snprintf(s->ids[i], sizeof s->ids[i], "skew%d-%" PRId64, i, now);
        snprintf(s->tables[i], sizeof s->tables[i], "person%d-%" PRId64, i, now);
    }
}

static void write_amount(struct skew *s, const char *dir, const char *table, int64_t amount)
{
    int64_t previous = s->last_value++;
    int r = mounted_replace(dir, table, s->last_value, previous, amount);

    if (r < 0)
        expect(s, "write", 0, r);
}

static void dir_of(const struct skew *s, int i, char ret_dir[PATH_MAX])
{
    snprintf(ret_dir, PATH_MAX, "%s/tx/%s", s->mounts[i], s->ids[i]);
}

static void begin_both(struct skew *s)
{
    name_all(s);
    for (int i = 0; i < 2; i++) {
        expect(s, "mkdir of a table", 0, mounted_make_table(s->mounts[0], s->tables[i]));
        write_amount(s, s->mounts[0], s->tables[i], 1);
    }
    for (int i = 0; i < 2; i++) {
        expect(s, "begin", 0, mounted_begin(s->mounts[i], s->ids[i]));
        if (s->isolation == HISTORY_SERIALIZABLE)
            expect(s, "isolation", 0, mounted_set_serializable(s->mounts[i], s->ids[i]));
    }
}

static void read_both(struct skew *s)
{
    char dir[PATH_MAX];

    for (int i = 0; i < 2; i++) {
        dir_of(s, i, dir);
        expect_amount(s, dir, s->tables[0], 1);
        expect_amount(s, dir, s->tables[1], 1);
    }
}

/* `refused`: what the second one must be told. `tables`: which of them each of the two leaves. */
static void leave_and_commit(struct skew *s, int one, int other, int refused)
{
    char dir[PATH_MAX];

    dir_of(s, 0, dir);
    write_amount(s, dir, s->tables[one], 0);
    dir_of(s, 1, dir);
    write_amount(s, dir, s->tables[other], 0);
    expect_amount(s, dir, s->tables[one], one == other ? 0 : 1);
    expect(s, "the first commit", 0, mounted_commit(s->mounts[0], s->ids[0]));
    expect(s, "the second commit", refused, mounted_commit(s->mounts[1], s->ids[1]));
}

static void expect_on_both(struct skew *s, int table, int64_t amount)
{
    expect_amount(s, s->mounts[0], s->tables[table], amount);
    expect_amount(s, s->mounts[1], s->tables[table], amount);
}

static void write_skew(struct skew *s)
{
    bool serializable = s->isolation == HISTORY_SERIALIZABLE;

    printf("# write skew\n");
    begin_both(s);
    read_both(s);
    leave_and_commit(s, 0, 1, serializable ? -ECANCELED : 0);
    expect_on_both(s, 0, 0);
    expect_on_both(s, 1, serializable ? 1 : 0);
}

static void lost_update(struct skew *s)
{
    printf("# lost update\n");
    begin_both(s);
    read_both(s);
    leave_and_commit(s, 0, 0, -ECANCELED);
    expect_on_both(s, 0, 0);
    expect_on_both(s, 1, 1);
}

int skew_run(const char *const mounts[2], enum history_isolation isolation)
{
    struct skew s = {.mounts = mounts, .isolation = isolation};

    write_skew(&s);
    lost_update(&s);
    printf("# %d failures\n", s.failures);
    return s.failures;
}
