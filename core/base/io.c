/* SPDX-License-Identifier: MIT */
/* System calls behind a replaceable table; EINTR and short transfers end here. */
#define _FILE_OFFSET_BITS 64
#include "core/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

static int system_openat(int dirfd, const char *path, int flags, mode_t mode)
{
    return openat(dirfd, path, flags, mode);
}

static int system_openat_beneath(int dirfd, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)flags,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};

    return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
}

static int system_fstatat(int dirfd, const char *path, struct stat *ret, int flags)
{
    return fstatat(dirfd, path, ret, flags);
}

static int system_fstat(int fd, struct stat *ret)
{
    return fstat(fd, ret);
}

const struct io_ops io_system = {
    .openat = system_openat,
    .openat_beneath = system_openat_beneath,
    .close = close,
    .pread = pread,
    .pwritev = pwritev,
    .ftruncate = ftruncate,
    .fsync = fsync,
    .linkat = linkat,
    .unlinkat = unlinkat,
    .mkdirat = mkdirat,
    .fstatat = system_fstatat,
    .fstat = system_fstat,
    .fstatvfs = fstatvfs,
};

static const struct io_ops *io = &io_system;

void io_set_ops(const struct io_ops *ops)
{
    io = ops ? ops : &io_system;
}

/* The value of a call, or what errno says, again for as long as a signal came between. */
#define IO_RETRY(call)                                                                             \
    ({                                                                                             \
        __typeof__(call) r_;                                                                       \
        do                                                                                         \
            r_ = (call);                                                                           \
        while (r_ < 0 && errno == EINTR);                                                          \
        r_ < 0 ? -errno : r_;                                                                      \
    })

int io_open(int dirfd, const char *path, int flags, mode_t mode)
{
    return IO_RETRY(io->openat(dirfd, path, flags | O_CLOEXEC, mode));
}

int io_open_beneath(int dirfd, const char *path, int flags)
{
    return IO_RETRY(io->openat_beneath(dirfd, path, flags | O_CLOEXEC));
}

void io_close(int fd)
{
    io->close(fd);
}

ssize_t io_pread(int fd, void *buf, size_t bytes, uint64_t offset)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t n =
            IO_RETRY(io->pread(fd, (char *)buf + done, bytes - done, (off_t)(offset + done)));

        if (n < 0)
            return n;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int io_pwritev(int fd, struct iovec *iov, int count, uint64_t offset)
{
    while (count > 0) {
        ssize_t n;

        if (iov->iov_len == 0) {
            iov++;
            count--;
            continue;
        }
        n = IO_RETRY(io->pwritev(fd, iov, count < IOV_MAX ? count : IOV_MAX, (off_t)offset));
        if (n < 0)
            return (int)n;
        if (n == 0)
            return -EIO; /* a file that takes nothing and reports nothing */
        offset += (uint64_t)n;
        for (; count > 0 && (size_t)n >= iov->iov_len; count--, iov++)
            n -= (ssize_t)iov->iov_len;
        if (count > 0) {
            iov->iov_base = (char *)iov->iov_base + n;
            iov->iov_len -= (size_t)n;
        }
    }
    return 0;
}

int io_pwrite(int fd, const void *buf, size_t bytes, uint64_t offset)
{
    struct iovec iov = {.iov_base = (void *)buf, .iov_len = bytes};

    return io_pwritev(fd, &iov, 1, offset);
}

int io_truncate(int fd, uint64_t bytes)
{
    return IO_RETRY(io->ftruncate(fd, (off_t)bytes));
}

int io_fsync(int fd)
{
    return IO_RETRY(io->fsync(fd));
}

int io_link(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags)
{
    return IO_RETRY(io->linkat(olddirfd, oldpath, newdirfd, newpath, flags));
}

int io_unlink(int dirfd, const char *path, int flags)
{
    return IO_RETRY(io->unlinkat(dirfd, path, flags));
}

int io_mkdir(int dirfd, const char *path, mode_t mode)
{
    return IO_RETRY(io->mkdirat(dirfd, path, mode));
}

int io_stat_at(int dirfd, const char *path, struct stat *ret)
{
    return IO_RETRY(io->fstatat(dirfd, path, ret, AT_SYMLINK_NOFOLLOW));
}

int io_stat_fd(int fd, struct stat *ret)
{
    return IO_RETRY(io->fstat(fd, ret));
}

int io_statvfs(int fd, struct statvfs *ret)
{
    return IO_RETRY(io->fstatvfs(fd, ret));
}
