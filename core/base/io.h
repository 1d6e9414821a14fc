/* SPDX-License-Identifier: MIT */
/*
 * Every system call on the store's files goes through here: the one seam at
 * which a test can fail the Nth call, write short, fill the disk, or leave out
 * an fsync.
 *
 * All functions return a value or a negative errno and never touch `errno`'s
 * meaning for the caller. EINTR is retried here, short reads and writes are
 * completed here; nothing above deals with them. Any thread.
 */
#ifndef ROWFS_BASE_IO_H
#define ROWFS_BASE_IO_H

#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The raw calls, with the signatures and the errno of the C library. */
struct io_ops {
    int (*openat)(int dirfd, const char *path, int flags, mode_t mode);
    int (*openat_beneath)(int dirfd, const char *path, int flags);
    int (*close)(int fd);
    ssize_t (*pread)(int fd, void *buf, size_t bytes, off_t offset);
    ssize_t (*pwritev)(int fd, const struct iovec *iov, int count, off_t offset);
    int (*ftruncate)(int fd, off_t bytes);
    int (*fsync)(int fd);
    int (*linkat)(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags);
    int (*unlinkat)(int dirfd, const char *path, int flags);
    int (*mkdirat)(int dirfd, const char *path, mode_t mode);
    int (*fstatat)(int dirfd, const char *path, struct stat *ret, int flags);
    int (*fstat)(int fd, struct stat *ret);
    int (*fstatvfs)(int fd, struct statvfs *ret);
};

/* The real calls; a test copies it and replaces some. */
extern const struct io_ops io_system;

/*
 * Replaces the calls for the whole process; NULL restores io_system. For
 * tests, before the threads that do I/O are started.
 */
void io_set_ops(const struct io_ops *ops);

/* A new close-on-exec descriptor. */
int io_open(int dirfd, const char *path, int flags, mode_t mode);

/*
 * Opens what exists below a directory, without following a symbolic link in any
 * part of the path (openat2(2)). Errors: -ELOOP, there is one; -EXDEV, it leads out.
 */
int io_open_beneath(int dirfd, const char *path, int flags);

/* Errors of close(2) are of no use to anybody who has called fsync: none is returned. */
void io_close(int fd);

/* Reads exactly `bytes`, or less only where the file ends; returns the count. */
ssize_t io_pread(int fd, void *buf, size_t bytes, uint64_t offset);

/* Writes all of the vectors (which are used up) or fails. Returns 0. */
int io_pwritev(int fd, struct iovec *iov, int count, uint64_t offset);
int io_pwrite(int fd, const void *buf, size_t bytes, uint64_t offset);

int io_truncate(int fd, uint64_t bytes);
int io_fsync(int fd);
int io_link(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags);
int io_unlink(int dirfd, const char *path, int flags);
int io_mkdir(int dirfd, const char *path, mode_t mode);
int io_stat_at(int dirfd, const char *path, struct stat *ret);
int io_stat_fd(int fd, struct stat *ret);
int io_statvfs(int fd, struct statvfs *ret);

#endif
