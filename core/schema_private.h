/* SPDX-License-Identifier: MIT */
/* What the parts of schema share: columns by their names, and names in sentences. */
#ifndef ROWFS_CORE_SCHEMA_PRIVATE_H
#define ROWFS_CORE_SCHEMA_PRIVATE_H

#include "core/schema.h"

#define SCHEMA_NOWHERE SIZE_MAX

/* Positions of columns, sorted; names that are shorter come first. */
struct schema_lookup {
    size_t *by_name;
    size_t *by_from; /* of those that are renamed, by the name that they had */
    size_t from_count;
};

/* Makes the lookup, when columns have their names and "from". Errors: -ENOMEM. */
int schema_lookup_make(struct schema *schema);

/* The position of the column of that name, or that had it; SCHEMA_NOWHERE: there is none. */
size_t schema_position(const struct schema *schema, struct slice name);
size_t schema_position_from(const struct schema *schema, struct slice name);

/* Makes the text of a schema that is complete but for that. Errors: -ENOMEM. */
int schema_print(struct schema *schema);

/* A part of what a user wrote, for a sentence: on one line, and not long. */
#define SCHEMA_QUOTED_BYTES 40

struct schema_quote {
    char text[SCHEMA_QUOTED_BYTES + sizeof "..."];
};

/* Of JSON as it is written. */
struct schema_quote schema_quote_json(struct slice json);

/* Of the characters of a name: as it is written in a JSON string, without the quotes. */
struct schema_quote schema_quote_name(struct slice characters);

#endif
