/* SPDX-License-Identifier: MIT */
/* Applies a merge patch to text, by copying what it does not name. */
#include "core/mergepatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/namemap.h"

/* So many members of a patch are compared one by one, more are looked up in a table. */
#define FEW 8

struct patch_member {
    struct slice name, value; /* as they are written */
    struct slice characters;  /* of the name */
    bool found;               /* in the target */
};

/* The members of one object of the patch. */
struct patch {
    struct patch_member *members;
    size_t count;
    struct namemap by_name; /* where they are more than a few */
    struct buf decoded;     /* names with escapes; has room for all, so that they do not move */
    struct buf wanted;      /* a name of the target with escapes */
    struct patch_member few[FEW];
};

static void patch_finish(struct patch *patch)
{
    namemap_finish(&patch->by_name);
    buf_finish(&patch->decoded);
    buf_finish(&patch->wanted);
    if (patch->members != patch->few)
        free(patch->members);
}

/* The characters of a string: where they stand, or appended to `decoded`. */
static int characters_of(struct slice string, struct buf *decoded, struct slice *ret_characters)
{
    size_t before = decoded->bytes;
    int r;

    if (!memchr(string.text, '\\', string.bytes)) {
        *ret_characters = slice_of(string.text + 1, string.bytes - 2);
        return 0;
    }
    r = json_string_decode(string, decoded);
    if (!r)
        *ret_characters = slice_of(decoded->data + before, decoded->bytes - before);
    return r;
}

static size_t count_members(struct slice object, size_t *ret_escaped_bytes)
{
    struct json_members members;
    struct json_member member;
    size_t count = 0;

    *ret_escaped_bytes = 0;
    json_members_begin(&members, object);
    for (; json_members_next(&members, &member); count++)
        if (memchr(member.name.text, '\\', member.name.bytes))
            *ret_escaped_bytes += member.name.bytes;
    return count;
}

static int patch_init(struct patch *patch, struct slice object)
{
    struct json_members members;
    struct json_member member;
    size_t escaped_bytes;
    int r;

    patch->count = count_members(object, &escaped_bytes);
    patch->members = patch->few;
    if (patch->count > FEW)
        patch->members = calloc(patch->count, sizeof *patch->members);
    r = patch->members ? buf_reserve(&patch->decoded, escaped_bytes) : -ENOMEM;
    json_members_begin(&members, object);
    for (size_t i = 0; i < patch->count && !r; i++) {
        struct patch_member *entry = &patch->members[i];

        json_members_next(&members, &member);
        *entry = (struct patch_member){.name = member.name, .value = member.value};
        r = characters_of(member.name, &patch->decoded, &entry->characters);
        if (!r && patch->count > FEW)
            r = namemap_add(&patch->by_name, entry->characters, i);
    }
    return r;
}

/* What the patch has for a member of the target; NULL: nothing. */
static int patch_find(struct patch *patch, struct slice name, struct patch_member **ret_found)
{
    struct slice characters;
    size_t i;
    int r;

    *ret_found = NULL;
    if (patch->count <= FEW) {
        for (i = 0; i < patch->count && !*ret_found; i++)
            if (json_string_is(name, patch->members[i].characters))
                *ret_found = &patch->members[i];
        return 0;
    }
    patch->wanted.bytes = 0;
    r = characters_of(name, &patch->wanted, &characters);
    if (!r && namemap_find(&patch->by_name, characters, &i))
        *ret_found = &patch->members[i];
    return r;
}

/* --- what is written ------------------------------------------------------------- */

static int append(struct buf *result, struct slice text)
{
    return buf_append(result, text.text, text.bytes);
}

static struct slice between(const char *from, const char *to)
{
    return slice_of(from, (size_t)(to - from));
}

/* An object that is being written. */
struct object {
    struct buf *result;
    struct slice opening; /* what stands before its first member */
    bool has_members;
};

static int begin_member(struct object *object, struct slice separator)
{
    struct slice before = object->has_members ? separator : object->opening;

    object->has_members = true;
    return append(object->result, before);
}

