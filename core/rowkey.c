/* SPDX-License-Identifier: MIT */
/* Keys of rows. */
#include "core/rowkey.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

int rowkey_append(struct slice value_key, struct buf *key)
{
    uint32_t bytes = htole32((uint32_t)value_key.bytes); /* indexes that hash it are kept */

    if (buf_append(key, &bytes, sizeof bytes) < 0)
        return -ENOMEM;
    return buf_append(key, value_key.text, value_key.bytes);
}

static const struct column *key_column(const struct schema *schema, size_t i)
{
    return &schema->columns[schema->key[i]];
}

int rowkey_of_row(const struct schema *schema, struct slice row, struct buf *key)
{
    cleanup_buf struct buf value = {0};
    int r = 0;

    for (size_t i = 0; i < schema->key_count && !r; i++) {
        const struct column *column = key_column(schema, i);

        value.bytes = 0;
        r = value_key(column->type, json_find(row, column->name), &value);
        if (!r)
            r = rowkey_append(slice_of(value.data, value.bytes), key);
    }
    return r;
}

#define PRINTED_BYTES 100

int rowkey_print(const struct schema *schema, struct slice row, struct buf *text)
{
    int r = 0;

    for (size_t i = 0; i < schema->key_count && !r; i++) {
        const struct column *column = key_column(schema, i);
        struct slice value = json_find(row, column->name);
        int bytes = value.bytes > PRINTED_BYTES ? PRINTED_BYTES : (int)value.bytes;

        r = buf_printf(text, "%s%.*s %.*s%s", i ? ", " : "", (int)column->name.bytes,
                       column->name.text, bytes, value.text ? value.text : "",
                       bytes < (int)value.bytes ? "..." : "");
    }
    return r;
}

int rowkey_signature(const struct schema *schema, uint64_t *ret_signature)
{
    cleanup_buf struct buf text = {0};
    char type[TYPE_TEXT_BYTES];
    int r = 0;

    for (size_t i = 0; i < schema->key_count && !r; i++) {
        type_to_text(key_column(schema, i)->type, type);
        r = rowkey_append(key_column(schema, i)->name, &text);
        if (!r)
            r = buf_printf(&text, "%s", type);
    }
    if (!r)
        *ret_signature = hash64_bytes(text.data, text.bytes);
    return r;
}
