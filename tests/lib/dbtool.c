/* SPDX-License-Identifier: MIT */
/* Tables and rows of a database in one line of a test. */
#include "tests/lib/dbtool.h"

#include <stdlib.h>

#include "core/history.h"
#include "tests/lib/check.h"

static struct commit *new_commit(void)
{
    struct commit *commit = NULL;

    assert_int_equal(commit_create(&commit), 0);
    return commit;
}

/* What commit_run says must be what the commit says. */
static int run(struct db *db, struct commit *commit, struct err *err)
{
    int r = commit_run(db, commit);

    if (r < 0)
        assert_true(commit_reason(commit)->text[0] != '\0');
    if (r < 0 && err)
        *err = *commit_reason(commit);
    commit_destroy(commit);
    return r;
}

int dbtool_create(struct db *db, const char *name, struct err *err)
{
    struct commit *commit = new_commit();

    assert_int_equal(commit_add_create(commit, name), 0);
    return run(db, commit, err);
}

int dbtool_drop(struct db *db, struct uuid table, const char *name, struct err *err)
{
    struct commit *commit = new_commit();

    assert_int_equal(commit_add_drop(commit, table, name), 0);
    return run(db, commit, err);
}

int dbtool_rename(struct db *db, struct uuid table, const char *from, const char *to,
                  bool no_replace, struct err *err)
{
    struct commit *commit = new_commit();

    assert_int_equal(commit_add_rename(commit, table, from, to, no_replace), 0);
    return run(db, commit, err);
}

void dbtool_stage(struct db *db, struct uuid table, const char *rows, size_t bytes,
                  struct stage *ret_stage)
{
    const char *line = rows, *end = rows + bytes;

    stage_init(ret_stage, db_store(db), table);
    while (line < end) {
        const char *feed = memchr(line, '\n', (size_t)(end - line));

        assert_non_null(feed);
        assert_int_equal(stage_append(ret_stage, line, (size_t)(feed + 1 - line), 1, NULL), 0);
        line = feed + 1;
    }
    assert_int_equal(stage_seal(ret_stage, NULL), 0);
}

static struct commit *writing(struct db *db, struct uuid table, bool replace, const char *rows,
                              uint64_t expect_version)
{
    struct commit *commit = new_commit();
    struct stage stage;

    dbtool_stage(db, table, rows, strlen(rows), &stage);
    assert_int_equal(commit_add_write(commit, table, replace, &stage, expect_version), 0);
    assert_int_equal(stage_bytes(&stage), 0); /* it was taken over */
    return commit;
}

int dbtool_write(struct db *db, struct uuid table, bool replace, const char *rows,
                 uint64_t expect_version, struct err *err)
{
    return run(db, writing(db, table, replace, rows, expect_version), err);
}

struct commit *dbtool_appending(struct db *db, struct uuid table, const char *rows)
{
    return writing(db, table, false, rows, 0);
}

int dbtool_append(struct db *db, struct uuid table, const char *rows)
{
    return dbtool_write(db, table, false, rows, 0, NULL);
}

static struct snapshot *refresh(struct db *db)
{
    struct snapshot *snapshot = NULL;
    struct err err = ERR_INIT;

    assert_ok(db_refresh(db, &snapshot, &err), &err);
    return snapshot;
}

struct table *dbtool_look(struct db *db, const char *name)
{
    struct snapshot *snapshot = refresh(db);
    struct table *table = snapshot_table_named(snapshot, name);

    assert_non_null(table);
    table_ref(table);
    snapshot_unref(snapshot);
    return table;
}

struct uuid dbtool_table(struct db *db, const char *name)
{
    struct err err = ERR_INIT;
    struct table *table;
    struct uuid uuid;

    assert_ok(dbtool_create(db, name, &err), &err);
    table = dbtool_look(db, name);
    uuid = table->uuid;
    table_unref(table);
    return uuid;
}

uint64_t dbtool_version(struct db *db)
{
    struct snapshot *snapshot = refresh(db);
    uint64_t version = snapshot->version;

    snapshot_unref(snapshot);
    return version;
}

bool dbtool_has(struct db *db, const char *name)
{
    struct snapshot *snapshot = refresh(db);
    bool has = snapshot_table_named(snapshot, name) != NULL;

    snapshot_unref(snapshot);
    return has;
}

char *dbtool_rows(struct db *db, const char *name)
{
    struct table *table = dbtool_look(db, name);
    size_t bytes = (size_t)table_bytes(table);
    char *rows = malloc(bytes + 1);
    struct err err = ERR_INIT;

    assert_non_null(rows);
    if (table_read(db_store(db), table, rows, bytes, 0, &err) != (int)bytes)
        assert_ok(-EIO, &err);
    rows[bytes] = '\0';
    table_unref(table);
    return rows;
}

void dbtool_expect(struct db *db, const char *name, const char *rows)
{
    struct table *table = dbtool_look(db, name);
    char *is = dbtool_rows(db, name);
    size_t feeds = 0;

    assert_string_equal(is, rows);
    for (const char *p = rows; *p; p++)
        feeds += *p == '\n';
    assert_int_equal(table_rows(table), feeds);
    free(is);
    table_unref(table);
}

size_t dbtool_count(struct db *db, const char *name, const char *row)
{
    char *rows = dbtool_rows(db, name);
    size_t count = 0;

    for (const char *p = rows; (p = strstr(p, row)); p++)
        count += p == rows || p[-1] == '\n';
    free(rows);
    return count;
}

char *dbtool_history(struct db *db)
{
    struct snapshot *snapshot = refresh(db);
    size_t bytes = (size_t)ptree_sum(snapshot->history, HISTORY_BYTES);
    char *lines = malloc(bytes + 1);
    struct err err = ERR_INIT;

    assert_non_null(lines);
    if (history_read(db_store(db), snapshot->history, lines, bytes, 0, &err) != (int)bytes)
        assert_ok(-EIO, &err);
    lines[bytes] = '\0';
    snapshot_unref(snapshot);
    return lines;
}
