/* SPDX-License-Identifier: MIT */
/* A growing run of bytes. */
#ifndef ROWFS_BASE_BUF_H
#define ROWFS_BASE_BUF_H

#include <stddef.h>

/* Zeroed is empty. `data` is valid until the next call that adds; not NUL-terminated. */
struct buf {
    char *data;
    size_t bytes, capacity;
};

void buf_finish(struct buf *buf); /* frees; empty and usable afterwards */

/* Makes room for `more` bytes behind `bytes`. Errors: -ENOMEM, the buffer as it was. */
int buf_reserve(struct buf *buf, size_t more);
int buf_append(struct buf *buf, const void *data, size_t bytes);
int buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops the first `bytes` bytes. */
void buf_drop_front(struct buf *buf, size_t bytes);

#define cleanup_buf cleanup(buf_finish)

#endif
