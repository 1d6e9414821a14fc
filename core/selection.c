/* SPDX-License-Identifier: MIT */
/* Conditions on rows. */
#include "core/selection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/rowkey.h"

/* --- selections --------------------------------------------------------------- */

static bool ends_in_hash(const char *name)
{
    size_t bytes = strlen(name);

    return bytes >= VALUE_HASH_BYTES + 2 && !memcmp(name + bytes - VALUE_HASH_BYTES - 2, "%~", 2);
}

static bool is_special(const char *name)
{
    return !strcmp(name, "%null") || !strcmp(name, "%missing") || !strcmp(name, "%empty");
}

/* Where a range is divided; NULL: it is none. */
static const char *range_dots(const char *name)
{
    return strstr(name, "..");
}

/* Whether a name, or a part of a range, can be that of a value. */
static int check_part(const char *text, size_t bytes)
{
    cleanup_buf struct buf characters = {0};

    return value_name_unescape(slice_of(text, bytes), &characters);
}

static int check_name(const char *name)
{
    const char *dots = range_dots(name);
    int r;

    if (is_special(name) || ends_in_hash(name))
        return 0;
    if (!dots)
        return *name ? check_part(name, strlen(name)) : -EINVAL;
    if (dots == name && !dots[2])
        return -EINVAL;
    if (dots[2] == '.' || range_dots(dots + 2))
        return -EINVAL;
    r = check_part(name, (size_t)(dots - name));
    return r < 0 ? r : check_part(dots + 2, strlen(dots + 2));
}

int selection_create(struct selection *parent, const char *column, const char *name,
                     struct selection **ret_selection)
{
    struct selection *selection;
    int r = check_name(name);

    if (r < 0)
        return r;
    if (parent && parent->depth == SELECTION_MAX_CONDITIONS)
        return -ENAMETOOLONG;
    selection = calloc(1, sizeof *selection);
    if (!selection)
        return -ENOMEM;
    atomic_init(&selection->refs, 1);
    selection->parent = selection_ref(parent);
    selection->depth = parent ? parent->depth + 1 : 1;
    selection->name = strdup(name);
    if (strcmp(column, "%empty") != 0)
        r = value_name_unescape(slice_of(column, strlen(column)), &selection->column);
    if (r < 0 || !selection->name) {
        selection_unref(selection);
        return r < 0 ? r : -ENOMEM;
    }
    *ret_selection = selection;
    return 0;
}

struct selection *selection_ref(struct selection *selection)
{
    if (selection)
        atomic_fetch_add_explicit(&selection->refs, 1, memory_order_relaxed);
    return selection;
}

void selection_unref(struct selection *selection)
{
    while (selection && atomic_fetch_sub_explicit(&selection->refs, 1, memory_order_acq_rel) == 1) {
        struct selection *parent = selection->parent;

        buf_finish(&selection->column);
        free(selection->name);
        free(selection);
        selection = parent;
    }
}

static struct slice column_of(const struct selection *selection)
{
    return slice_of(selection->column.data, selection->column.bytes);
}

bool selection_equal(const struct selection *a, const struct selection *b)
{
    while (a && b && a != b && slice_equal(column_of(a), column_of(b)) &&
           !strcmp(a->name, b->name)) {
        a = a->parent;
        b = b->parent;
    }
    return a == b;
}

int selection_print(const struct selection *selection, struct buf *path)
{
    int r = 0;

    if (selection->parent)
        r = selection_print(selection->parent, path);
    if (!r)
        r = buf_printf(path, "%sby/", selection->parent ? "/" : "");
    if (!r)
        r = value_name_escape(column_of(selection), path);
    return r < 0 ? r : buf_printf(path, "/%s", selection->name);
}

/* --- matchers -------------------------------------------------------------------- */

struct condition {
    const struct selection *of; /* borrowed: the matcher holds the selection */
    struct slice column;
    struct column_type type;
    struct slice default_json;
    enum { EQUAL, RANGE, NAMED } kind;
    struct value_keys keys; /* EQUAL: any of these */
    bool fixes;             /* it says what the value is: `json` */
    struct buf json;
    struct buf from, to; /* RANGE: without bytes, open */
    struct slice value;  /* of the row that is looked at */
};

struct matcher {
    struct selection *selection;
    struct schema *schema;
    struct condition *conditions;
    unsigned count;
    struct buf key, spelled; /* of the value that is looked at */
};

static void condition_finish(struct condition *condition)
{
    value_keys_finish(&condition->keys);
    buf_finish(&condition->json);
    buf_finish(&condition->from);
    buf_finish(&condition->to);
}

