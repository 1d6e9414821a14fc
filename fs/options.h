/* SPDX-License-Identifier: MIT */
/* What `rowfs mount` is told. */
#ifndef ROWFS_FS_OPTIONS_H
#define ROWFS_FS_OPTIONS_H

#include "core/db.h"
#include "fs/fs.h"

struct mount_options {
    char *store, *mountpoint; /* as given */
    bool foreground;
    bool nonempty;
    struct db_options db;
    struct fs_options fs;
    char *kernel; /* for libfuse: "allow_other,nosuid"; owned */
};

/*
 * Parses the arguments behind `rowfs mount`; argv[0] is for messages. Exits after
 * --help, --version and mistakes in how it is called, as argp does.
 */
void options_parse(int argc, char **argv, struct mount_options *ret_options);
void options_finish(struct mount_options *options);

/*
 * One comma-separated list of -o. Errors: -EINVAL with a sentence that names the
 * option, also for one that is unknown.
 */
int options_parse_list(const char *list, struct mount_options *options, struct err *err);

/* The options of -o, for --help. */
extern const char options_help[];

extern const char rowfs_version[];

#endif
