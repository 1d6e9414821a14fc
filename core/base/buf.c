/* SPDX-License-Identifier: MIT */
/* A growing run of bytes. */
#include "core/base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_finish(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

int buf_reserve(struct buf *buf, size_t more)
{
    size_t want, capacity;
    char *data;

    if (more <= buf->capacity - buf->bytes)
        return 0;
    if (__builtin_add_overflow(buf->bytes, more, &want))
        return -ENOMEM;
    capacity = buf->capacity + buf->capacity / 2;
    if (capacity < want)
        capacity = want;
    data = realloc(buf->data, capacity);
    if (!data)
        return -ENOMEM;
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

int buf_append(struct buf *buf, const void *data, size_t bytes)
{
    int r = buf_reserve(buf, bytes);

    if (r < 0)
        return r;
    if (bytes)
        memcpy(buf->data + buf->bytes, data, bytes);
    buf->bytes += bytes;
    return 0;
}

int buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args, again;
    int n, r;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    r = n < 0 ? -EINVAL : buf_reserve(buf, (size_t)n + 1);
    if (!r) {
        vsnprintf(buf->data + buf->bytes, (size_t)n + 1, fmt, again);
        buf->bytes += (size_t)n;
    }
    va_end(again);
    return r;
}

void buf_drop_front(struct buf *buf, size_t bytes)
{
    buf->bytes -= bytes;
    if (bytes && buf->bytes)
        memmove(buf->data, buf->data + bytes, buf->bytes);
}
