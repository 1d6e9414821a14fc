/* SPDX-License-Identifier: MIT */
/* What the kernel knows of mounts, and unmounting as root or with fusermount3. */
#ifndef ROWFS_FS_KERNEL_MOUNT_H
#define ROWFS_FS_KERNEL_MOUNT_H

#include <stdbool.h>

#include "core/base/err.h"

/* Whether a rowfs is mounted on this absolute path. */
bool kernel_has_rowfs(const char *path);

/* With `lazy` also when it is busy or its daemon is dead. Errors: -EBUSY, -EPERM, -EINVAL. */
int kernel_unmount(const char *path, bool lazy, struct err *err);

#endif