/* Recurses as deep as the patch nests, which the row checker limits. */
static int put_patched(struct slice target, struct slice patch, struct buf *result);

/* Nothing for null: there is no such member. */
static int put_new_member(struct object *object, struct slice name, struct slice value)
{
    int r = 0;

    if (json_kind(value) == JSON_KIND_NULL)
        return 0;
    r = begin_member(object, slice_of(",", 1));
    if (!r)
        r = append(object->result, name);
    if (!r)
        r = buf_append(object->result, ":", 1);
    return r < 0 ? r : put_patched((struct slice){0}, value, object->result);
}

/* A patch where there is no object yet. */
static int put_new_object(struct slice patch, struct buf *result)
{
    struct object object = {.result = result, .opening = slice_of("{", 1)};
    struct json_members members;
    struct json_member member;
    int r = 0;

    json_members_begin(&members, patch);
    while (!r && json_members_next(&members, &member))
        r = put_new_member(&object, member.name, member.value);
    if (!r && !object.has_members)
        r = append(result, object.opening);
    return r < 0 ? r : buf_append(result, "}", 1);
}

/* A member of the target, with what stands between it and the one before. */
static int put_old_member(struct object *object, struct slice separator,
                          const struct json_member *member, struct patch_member *patch)
{
    int r;

    if (!patch) {
        r = begin_member(object, separator);
        return r < 0 ? r : append(object->result, member->member);
    }
    patch->found = true;
    if (json_kind(patch->value) == JSON_KIND_NULL)
        return 0;
    r = begin_member(object, separator);
    if (!r)
        r = append(object->result, between(member->name.text, member->value.text));
    return r < 0 ? r : put_patched(member->value, patch->value, object->result);
}

static int put_old_members(struct object *object, struct slice target, struct patch *patch,
                           const char **ret_end)
{
    const char *end = target.text + 1; /* of the member before */
    struct json_members members;
    struct json_member member;
    int r = 0;

    object->opening = slice_of(target.text, 1);
    json_members_begin(&members, target);
    while (!r && json_members_next(&members, &member)) {
        struct slice separator = between(end, member.member.text);
        struct patch_member *found;

        if (end == target.text + 1)
            object->opening = between(target.text, member.member.text);
        r = patch_find(patch, member.name, &found);
        if (!r)
            r = put_old_member(object, separator, &member, found);
        end = member.member.text + member.member.bytes;
    }
    *ret_end = end;
    return r;
}

static int put_merged_object(struct slice target, struct slice patch_text, struct buf *result)
{
    struct object object = {.result = result};
    cleanup(patch_finish) struct patch patch = {0};
    const char *end = NULL;
    int r = patch_init(&patch, patch_text);

    if (!r)
        r = put_old_members(&object, target, &patch, &end);
    for (size_t i = 0; i < patch.count && !r; i++)
        if (!patch.members[i].found)
            r = put_new_member(&object, patch.members[i].name, patch.members[i].value);
    if (!r && !object.has_members)
        r = append(result, object.opening);
    return r < 0 ? r : append(result, between(end, target.text + target.bytes));
}

static int put_patched(struct slice target, struct slice patch, struct buf *result)
{
    if (json_kind(patch) != JSON_KIND_OBJECT)
        return json_compact(patch, result);
    if (!target.text || json_kind(target) != JSON_KIND_OBJECT)
        return put_new_object(patch, result);
    return put_merged_object(target, patch, result);
}

static struct slice trim(struct slice text)
{
    const char *from = text.text, *to = from + text.bytes;

    while (from < to && strchr(" \t\r\n", *from))
        from++;
    while (to > from && strchr(" \t\r\n", to[-1]))
        to--;
    return between(from, to);
}

int mergepatch_apply(struct slice target, struct slice patch, struct buf *result)
{
    size_t before = result->bytes;
    int r = put_patched(trim(target), trim(patch), result);

    if (r < 0)
        result->bytes = before;
    return r;
}
