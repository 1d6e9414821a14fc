/* SPDX-License-Identifier: MIT */
/* The one place where errors of the core become replies, lines in `errors` and traces. */
#ifndef ROWFS_FS_REPLY_H
#define ROWFS_FS_REPLY_H

#include "fs/fs.h"

/* Who asked, kept for when the request itself is answered already. */
struct caller {
    uid_t uid;
    pid_t pid;
};

struct caller reply_caller(fuse_req_t req);

/*
 * Notes a refusal: a line in the caller's `errors` and in the daemon's trace.
 * `name`, if not NULL, is an entry of the directory `node`.
 */
void reply_note(struct fs *fs, struct caller caller, struct node *node, const char *name, int code,
                const struct err *err);

/* Notes it and answers the request. */
void reply_refusal(fuse_req_t req, struct node *node, const char *name, int code,
                   const struct err *err);

/* The same with a sentence. */
void reply_refusal_text(fuse_req_t req, struct node *node, const char *name, int code,
                        const char *text);

/* Refuses to change what was. */
void reply_past(fuse_req_t req, struct node *node, const char *name);

/* Answers 0 or an error that no one needs to be told twice. */
void reply_code(fuse_req_t req, int code);

#endif
