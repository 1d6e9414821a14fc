/* SPDX-License-Identifier: MIT */
/* Mounts as the kernel lists them. */
#include "fs/kernel_mount.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

bool kernel_has_rowfs(const char *path)
{
    FILE *mounts = setmntent("/proc/self/mounts", "r");
    const struct mntent *entry;
    bool found = false;

    while (mounts && (entry = getmntent(mounts)))
        if (!strcmp(entry->mnt_dir, path)) /* the last one lies on top */
            found = !strcmp(entry->mnt_type, "fuse.rowfs");
    if (mounts)
        endmntent(mounts);
    return found;
}

/* The set-uid helper of libfuse, for those who may not call umount(2). */
static int run_fusermount(const char *path, bool lazy)
{
    pid_t child = fork();
    int status;

    if (child < 0)
        return -errno;
    if (child == 0) {
        execlp("fusermount3", "fusermount3", lazy ? "-uz" : "-u", "--", path, (char *)NULL);
        _exit(127);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status == 0 ? 0 : -EBUSY; /* why, it has said on standard error */
}

/* Who has mounted what lies on top at `path`; -1: not known. */
static long mounted_by(const char *path)
{
    FILE *mounts = setmntent("/proc/self/mounts", "r");
    const struct mntent *entry;
    long uid = -1;

    while (mounts && (entry = getmntent(mounts))) {
        const char *option = strcmp(entry->mnt_dir, path) ? NULL : hasmntopt(entry, "user_id");

        if (option)
            uid = atol(option + strlen("user_id="));
    }
    if (mounts)
        endmntent(mounts);
    return uid;
}

int kernel_unmount(const char *path, bool lazy, struct err *err)
{
    int r = umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) < 0 ? -errno : 0;
    long owner = r == -EPERM ? mounted_by(path) : -1;

    if (owner >= 0 && owner != (long)getuid())
        return err_set(err, r, "cannot unmount %s: only root and the user %ld who mounted it can",
                       path, owner);
    if (r == -EPERM)
        r = run_fusermount(path, lazy);
    return r < 0 ? err_set(err, r, "cannot unmount %s: %s", path, strerror(-r)) : 0;
}
