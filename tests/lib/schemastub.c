/* SPDX-License-Identifier: MIT */
/* As much of core/schema.h as the tests of delimited text need, until it is there. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/schema.h"

struct schema *schema_ref(struct schema *schema)
{
    if (schema)
        schema->refs++;
    return schema;
}

void schema_unref(struct schema *schema)
{
    if (!schema || --schema->refs)
        return;
    for (size_t i = 0; i < schema->count; i++) {
        free((char *)schema->columns[i].name.text);
        free((char *)schema->columns[i].default_json.text);
    }
    free(schema->columns);
    free(schema);
}

const struct column *schema_column(const struct schema *schema, struct slice name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (slice_equal(schema->columns[i].name, name))
            return &schema->columns[i];
    return NULL;
}

int schema_parse(struct slice text, struct schema **ret_schema, struct err *err)
{
    json_t *json = json_loadb(text.text, text.bytes, 0, NULL);
    json_t *columns = json_object_get(json, "columns"), *value;
    struct schema *schema = calloc(1, sizeof *schema);
    const char *name;

    (void)err;
    schema->refs = 1;
    schema->columns = calloc(json_object_size(columns) + 1, sizeof *schema->columns);
    json_object_foreach (columns, name, value) {
        struct column *column = &schema->columns[schema->count++];
        json_t *has_default = json_object_get(value, "default");
        json_t *type = json_is_object(value) ? json_object_get(value, "type") : value;

        column->name = slice_of(strdup(name), strlen(name));
        if (type_from_text(json_string_value(type), &column->type) < 0)
            abort();
        if (has_default) {
            char *dumped = json_dumps(has_default, JSON_ENCODE_ANY | JSON_COMPACT);

            column->default_json = slice_of(dumped, strlen(dumped));
        }
    }
    json_decref(json);
    *ret_schema = schema;
    return 0;
}
