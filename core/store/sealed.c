/* SPDX-License-Identifier: MIT */
/* JSON with its own checksum in front. */
#include "core/store/sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/jsonbuf.h"

#define SEALED_HEAD       "{\"xxh3\":\""
#define SEALED_HEAD_BYTES (sizeof SEALED_HEAD - 1)

_Static_assert(SEALED_HEAD_BYTES + HASH_HEX_BYTES + 2 == SEALED_PREFIX_BYTES, "see sealed.h");

int sealed_write(json_t *object, const struct iovec *body, size_t body_pieces, struct buf *buf,
                 struct hash *ret_hash)
{
    char hex[HASH_HEX_BYTES + 1];
    size_t more = 0;

    for (size_t i = 0; i < body_pieces; i++)
        more += body[i].iov_len;
    if (buf_reserve(buf, SEALED_PREFIX_BYTES + 512 + more) < 0)
        return -ENOMEM;

    /* The object's own brace is the last byte of the prefix until it is overwritten. */
    buf->bytes = SEALED_PREFIX_BYTES - 1;
    if (jsonbuf_append(buf, object, JSON_COMPACT) < 0 || buf_append(buf, "\n", 1) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < body_pieces; i++)
        if (buf_append(buf, body[i].iov_base, body[i].iov_len) < 0)
            return -ENOMEM;

    *ret_hash = hash_bytes(buf->data + SEALED_PREFIX_BYTES, buf->bytes - SEALED_PREFIX_BYTES);
    hash_to_hex(*ret_hash, hex);
    memcpy(buf->data, SEALED_HEAD, SEALED_HEAD_BYTES);
    memcpy(buf->data + SEALED_HEAD_BYTES, hex, HASH_HEX_BYTES);
    memcpy(buf->data + SEALED_HEAD_BYTES + HASH_HEX_BYTES, "\",", 2);
    return 0;
}

int sealed_verify(const char *name, const void *data, size_t bytes, struct hash *ret_hash,
                  struct err *err)
{
    const char *text = data;
    struct hash said, is;

    if (bytes < SEALED_PREFIX_BYTES || memcmp(text, SEALED_HEAD, SEALED_HEAD_BYTES) ||
        hash_from_hex(text + SEALED_HEAD_BYTES, &said) < 0 ||
        memcmp(text + SEALED_PREFIX_BYTES - 2, "\",", 2))
        return err_set(err, -EIO, "%s is damaged: it does not begin with a checksum", name);
    is = hash_bytes(text + SEALED_PREFIX_BYTES, bytes - SEALED_PREFIX_BYTES);
    if (!hash_equal(said, is))
        return err_set(err, -EIO, "%s is damaged: its checksum does not match", name);
    *ret_hash = is;
    return 0;
}

int sealed_read(const char *name, const void *data, size_t bytes, json_t **ret_object,
                struct hash *ret_hash, size_t *ret_body_offset, struct err *err)
{
    const char *end;
    json_error_t error;
    json_t *object;
    int r = sealed_verify(name, data, bytes, ret_hash, err);

    if (r < 0)
        return r;
    end = memchr(data, '\n', bytes);
    if (!end)
        return err_set(err, -EIO, "%s is damaged: it has no line", name);
    object = json_loadb(data, (size_t)(end - (const char *)data), JSON_REJECT_DUPLICATES, &error);
    if (!object && json_error_code(&error) == json_error_out_of_memory)
        return err_nomem(err);
    if (!json_is_object(object)) {
        json_decref(object);
        return err_set(err, -EIO, "%s is damaged: its first line is no JSON object", name);
    }
    *ret_object = object;
    *ret_body_offset = (size_t)(end + 1 - (const char *)data);
    return 0;
}