void matcher_destroy(struct matcher *matcher)
{
    if (!matcher)
        return;
    for (unsigned i = 0; i < matcher->count; i++)
        condition_finish(&matcher->conditions[i]);
    free(matcher->conditions);
    buf_finish(&matcher->key);
    buf_finish(&matcher->spelled);
    selection_unref(matcher->selection);
    schema_unref(matcher->schema);
    free(matcher);
}

/* The key of a value that is written in JSON, as the only one. */
static int set_json(struct condition *condition, const char *json, bool fixes)
{
    struct slice value = json ? slice_of(json, strlen(json)) : (struct slice){0};

    condition->kind = EQUAL;
    condition->keys.count = 1;
    condition->fixes = fixes;
    if (fixes && buf_append(&condition->json, json, strlen(json)) < 0)
        return -ENOMEM;
    return value_key(condition->type, value, &condition->keys.keys[0]);
}

static int set_special(struct condition *condition, const char *name)
{
    bool stringy = condition->type.kind == TYPE_ANY || condition->type.kind == TYPE_STRING ||
                   condition->type.kind == TYPE_JSON;

    if (!strcmp(name, "%missing"))
        return set_json(condition, NULL, false);
    if (!strcmp(name, "%null"))
        return set_json(condition, "null", true);
    return stringy ? set_json(condition, "\"\"", true) : -ENOENT;
}

static int set_equal(struct condition *condition, const char *name)
{
    cleanup_buf struct buf characters = {0};
    struct slice text;
    int r = value_name_unescape(slice_of(name, strlen(name)), &characters);

    if (r < 0)
        return r;
    text = slice_of(characters.data, characters.bytes);
    condition->kind = EQUAL;
    condition->fixes = true;
    r = value_keys_of(condition->type, text, &condition->keys);
    return r < 0 ? r : value_json_of(condition->type, text, &condition->json);
}

/* An end of a range between numbers may be any number, also one that the column cannot hold. */
static struct column_type type_of_end(struct column_type type)
{
    bool numbers =
        type.kind == TYPE_INT64 || type.kind == TYPE_FLOAT64 || type.kind == TYPE_DECIMAL;

    return numbers ? (struct column_type){.kind = TYPE_ANY} : type;
}

/* The keys of one end of a range; nothing for an open one. */
static int end_keys(const struct condition *condition, const char *text, size_t bytes,
                    struct value_keys *keys)
{
    struct column_type type = type_of_end(condition->type);
    cleanup_buf struct buf characters = {0};
    int r;

    *keys = (struct value_keys){0};
    if (!bytes)
        return 0;
    r = value_name_unescape(slice_of(text, bytes), &characters);
    if (!r)
        r = value_keys_of(type, slice_of(characters.data, characters.bytes), keys);
    if (!r && type.kind != condition->type.kind && keys->count < 2) /* no number */
        r = -EINVAL;
    return r;
}

/*
 * Whether the keys `i` of both ends bound a range. Of those that a spelling can have without a
 * schema the first is the string, the second counts if it is a number.
 */
static bool bound_a_range(const struct value_keys *from, const struct value_keys *to, unsigned i)
{
    const struct value_keys *one = from->count ? from : to;
    struct slice a, b;

    if (i >= one->count || (from->count && i >= to->count && to->count))
        return false;
    a = slice_of(one->keys[i].data, one->keys[i].bytes);
    if (i && !value_key_is_number(a))
        return false;
    b = to->count ? slice_of(to->keys[i].data, to->keys[i].bytes) : a;
    return value_keys_are_alike(a, b);
}

static void take(struct value_keys *keys, unsigned i, struct buf *key)
{
    if (!keys->count)
        return;
    *key = keys->keys[i];
    keys->keys[i] = (struct buf){0};
}

static int set_range(struct condition *condition, const char *name, const char *dots)
{
    struct value_keys from, to = {0};
    int r = end_keys(condition, name, (size_t)(dots - name), &from);
    unsigned i = VALUE_KEYS_MAX;

    if (!r)
        r = end_keys(condition, dots + 2, strlen(dots + 2), &to);
    if (!r) {
        condition->kind = RANGE;
        while (i > 0 && !bound_a_range(&from, &to, i - 1))
            i--;
        if (i) {
            take(&from, i - 1, &condition->from);
            take(&to, i - 1, &condition->to);
        }
    }
    value_keys_finish(&from);
    value_keys_finish(&to);
    return r < 0 ? r : i ? 0 : -ENOENT;
}

/* By the end of a name that is too long: rows are told by their names. */
static int set_named(struct condition *condition)
{
    condition->kind = NAMED;
    return 0;
}

