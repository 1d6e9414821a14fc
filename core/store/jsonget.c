/* SPDX-License-Identifier: MIT */
/* Typed members of JSON objects that come from the disk. */
#include "core/store/jsonget.h"

#include <errno.h>
#include <string.h>

#include "core/base/timefmt.h"

int jsonget_fail(struct jsonget *get, const char *what)
{
    if (!get->failed)
        get->failed = err_set(get->err, -EIO, "%s is damaged: %s", get->name, what);
    return get->failed;
}

static json_t *member(struct jsonget *get, json_t *object, const char *key, const char *what,
                      bool (*is)(const json_t *))
{
    json_t *value = get->failed ? NULL : json_object_get(object, key);

    if (get->failed || (value && is(value)))
        return value;
    get->failed = err_set(get->err, -EIO, "%s is damaged: \"%s\" must be %s", get->name, key, what);
    return NULL;
}

static bool is_natural(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool is_string(const json_t *value)
{
    return json_is_string(value);
}

static bool is_array(const json_t *value)
{
    return json_is_array(value);
}

static bool is_uuid(const json_t *value)
{
    struct uuid uuid;

    return json_is_string(value) && uuid_from_text(json_string_value(value), &uuid) == 0;
}

static bool is_hash(const json_t *value)
{
    struct hash hash;

    return json_is_string(value) && json_string_length(value) == HASH_HEX_BYTES &&
           hash_from_hex(json_string_value(value), &hash) == 0;
}

static bool is_time(const json_t *value)
{
    int64_t usec;

    return json_is_string(value) && time_from_text(json_string_value(value), &usec) == 0;
}

uint64_t jsonget_u64(struct jsonget *get, json_t *object, const char *key)
{
    json_t *value = member(get, object, key, "a whole number", is_natural);

    return value ? (uint64_t)json_integer_value(value) : 0;
}

struct uuid jsonget_uuid(struct jsonget *get, json_t *object, const char *key)
{
    json_t *value = member(get, object, key, "a UUID", is_uuid);
    struct uuid uuid = {0};

    if (value)
        uuid_from_text(json_string_value(value), &uuid);
    return uuid;
}

struct hash jsonget_hash(struct jsonget *get, json_t *object, const char *key)
{
    json_t *value = member(get, object, key, "a checksum", is_hash);
    struct hash hash = {0};

    if (value)
        hash_from_hex(json_string_value(value), &hash);
    return hash;
}

int64_t jsonget_time(struct jsonget *get, json_t *object, const char *key)
{
    json_t *value = member(get, object, key, "a time", is_time);
    int64_t usec = 0;

    if (value)
        time_from_text(json_string_value(value), &usec);
    return usec;
}

const char *jsonget_string(struct jsonget *get, json_t *object, const char *key)
{
    return json_string_value(member(get, object, key, "a string", is_string));
}

json_t *jsonget_array(struct jsonget *get, json_t *object, const char *key)
{
    return member(get, object, key, "an array", is_array);
}

char *jsonget_string_copy(struct jsonget *get, json_t *object, const char *key)
{
    const char *value = jsonget_string(get, object, key);
    char *copy = value ? strdup(value) : NULL;

    if (value && !copy)
        get->failed = err_nomem(get->err);
    return copy;
}
