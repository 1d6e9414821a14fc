/* SPDX-License-Identifier: MIT */
/* The member names of one row. */
#include "core/rownames.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/jsonescape.h"

/* Memory for decoded names of up to this much is kept for the next row. */
#define KEPT_DECODED_BYTES 65536

int rownames_init(struct rownames *names)
{
    *names = (struct rownames){0};
    return nameset_init(&names->many);
}

void rownames_finish(struct rownames *names)
{
    nameset_finish(&names->many);
    free(names->decoded);
    names->decoded = NULL;
}

/*
 * The line's first call makes room for all of its names, since later ones ask
 * for less: what was decoded does not move.
 */
static int reserve_decoded(struct rownames *names, size_t bytes)
{
    if (names->decoded_capacity >= bytes)
        return 0;
    free(names->decoded);
    names->decoded = malloc(bytes);
    names->decoded_capacity = names->decoded ? bytes : 0;
    return names->decoded ? 0 : -ENOMEM;
}

static int decode(struct rownames *names, const char *end, const char **text, size_t *bytes)
{
    int r = reserve_decoded(names, (size_t)(end - *text) + ROWNAMES_READABLE_BYTES);
    char *decoded;

    if (r < 0)
        return r;
    decoded = names->decoded + names->decoded_bytes;
    *bytes = (size_t)(jsonescape_decode(*text, *text + *bytes, decoded) - decoded);
    *text = decoded;
    names->decoded_bytes += *bytes;
    return 0;
}

static uint64_t load64(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

/* A few of the name's bytes, read at once. Nothing is read behind `end`. */
static inline uint64_t tag_of(const char *text, size_t bytes, const char *end)
{
    size_t room = (size_t)(end - text);
    uint64_t word;

    if (bytes > 8)
        return load64(text) + 3 * load64(text + bytes - 8);
    word = room >= 8 ? load64(text) : load64(end - 8) >> (64 - 8 * room);
    return bytes == 8 ? word : word & ((UINT64_C(1) << 8 * bytes) - 1);
}

int rownames_add(struct rownames *names, struct rownames_object *object, const char *text,
                 size_t bytes, bool escaped, const char *end)
{
    struct rowname *name;
    uint64_t tag;

    if (escaped) {
        int r = decode(names, end, &text, &bytes);

        if (r < 0)
            return r;
        end = names->decoded + names->decoded_capacity;
    }
    tag = tag_of(text, bytes, end);
    for (name = object->few; name < object->few + object->few_count; name++)
        if (name->tag == tag && name->bytes == bytes && !memcmp(name->text, text, bytes))
            return 1;
    if (object->few_count < ROWNAMES_FEW) {
        object->few_count++;
        *name = (struct rowname){.text = text, .bytes = bytes, .tag = tag};
        return 0;
    }
    if (!object->group)
        object->group = nameset_new_group(&names->many);
    return nameset_add(&names->many, object->group, text, bytes);
}

void rownames_clear(struct rownames *names)
{
    nameset_clear(&names->many);
    names->decoded_bytes = 0;
    if (names->decoded_capacity > KEPT_DECODED_BYTES) {
        free(names->decoded);
        names->decoded = NULL;
        names->decoded_capacity = 0;
    }
}