static int condition_init(struct condition *condition, const struct selection *of,
                          const struct schema *schema)
{
    const struct column *column = schema ? schema_column(schema, column_of(of)) : NULL;
    const char *dots = range_dots(of->name);
    int r;

    if (schema && !column)
        return -ENOENT;
    *condition = (struct condition){.of = of, .column = column_of(of)};
    if (column) {
        condition->type = column->type;
        condition->default_json = column->default_json;
    }
    if (is_special(of->name))
        r = set_special(condition, of->name);
    else if (ends_in_hash(of->name))
        r = set_named(condition);
    else if (dots)
        r = set_range(condition, of->name, dots);
    else
        r = set_equal(condition, of->name);
    return r == -EINVAL ? -ENOENT : r;
}

int matcher_create(struct selection *selection, struct schema *schema, struct matcher **ret_matcher)
{
    struct matcher *matcher = calloc(1, sizeof *matcher);
    unsigned depth = selection ? selection->depth : 0;
    int r = 0;

    if (!matcher)
        return -ENOMEM;
    matcher->selection = selection_ref(selection);
    matcher->schema = schema_ref(schema);
    matcher->conditions = calloc(depth + 1, sizeof *matcher->conditions);
    if (!matcher->conditions)
        r = -ENOMEM;
    for (const struct selection *s = selection; s && !r; s = s->parent)
        r = condition_init(&matcher->conditions[matcher->count++], s, schema);
    if (r < 0) {
        matcher_destroy(matcher);
        return r;
    }
    *ret_matcher = matcher;
    return 0;
}

/* --- matching ------------------------------------------------------------------------ */

static bool key_is(const struct buf *a, struct slice b)
{
    return slice_equal(slice_of(a->data, a->bytes), b);
}

static bool in_range(const struct condition *condition, struct slice key)
{
    struct slice from = slice_of(condition->from.data, condition->from.bytes);
    struct slice to = slice_of(condition->to.data, condition->to.bytes);

    return value_keys_are_alike(from.bytes ? from : to, key) &&
           (!from.bytes || value_key_compare(from, key) <= 0) &&
           (!to.bytes || value_key_compare(key, to) <= 0);
}

static int is_named(struct matcher *matcher, const struct condition *condition, struct slice key)
{
    struct buf *spelled = &matcher->spelled;
    int r;

    spelled->bytes = 0;
    r = value_name(condition->type, key, spelled);
    return r < 0 ? r
                 : slice_equal(slice_of(spelled->data, spelled->bytes),
                               slice_of(condition->of->name, strlen(condition->of->name)));
}

static int holds(struct matcher *matcher, const struct condition *condition)
{
    struct slice value = condition->value.text ? condition->value : condition->default_json, key;
    int r;

    matcher->key.bytes = 0;
    r = value_key(condition->type, value, &matcher->key);
    if (r < 0)
        return r;
    key = slice_of(matcher->key.data, matcher->key.bytes);
    switch (condition->kind) {
    case EQUAL:
        return key_is(&condition->keys.keys[0], key) ||
               (condition->keys.count > 1 && key_is(&condition->keys.keys[1], key));
    case RANGE:
        return in_range(condition, key);
    default:
        return is_named(matcher, condition, key);
    }
}

/* Finds the values that the conditions are about, in one pass. */
static void look_at(struct matcher *matcher, struct slice row)
{
    struct json_members members;
    struct json_member member;

    for (unsigned i = 0; i < matcher->count; i++)
        matcher->conditions[i].value = (struct slice){0};
    json_members_begin(&members, row);
    while (json_members_next(&members, &member))
        for (unsigned i = 0; i < matcher->count; i++)
            if (json_string_is(member.name, matcher->conditions[i].column))
                matcher->conditions[i].value = member.value;
}

int matcher_row(struct matcher *matcher, struct slice row)
{
    if (matcher->count)
        look_at(matcher, row);
    for (unsigned i = 0; i < matcher->count; i++) {
        int r = holds(matcher, &matcher->conditions[i]);

        if (r <= 0)
            return r;
    }
    return 1;
}

/* --- rows that are to match ------------------------------------------------------------- */

#define QUOTED_BYTES 40

static int contradiction(const struct condition *condition, struct err *err)
{
    int column = (int)condition->column.bytes, value = (int)condition->value.bytes;

    if (!condition->value.text)
        return err_set(err, -EINVAL,
                       "column %.*s is missing, and the path, by/.../%s, does not say what it is",
                       column, condition->column.text, condition->of->name);
    return err_set(err, -EINVAL, "column %.*s is %.*s%s, and the path says %s", column,
                   condition->column.text, value > QUOTED_BYTES ? QUOTED_BYTES : value,
                   condition->value.text, value > QUOTED_BYTES ? "..." : "", condition->of->name);
}

/* The same column may be in the path twice: what it is given counts once. */
static bool is_given(const struct matcher *matcher, unsigned i)
{
    for (unsigned j = i + 1; j < matcher->count; j++)
        if (matcher->conditions[j].fixes &&
            slice_equal(matcher->conditions[j].column, matcher->conditions[i].column))
            return true;
    return false;
}

