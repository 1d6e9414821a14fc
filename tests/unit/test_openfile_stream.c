/* SPDX-License-Identifier: MIT */
/* Open files that are streams, that are large, that are read, and that threads share. */
#include <endian.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/store/segment_format.h"
#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

/* --- streams ----------------------------------------------------------------------- */

static void each_write_to_a_stream_commits_its_complete_lines(void **state)
{
    uint64_t version = dbtool_version(temp.db);

    (void)state;
    fixture_write(OPENER, ROW1 ROW2);
    dbtool_expect(temp.db, "t", ROW1 ROW2);
    assert_int_equal(dbtool_version(temp.db), version + 1);
    fixture_write(OPENER, "{\"n\"");
    assert_int_equal(dbtool_version(temp.db), version + 1);
    fixture_write(OPENER, ":3}\n{");
    dbtool_expect(temp.db, "t", ROW1 ROW2 ROW3);
    fixture_write(OPENER, "\"n\":1}");
    assert_int_equal(dbtool_version(temp.db), version + 2);
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW1 ROW2 ROW3 ROW1);
}

static void a_bad_write_to_a_stream_commits_nothing_and_poisons_nothing(void **state)
{
    (void)state;
    fixture_write(OPENER, ROW1);
    assert_int_equal(filetool_write(file, OPENER, ROW2 "nonsense\n" ROW2), -EINVAL);
    assert_true(filetool_reason()->text[0] != '\0');
    fixture_write(OPENER, ROW3);
    dbtool_expect(temp.db, "t", ROW1 ROW3);
    assert_int_equal(filetool_close(file, OPENER), 0);
    assert_int_equal(fixture_release(), 0);
}

static void a_failed_commit_of_a_stream_is_told_by_the_write_and_the_next_works(void **state)
{
    (void)state;
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_int_equal(filetool_write(file, OPENER, ROW1), -ENOSPC);
    assert_has(filetool_reason()->text, "No space");
    fixture_write(OPENER, ROW2);
    dbtool_expect(temp.db, "t", ROW2);
}

static void a_failed_commit_of_one_writer_leaves_the_line_of_another(void **state)
{
    (void)state;
    fixture_write(CHILD, "{\"n\"");
    faultio_rule(FAULTIO_LINK, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_int_equal(filetool_write(file, OTHER, ROW1), -ENOSPC);
    fixture_write(CHILD, ":2}\n");
    dbtool_expect(temp.db, "t", ROW2);
}

static void the_rest_of_a_refused_line_is_no_row_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(filetool_write(file, OPENER, "bad\n{\"x\":"), -EINVAL);
    assert_int_equal(filetool_write(file, OPENER, ROW1), -EINVAL); /* ends that line */
    fixture_write(OPENER, ROW2);
    dbtool_expect(temp.db, "t", ROW2);
    assert_int_equal(filetool_write(file, OPENER, "bad\n{\"x\":"), -EINVAL);
    assert_int_equal(filetool_write(file, OPENER, "still it"), -EINVAL);
    fixture_write(OTHER, ROW1); /* another writer has lines of its own */
    assert_int_equal(filetool_write(file, OPENER, "}\n{\"x\":"), -EINVAL);
    assert_int_equal(filetool_write(file, OPENER, "1}\n"), -EINVAL);
    fixture_write(OPENER, ROW3);
    dbtool_expect(temp.db, "t", ROW2 ROW1 ROW3);
}

