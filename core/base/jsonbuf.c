/* SPDX-License-Identifier: MIT */
/* JSON values as text in a buffer. */
#include "core/base/jsonbuf.h"

#include <errno.h>

static int append(const char *data, size_t bytes, void *buf)
{
    return buf_append(buf, data, bytes);
}

int jsonbuf_append(struct buf *buf, const json_t *value, size_t flags)
{
    return json_dump_callback(value, append, buf, flags | JSON_PRESERVE_ORDER) < 0 ? -ENOMEM : 0;
}

int jsonbuf_print(struct buf *buf, json_t *value, size_t flags)
{
    int r = value ? jsonbuf_append(buf, value, flags) : -ENOMEM;

    json_decref(value);
    return r < 0 ? r : buf_append(buf, "\n", 1);
}
