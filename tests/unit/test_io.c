/* SPDX-License-Identifier: MIT */
/* What core promises in core/base/io.h, one fact a test. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/io.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"

static int dirfd_, fd; /* an open directory, and a file "f" in it of the ten digits */

static int begin(void **state)
{
    fixture_begin(state);
    dirfd_ = open(temp.root, O_RDONLY | O_DIRECTORY);
    fd = openat(dirfd_, "f", O_RDWR | O_CREAT, 0666);
    return dirfd_ < 0 || fd < 0 || write(fd, "0123456789", 10) != 10;
}

static int end(void **state)
{
    close(fd);
    close(dirfd_);
    return fixture_end(state);
}

static int call_open(void)
{
    int new_fd = io_open(dirfd_, "f", O_RDONLY, 0);

    if (new_fd < 0)
        return new_fd;
    close(new_fd);
    return 0;
}

static int call_open_unnamed(void)
{
    int new_fd = io_open(dirfd_, ".", O_RDWR | O_TMPFILE, 0666);

    if (new_fd < 0)
        return new_fd;
    close(new_fd);
    return 0;
}

static int call_read(void)
{
    char buf[10];
    int n = (int)io_pread(fd, buf, sizeof buf, 0);

    return n < 0 ? n : n == 10 && !memcmp(buf, "0123456789", 10) ? 0 : -1000;
}

static int call_write(void)
{
    return io_pwrite(fd, "0123456789", 10, 0);
}

static int call_truncate(void)
{
    return io_truncate(fd, 10);
}

static int call_fsync(void)
{
    return io_fsync(fd);
}

static int call_fsync_dir(void)
{
    return io_fsync(dirfd_);
}

static int call_link(void)
{
    int r = io_link(dirfd_, "f", dirfd_, "g", 0);

    unlinkat(dirfd_, "g", 0);
    return r;
}

static int call_unlink(void)
{
    close(openat(dirfd_, "h", O_RDWR | O_CREAT, 0666));
    return io_unlink(dirfd_, "h", 0);
}

static int call_mkdir(void)
{
    int r = io_mkdir(dirfd_, "d", 0777);

    unlinkat(dirfd_, "d", AT_REMOVEDIR);
    return r;
}

static int call_stat_at(void)
{
    struct stat st;

    return io_stat_at(dirfd_, "f", &st);
}

static int call_stat_fd(void)
{
    struct stat st;

    return io_stat_fd(fd, &st);
}

static int call_statvfs(void)
{
    struct statvfs vfs;

    return io_statvfs(fd, &vfs);
}

static int (*const calls[])(void) = {
    [FAULTIO_OPEN] = call_open,           [FAULTIO_OPEN_UNNAMED] = call_open_unnamed,
    [FAULTIO_READ] = call_read,           [FAULTIO_WRITE] = call_write,
    [FAULTIO_TRUNCATE] = call_truncate,   [FAULTIO_FSYNC] = call_fsync,
    [FAULTIO_FSYNC_DIR] = call_fsync_dir, [FAULTIO_LINK] = call_link,
    [FAULTIO_UNLINK] = call_unlink,       [FAULTIO_MKDIR] = call_mkdir,
    [FAULTIO_STAT_AT] = call_stat_at,     [FAULTIO_STAT_FD] = call_stat_fd,
    [FAULTIO_STATVFS] = call_statvfs,
};

static void a_call_that_a_signal_interrupts_is_made_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
        faultio_reset();
        faultio_rule((enum faultio_call)i, 0, 3, FAULTIO_REFUSE, EINTR);
        assert_int_equal(calls[i](), 0);
        assert_int_equal(faultio_count((enum faultio_call)i), 4);
    }
}

static void what_errno_says_is_the_result(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
        faultio_reset();
        faultio_rule((enum faultio_call)i, 0, 1, FAULTIO_REFUSE, EDQUOT);
        assert_int_equal(calls[i](), -EDQUOT);
        assert_int_equal(faultio_count((enum faultio_call)i), 1);
    }
}

static void a_short_read_is_completed(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 11; n++) {
        faultio_reset();
        faultio_shorten(n);
        assert_int_equal(call_read(), 0);
    }
    faultio_reset();
    faultio_shorten(4);
    faultio_rule(FAULTIO_READ, 1, 1, FAULTIO_REFUSE, EINTR);
    assert_int_equal(call_read(), 0);
    assert_int_equal(faultio_count(FAULTIO_READ), 4);
}