static int append_member(const struct condition *condition, struct buf *row)
{
    int r = json_string_encode(condition->column, row);

    if (!r)
        r = buf_append(row, ":", 1);
    return r < 0 ? r : buf_append(row, condition->json.data, condition->json.bytes);
}

/* Behind the row's brace, in the order of the path: what it lacks. */
static int append_missing(const struct matcher *matcher, struct buf *row, bool *ret_any)
{
    int r = 0;

    *ret_any = false;
    for (unsigned i = matcher->count; i-- > 0 && !r;) {
        const struct condition *condition = &matcher->conditions[i];

        if (condition->value.text || !condition->fixes || is_given(matcher, i))
            continue;
        if (*ret_any)
            r = buf_append(row, ",", 1);
        if (!r)
            r = append_member(condition, row);
        *ret_any = true;
    }
    return r;
}

static int fill(const struct matcher *matcher, struct slice row, struct buf *filled)
{
    const char *brace = memchr(row.text, '{', row.bytes), *rest = brace + 1;
    const char *end = row.text + row.bytes;
    size_t before = filled->bytes;
    bool any = false;
    int r = buf_append(filled, row.text, (size_t)(rest - row.text));

    if (!r)
        r = append_missing(matcher, filled, &any);
    if (!r && !any)
        filled->bytes = before + (size_t)(rest - row.text);
    while (rest < end && strchr(" \t\r", *rest))
        rest++;
    if (!r && any && *rest != '}')
        r = buf_append(filled, ",", 1);
    if (!r && !any)
        rest = brace + 1;
    return r < 0 ? r : buf_append(filled, rest, (size_t)(end - rest));
}

/* Whether all conditions hold of the row that was looked at. */
static int check_all(struct matcher *matcher, struct err *err)
{
    for (unsigned i = 0; i < matcher->count; i++) {
        int r = holds(matcher, &matcher->conditions[i]);

        if (r < 0)
            return err_nomem(err);
        if (!r)
            return contradiction(&matcher->conditions[i], err);
    }
    return 0;
}

int matcher_fill_row(struct matcher *matcher, struct slice row, struct buf *filled, struct err *err)
{
    size_t before = filled->bytes;
    int r;

    look_at(matcher, row);
    r = fill(matcher, row, filled) < 0 ? err_nomem(err) : 0;
    if (!r) {
        look_at(matcher, slice_of(filled->data + before, filled->bytes - before));
        r = check_all(matcher, err);
    }
    if (r < 0)
        filled->bytes = before;
    return r;
}

/* --- what an index can use ------------------------------------------------------------------ */

int matcher_row_key(const struct matcher *matcher, struct buf *key)
{
    const struct schema *schema = matcher->schema;

    if (!schema || !schema->key_count)
        return 0;
    for (size_t i = 0; i < schema->key_count; i++) {
        const struct slice name = schema->columns[schema->key[i]].name;
        const struct condition *found = NULL;

        for (unsigned j = 0; j < matcher->count; j++)
            if (matcher->conditions[j].kind == EQUAL && matcher->conditions[j].keys.count == 1 &&
                slice_equal(matcher->conditions[j].column, name))
                found = &matcher->conditions[j];
        if (!found)
            return 0;
        if (rowkey_append(slice_of(found->keys.keys[0].data, found->keys.keys[0].bytes), key) < 0)
            return -ENOMEM;
    }
    return 1;
}

unsigned matcher_count(const struct matcher *matcher)
{
    return matcher->count;
}

struct slice matcher_column(const struct matcher *matcher, unsigned condition)
{
    return matcher->conditions[condition].column;
}

struct column_type matcher_column_type(const struct matcher *matcher, unsigned condition)
{
    return matcher->conditions[condition].type;
}

static bool is_between(const struct buf *key, struct slice min, struct slice max)
{
    struct slice value = slice_of(key->data, key->bytes);

    return value_key_compare(min, value) <= 0 && value_key_compare(value, max) <= 0;
}

bool matcher_may_match(const struct matcher *matcher, unsigned condition, struct slice min,
                       struct slice max)
{
    const struct condition *c = &matcher->conditions[condition];
    struct slice from = slice_of(c->from.data, c->from.bytes);
    struct slice to = slice_of(c->to.data, c->to.bytes);

    switch (c->kind) {
    case EQUAL:
        return is_between(&c->keys.keys[0], min, max) ||
               (c->keys.count > 1 && is_between(&c->keys.keys[1], min, max));
    case RANGE:
        return (!from.bytes || value_key_compare(from, max) <= 0) &&
               (!to.bytes || value_key_compare(min, to) <= 0);
    default:
        return true;
    }
}