static void a_write_that_the_disk_refused_can_be_made_again(void **state)
{
    (void)state;
    faultio_rule(FAULTIO_OPEN_UNNAMED, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_int_equal(filetool_write(file, OPENER, ROW1), -ENOSPC);
    fixture_write(OPENER, ROW1);
    fixture_write(OPENER, "{\"x\":");
    faultio_rule(FAULTIO_OPEN_UNNAMED, 0, 1, FAULTIO_REFUSE, ENOSPC);
    assert_int_equal(filetool_write(file, OPENER, "{}}\n"), -ENOSPC);
    /* But not from the middle of a line on: that would be another row. */
    assert_int_equal(filetool_write(file, OPENER, "{}}\n"), -EINVAL);
    fixture_write(OPENER, ROW2);
    dbtool_expect(temp.db, "t", ROW1 ROW2);
}

static void an_unfinished_end_of_a_stream_is_refused_and_the_rest_stays(void **state)
{
    (void)state;
    fixture_write(OPENER, ROW1 "{\"n\":");
    assert_int_equal(filetool_close(file, OPENER), -EINVAL);
    assert_has(filetool_reason()->text, "unfinished");
    dbtool_expect(temp.db, "t", ROW1);
    fixture_write(OPENER, ROW2 "{\"n\":");
    assert_int_equal(filetool_end(file, OPENER, OPENFILE_KILLED), -ECANCELED);
    dbtool_expect(temp.db, "t", ROW1 ROW2);
    assert_int_equal(fixture_release(), 0);
}

/* --- reading ------------------------------------------------------------------------- */

static void expect_reads(const char *text)
{
    size_t bytes = strlen(text);
    char read[256];

    assert_int_equal(openfile_bytes(file), bytes);
    for (size_t offset = 0; offset <= bytes + 1; offset++)
        for (size_t count = 0; count <= bytes + 2; count++) {
            size_t there = offset < bytes ? bytes - offset : 0;

            there = there < count ? there : count;
            assert_int_equal(openfile_read(file, read, count, offset, NULL), there);
            assert_memory_equal(read, text + (there ? offset : 0), there);
        }
}

static void a_reader_sees_the_table_as_it_was_opened_and_what_was_written(void **state)
{
    (void)state;
    expect_reads("");
    fixture_write(OPENER, ROW1);
    expect_reads(ROW1);
    assert_int_equal(filetool_close(file, OPENER), 0);
    expect_reads(ROW1);
    fixture_write(OPENER, ROW2);
    assert_int_equal(dbtool_append(temp.db, t, ROW3), 0);
    expect_reads(ROW1 ROW2); /* not what others do meanwhile */
    assert_int_equal(filetool_close(file, OPENER), 0);
    dbtool_expect(temp.db, "t", ROW1 ROW3 ROW2);
}

static void a_reader_of_a_replacement_sees_the_replacement(void **state)
{
    struct openfile_options options = {.replace = true, .append = true};

    (void)state;
    assert_int_equal(dbtool_append(temp.db, t, ROW1), 0);
    fixture_release();
    file = filetool_open(temp.db, "t", &options);
    expect_reads("");
    fixture_write(OPENER, ROW2 ROW3);
    expect_reads(ROW2 ROW3);
    assert_int_equal(openfile_truncate(file, 0, NULL), 0);
    expect_reads("");
}

/* --- large files ------------------------------------------------------------------------ */

#define LARGE_BYTES (5 * 1024 * 1024)

/* Rows of every length up to some hundred bytes. */
static void make_large(struct buf *rows)
{
    uint64_t seed = 8;

    for (size_t i = 0; rows->bytes < LARGE_BYTES; i++)
        buf_printf(rows, "{\"i\":%zu,\"x\":\"%0*d\"}\n", i,
                   (int)(1 + check_random_below(&seed, 400)), 7);
}

static void five_megabytes_go_to_a_segment_and_come_back(void **state)
{
    char *read = malloc(LARGE_BYTES + 1024), *rows;
    struct buf large = {0};
    struct table *table;

    (void)state;
    assert_non_null(read);
    make_large(&large);
    for (size_t at = 0, n; at < large.bytes; at += n) {
        n = large.bytes - at < 131072 ? large.bytes - at : 131072;
        assert_int_equal(filetool_write_bytes(file, OPENER, large.data + at, n, 0), 0);
        /* What a reader of the open file sees behind its complete lines is not decided. */
        assert_true(openfile_read(file, read, LARGE_BYTES, 0, NULL) > (int)(at + n) - 512);
        assert_memory_equal(read, large.data, at + n - 512);
    }
    assert_int_equal(filetool_close(file, OPENER), 0);
    rows = dbtool_rows(temp.db, "t");
    assert_int_equal(strlen(rows), large.bytes);
    assert_memory_equal(rows, large.data, large.bytes);
    table = dbtool_look(temp.db, "t");
    assert_int_equal(ptree_count(table->extents), 1);
    assert_int_equal(ptree_sum(table->extents, EXTENT_SEGMENTS), 1);
    table_unref(table);
    free(rows);
    free(read);
    buf_finish(&large);
}

static void a_disk_that_is_full_refuses_the_write_that_it_cannot_take(void **state)
{
    struct buf large = {0};

    (void)state;
    make_large(&large);
    faultio_rule(FAULTIO_WRITE, 2, 1, FAULTIO_REFUSE, ENOSPC);
    assert_int_equal(filetool_write_bytes(file, OPENER, large.data, large.bytes, 0), 0);
    assert_int_equal(filetool_write(file, OPENER, "\n"), 0);
    assert_int_equal(filetool_write_bytes(file, OPENER, large.data, large.bytes, 0), 0);
    assert_int_equal(filetool_write_bytes(file, OPENER, large.data, large.bytes, 0), -ENOSPC);
    assert_int_equal(fixture_release(), -ENOSPC);
    dbtool_expect(temp.db, "t", "");
    assert_int_equal(tempstore_entries(&temp, "data"), 0);
    buf_finish(&large);
}

/* The rows before each block, as the sidecar of the table's only segment says. */
static void expect_rows_before(const char *rows, size_t bytes)
{
    struct table *table = dbtool_look(temp.db, "t");
    const struct extent *extent = ptree_last(table->extents);
    const struct segment_block *blocks;
    struct buf index = {0};
    uint64_t begun = 0;

    tempstore_read(&temp, extent->object->entry.index_path, &index);
    blocks = (const void *)(index.data + sizeof(struct segment_header));
    for (size_t i = 0; i < bytes; i++) {
        if (i % SEGMENT_BLOCK_BYTES == 0)
            assert_int_equal(le64toh(blocks[i / SEGMENT_BLOCK_BYTES].rows_before), begun);
        begun += i == 0 || rows[i - 1] == '\n';
    }
    assert_int_equal(table_rows(table), begun);
    buf_finish(&index);
    table_unref(table);
}

static void a_segment_of_rows_that_had_a_CR_is_counted_right(void **state)
{
    static char row[SEGMENT_BLOCK_BYTES + 8];
    char *rows;

    (void)state;
    for (size_t bytes = SEGMENT_BLOCK_BYTES - 1; bytes <= SEGMENT_BLOCK_BYTES + 1; bytes++) {
        memset(row, 'x', bytes);
        memcpy(row, "{\"a\":\"", 6);
        memcpy(row + bytes - 2, "\"}\r\n", 5);
        fixture_write(OPENER, row);
        fixture_write(OPENER, ROW1 ROW2);
        assert_int_equal(filetool_close(file, OPENER), 0);
        rows = dbtool_rows(temp.db, "t");
        assert_int_equal(strlen(rows), bytes + 1 + 16);
        expect_rows_before(rows, strlen(rows));
        assert_int_equal(dbtool_write(temp.db, t, true, "", 0, NULL), 0);
        free(rows);
    }
}

/* --- threads ------------------------------------------------------------------------------ */

#define THREADS 4
#define WRITES  200

struct process {
    pthread_t thread;
    uint64_t owner;
    int result;
};

/* Lines in two pieces, as a process does that writes from a small buffer. */
static void *write_lines(void *context)
{
    struct process *process = context;

    for (unsigned i = 0; i < WRITES && !process->result; i++) {
        char row[64];
        size_t bytes =
            (size_t)snprintf(row, sizeof row, "{\"w\":%u,\"n\":%u}\n", (unsigned)process->owner, i);

        process->result = filetool_write_bytes(file, process->owner, row, 5, 0);
        if (!process->result)
            process->result = filetool_write_bytes(file, process->owner, row + 5, bytes - 5, 0);
    }
    if (!process->result)
        process->result = filetool_close(file, process->owner);
    return NULL;
}

static void share_among_threads(void)
{
    struct process processes[THREADS];

    for (uint64_t i = 0; i < THREADS; i++) {
        processes[i] = (struct process){.owner = 10 + i};
        assert_int_equal(pthread_create(&processes[i].thread, NULL, write_lines, &processes[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(processes[i].thread, NULL);
        assert_int_equal(processes[i].result, 0);
    }
}

static void expect_all_rows(void)
{
    char *rows = dbtool_rows(temp.db, "t"), *line = rows;
    unsigned next[THREADS] = {0}, w, n;
    int length;

    for (; sscanf(line, "{\"w\":%u,\"n\":%u}%n", &w, &n, &length) == 2; line += length + 1) {
        assert_in_range(w, 10, 10 + THREADS - 1);
        assert_int_equal(n, next[w - 10]);
        next[w - 10]++;
    }
    assert_int_equal(*line, '\0');
    for (w = 0; w < THREADS; w++)
        assert_int_equal(next[w], WRITES);
    free(rows);
}

static void threads_that_share_a_file_lose_and_tear_nothing(void **state)
{
    uint64_t version = dbtool_version(temp.db);

    (void)state;
    share_among_threads();
    assert_int_equal(filetool_close(file, OPENER), 0);
    assert_int_equal(dbtool_version(temp.db), version + 1);
    expect_all_rows();
}

static void threads_that_share_a_stream_lose_and_tear_nothing(void **state)
{
    (void)state;
    share_among_threads();
    expect_all_rows();
    assert_int_equal(fixture_release(), 0);
}

#define test(name)        cmocka_unit_test_setup_teardown(name, fixture_begin_file, fixture_end)
#define test_stream(name) cmocka_unit_test_setup_teardown(name, fixture_begin_stream, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_stream(each_write_to_a_stream_commits_its_complete_lines),
        test_stream(a_bad_write_to_a_stream_commits_nothing_and_poisons_nothing),
        test_stream(a_failed_commit_of_a_stream_is_told_by_the_write_and_the_next_works),
        test_stream(a_failed_commit_of_one_writer_leaves_the_line_of_another),
        test_stream(the_rest_of_a_refused_line_is_no_row_of_its_own),
        test_stream(a_write_that_the_disk_refused_can_be_made_again),
        test_stream(an_unfinished_end_of_a_stream_is_refused_and_the_rest_stays),
        test(a_reader_sees_the_table_as_it_was_opened_and_what_was_written),
        test(a_reader_of_a_replacement_sees_the_replacement),
        test(five_megabytes_go_to_a_segment_and_come_back),
        test(a_disk_that_is_full_refuses_the_write_that_it_cannot_take),
        test(a_segment_of_rows_that_had_a_CR_is_counted_right),
        test(threads_that_share_a_file_lose_and_tear_nothing),
        test_stream(threads_that_share_a_stream_lose_and_tear_nothing),
    };

    return cmocka_run_group_tests_name("openfile stream", tests, NULL, NULL);
}