static void a_read_ends_where_the_file_ends(void **state)
{
    char buf[20] = "....................";

    (void)state;
    faultio_shorten(3);
    assert_int_equal(io_pread(fd, buf, sizeof buf, 7), 3);
    assert_memory_equal(buf, "789.", 4);
    assert_int_equal(io_pread(fd, buf, sizeof buf, 10), 0);
    assert_int_equal(io_pread(fd, buf, sizeof buf, 1 << 20), 0);
    assert_int_equal(io_pread(fd, buf, 0, 0), 0);
}

static void a_read_that_fails_half_way_is_an_error(void **state)
{
    char buf[10];

    (void)state;
    faultio_shorten(4);
    faultio_rule(FAULTIO_READ, 2, 1, FAULTIO_REFUSE, EIO);
    assert_int_equal(io_pread(fd, buf, sizeof buf, 0), -EIO);
}

static void expect_content(const char *expected)
{
    char buf[64] = "";

    assert_int_equal(pread(fd, buf, sizeof buf - 1, 0), strlen(expected));
    assert_string_equal(buf, expected);
}

/* Writes "abcdefghij" behind the first five digits, from vectors that are partly empty. */
static int write_vectors(void)
{
    char a[] = "abc", b[] = "d", c[] = "efghij";
    struct iovec iov[] = {
        {.iov_base = a, .iov_len = 0}, {.iov_base = a, .iov_len = 3}, {.iov_base = NULL},
        {.iov_base = b, .iov_len = 1}, {.iov_base = c, .iov_len = 6}, {.iov_base = NULL},
    };

    return io_pwritev(fd, iov, (int)ARRAY_COUNT(iov), 5);
}

static void a_short_write_is_completed_across_its_vectors(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 11; n++) {
        assert_int_equal(ftruncate(fd, 5), 0);
        faultio_reset();
        faultio_shorten(n);
        faultio_rule(FAULTIO_WRITE, 1, 2, FAULTIO_REFUSE, EINTR);
        assert_int_equal(write_vectors(), 0);
        expect_content("01234abcdefghij");
    }
}

static void more_vectors_than_the_system_takes_are_written_all(void **state)
{
    size_t count = 2 * IOV_MAX + 3;
    struct iovec *iov = calloc(count, sizeof *iov);
    char *digits = malloc(count), *read = malloc(count);

    (void)state;
    assert_true(iov && digits && read);
    for (size_t i = 0; i < count; i++) {
        digits[i] = (char)('0' + i % 10);
        iov[i] = (struct iovec){.iov_base = &digits[i], .iov_len = 1};
    }
    assert_int_equal(io_pwritev(fd, iov, (int)count, 0), 0);
    assert_int_equal(pread(fd, read, count, 0), count);
    assert_memory_equal(read, digits, count);
    free(iov);
    free(digits);
    free(read);
}

static ssize_t write_nothing(int to, const struct iovec *iov, int count, off_t offset)
{
    (void)to;
    (void)iov;
    (void)count;
    (void)offset;
    return 0;
}

static void a_file_that_takes_nothing_is_an_error_and_no_endless_loop(void **state)
{
    struct io_ops ops = io_system;

    (void)state;
    ops.pwritev = write_nothing;
    io_set_ops(&ops);
    assert_int_equal(io_pwrite(fd, "x", 1, 0), -EIO);
    assert_int_equal(io_pwrite(fd, "x", 0, 0), 0);
    io_set_ops(NULL);
    assert_int_equal(io_pwrite(fd, "x", 1, 0), 0);
    expect_content("x123456789");
}

static void a_descriptor_is_closed_on_exec(void **state)
{
    int new_fd = io_open(dirfd_, "f", O_RDONLY, 0);

    (void)state;
    assert_true(fcntl(new_fd, F_GETFD) & FD_CLOEXEC);
    io_close(new_fd);
    assert_int_equal(fcntl(new_fd, F_GETFD), -1);
}

static void a_symbolic_link_is_looked_at_and_not_followed(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(symlinkat("f", dirfd_, "s"), 0);
    assert_int_equal(io_stat_at(dirfd_, "s", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_call_that_a_signal_interrupts_is_made_again),
        test(what_errno_says_is_the_result),
        test(a_short_read_is_completed),
        test(a_read_ends_where_the_file_ends),
        test(a_read_that_fails_half_way_is_an_error),
        test(a_short_write_is_completed_across_its_vectors),
        test(more_vectors_than_the_system_takes_are_written_all),
        test(a_file_that_takes_nothing_is_an_error_and_no_endless_loop),
        test(a_descriptor_is_closed_on_exec),
        test(a_symbolic_link_is_looked_at_and_not_followed),
    };

    return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
