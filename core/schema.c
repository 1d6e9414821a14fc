/* SPDX-License-Identifier: MIT */
/* Schemas in memory: counted, printed, their columns found by name. */
#include "core/schema.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/schema_private.h"

/* --- life ------------------------------------------------------------------------ */

struct schema *schema_ref(struct schema *schema)
{
    if (schema)
        atomic_fetch_add_explicit(&schema->refs, 1, memory_order_relaxed);
    return schema;
}

static void slice_free(struct slice slice)
{
    free((char *)slice.text);
}

static void lookup_destroy(struct schema_lookup *lookup)
{
    if (!lookup)
        return;
    free(lookup->by_name);
    free(lookup->by_from);
    free(lookup);
}

void schema_unref(struct schema *schema)
{
    if (!schema || atomic_fetch_sub_explicit(&schema->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < schema->count; i++) {
        slice_free(schema->columns[i].name);
        slice_free(schema->columns[i].default_json);
        slice_free(schema->columns[i].from);
    }
    lookup_destroy(schema->lookup);
    free(schema->columns);
    free(schema->key);
    buf_finish(&schema->text);
    free(schema);
}

bool schema_equal(const struct schema *a, const struct schema *b)
{
    if (!a || !b)
        return a == b;
    /* All that is compared is printed, in one way. */
    return slice_equal(slice_of(a->text.data, a->text.bytes),
                       slice_of(b->text.data, b->text.bytes));
}

/* --- columns by name ---------------------------------------------------------------- */

static int compare_names(struct slice a, struct slice b)
{
    if (a.bytes != b.bytes)
        return a.bytes < b.bytes ? -1 : 1;
    return a.bytes ? memcmp(a.text, b.text, a.bytes) : 0;
}

static int compare_columns(const void *a, const void *b, void *columns)
{
    const struct column *all = columns;

    return compare_names(all[*(const size_t *)a].name, all[*(const size_t *)b].name);
}

static int compare_froms(const void *a, const void *b, void *columns)
{
    const struct column *all = columns;

    return compare_names(all[*(const size_t *)a].from, all[*(const size_t *)b].from);
}

int schema_lookup_make(struct schema *schema)
{
    struct schema_lookup *lookup = calloc(1, sizeof *lookup);

    schema->lookup = lookup;
    if (!lookup)
        return -ENOMEM;
    lookup->by_name = calloc(schema->count, sizeof *lookup->by_name);
    lookup->by_from = calloc(schema->count, sizeof *lookup->by_from);
    if (!lookup->by_name || !lookup->by_from)
        return -ENOMEM;
    for (size_t i = 0; i < schema->count; i++) {
        lookup->by_name[i] = i;
        if (schema->columns[i].from.text)
            lookup->by_from[lookup->from_count++] = i;
    }
    qsort_r(lookup->by_name, schema->count, sizeof *lookup->by_name, compare_columns,
            schema->columns);
    qsort_r(lookup->by_from, lookup->from_count, sizeof *lookup->by_from, compare_froms,
            schema->columns);
    return 0;
}

/* By bisection rather than hashing: nobody can write names that make it slow. */
static size_t bisect(const struct schema *schema, const size_t *positions, size_t count,
                     struct slice name, bool is_from)
{
    size_t low = 0;

    while (low < count) {
        size_t middle = low + (count - low) / 2;
        const struct column *column = &schema->columns[positions[middle]];
        int order = compare_names(name, is_from ? column->from : column->name);

        if (!order)
            return positions[middle];
        if (order < 0)
            count = middle;
        else
            low = middle + 1;
    }
    return SCHEMA_NOWHERE;
}

size_t schema_position(const struct schema *schema, struct slice name)
{
    return bisect(schema, schema->lookup->by_name, schema->count, name, false);
}

size_t schema_position_from(const struct schema *schema, struct slice name)
{
    return bisect(schema, schema->lookup->by_from, schema->lookup->from_count, name, true);
}

const struct column *schema_column(const struct schema *schema, struct slice name)
{
    size_t position = schema_position(schema, name);

    return position == SCHEMA_NOWHERE ? NULL : &schema->columns[position];
}

/* --- printing ------------------------------------------------------------------------- */

static int put(struct buf *text, const char *string)
{
    return buf_append(text, string, strlen(string));
}

/* What follows the colon: only the type, if there is nothing else to say. */
static int print_column(const struct column *column, struct buf *text)
{
    bool is_short = !column->required && !column->default_json.text;
    char type[TYPE_TEXT_BYTES];
    int r;

    type_to_text(column->type, type);
    r = buf_printf(text, is_short ? ": \"%s\"" : ": {\"type\": \"%s\"", type);
    if (!r && column->required)
        r = put(text, ", \"required\": true");
    if (!r && column->default_json.text) {
        r = put(text, ", \"default\": ");
        if (!r)
            r = buf_append(text, column->default_json.text, column->default_json.bytes);
    }
    return r < 0 || is_short ? r : put(text, "}");
}

static int print_key(const struct schema *schema, struct buf *text)
{
    int r = schema->key_count ? put(text, ",\n  \"key\": [") : 0;

    for (size_t i = 0; i < schema->key_count && !r; i++) {
        r = i ? put(text, ", ") : 0;
        if (!r)
            r = json_string_encode(schema->columns[schema->key[i]].name, text);
    }
    return r < 0 || !schema->key_count ? r : put(text, "]");
}

int schema_print(struct schema *schema)
{
    struct buf *text = &schema->text;
    int r = put(text, "{\n  \"columns\": {");

    for (size_t i = 0; i < schema->count && !r; i++) {
        r = put(text, i ? ",\n    " : "\n    ");
        if (!r)
            r = json_string_encode(schema->columns[i].name, text);
        if (!r)
            r = print_column(&schema->columns[i], text);
    }
    if (!r)
        r = put(text, "\n  }");
    if (!r)
        r = print_key(schema, text);
    return r < 0 ? r : put(text, "\n}\n");
}

/* --- sentences --------------------------------------------------------------------------- */

struct schema_quote schema_quote_json(struct slice json)
{
    struct schema_quote quote;
    size_t bytes = json.bytes;

    if (bytes > SCHEMA_QUOTED_BYTES) {
        bytes = SCHEMA_QUOTED_BYTES;
        while (bytes && utf8_is_continuation(json.text[bytes]))
            bytes--;
    }
    for (size_t i = 0; i < bytes; i++) /* white space between tokens */
        quote.text[i] = (unsigned char)json.text[i] < ' ' ? ' ' : json.text[i];
    strcpy(quote.text + bytes, bytes < json.bytes ? "..." : "");
    return quote;
}

struct schema_quote schema_quote_name(struct slice characters)
{
    struct buf string = {0};
    struct schema_quote quote = {"?"};

    /* No more of it than can be shown; what is cut here is cut again. */
    if (characters.bytes > 2 * SCHEMA_QUOTED_BYTES)
        characters.bytes = 2 * SCHEMA_QUOTED_BYTES;
    if (!characters.bytes)
        strcpy(quote.text, "\"\"");
    else if (json_string_encode(characters, &string) == 0)
        quote = schema_quote_json(slice_of(string.data + 1, string.bytes - 2));
    buf_finish(&string);
    return quote;
}
