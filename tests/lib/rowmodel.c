/* SPDX-License-Identifier: MIT */
/* Tables and the lists that they must agree with. */
#include "tests/lib/rowmodel.h"

#include <stdlib.h>

#include "core/store/log.h"
#include "tests/lib/check.h"
#include "tests/lib/picktool.h"

#define FIRST_SEQ 1000 /* far behind the log that a database reads */

struct rows {
    struct object *object;
    struct buf text;   /* with line feeds */
    struct buf starts; /* size_t: of each row, and the end */
};

static struct rows objects[ROWMODEL_OBJECTS];
static unsigned object_count;

/* --- objects ------------------------------------------------------------------------- */

static void note_start(struct rows *rows)
{
    assert_int_equal(buf_append(&rows->starts, &rows->text.bytes, sizeof rows->text.bytes), 0);
}

static struct rows *new_rows(size_t count, rowmodel_row_fn *make)
{
    struct rows *rows = &objects[object_count];

    assert_true(object_count < ROWMODEL_OBJECTS);
    *rows = (struct rows){0};
    for (size_t i = 0; i < count; i++) {
        note_start(rows);
        make(&rows->text, i);
        assert_int_equal(buf_append(&rows->text, "\n", 1), 0);
    }
    note_start(rows);
    return rows;
}

unsigned rowmodel_segment(struct store *store, size_t count, rowmodel_row_fn *make)
{
    struct rows *rows = new_rows(count, make);
    struct segment_writer *writer = NULL;
    struct object_entry entry;
    struct err err = ERR_INIT;

    assert_ok(segment_writer_create(store, uuid_random(), &writer, &err), &err);
    assert_ok(segment_writer_append(writer, rows->text.data, rows->text.bytes, count, &err), &err);
    assert_ok(segment_writer_finish(writer, &entry, &err), &err);
    segment_writer_destroy(writer);
    assert_int_equal(object_create_segment(&entry, &rows->object), 0);
    free(entry.path);
    free(entry.index_path);
    return object_count++;
}

unsigned rowmodel_body(struct store *store, size_t count, rowmodel_row_fn *make)
{
    struct rows *rows = new_rows(count, make);
    uint64_t seq = FIRST_SEQ + object_count;
    struct record record = {.seq = seq, .host = (char *)"h", .inline_bytes = rows->text.bytes};
    struct iovec body = {.iov_base = rows->text.data, .iov_len = rows->text.bytes};
    struct log_position position;
    struct err err = ERR_INIT;
    struct buf encoded = {0};
    enum put_state state;
    struct hash hash;

    assert_int_equal(record_encode(&record, &body, 1, &encoded, &hash), 0);
    assert_ok(log_put(store, seq, &encoded, hash, &position, &state, &err), &err);
    assert_int_equal(object_create_inlined(seq, &rows->object), 0);
    buf_finish(&encoded);
    return object_count++;
}

struct object *rowmodel_object(unsigned object)
{
    return objects[object].object;
}

size_t rowmodel_object_rows(unsigned object)
{
    return objects[object].starts.bytes / sizeof(size_t) - 1;
}

void rowmodel_end(void)
{
    while (object_count > 0) {
        struct rows *rows = &objects[--object_count];

        object_unref(rows->object);
        buf_finish(&rows->text);
        buf_finish(&rows->starts);
    }
}

static const size_t *starts_of(unsigned object)
{
    return (const size_t *)(const void *)objects[object].starts.data;
}

static struct extent_ref ref_to(unsigned object, size_t first, size_t count)
{
    const size_t *starts = starts_of(object);

    return (struct extent_ref){.object = objects[object].object->id,
                               .offset = starts[first],
                               .bytes = starts[first + count] - starts[first],
                               .first_row = first,
                               .rows = count};
}

/* --- tables ---------------------------------------------------------------------------- */

static void take(struct rowmodel *model, struct table *next)
{
    table_unref(model->table);
    model->table = next;
}

void rowmodel_init(struct rowmodel *model, const char *schema)
{
    *model = (struct rowmodel){0};
    assert_int_equal(table_create(uuid_random(), "t", 1, 1, &model->table), 0);
    if (schema)
        rowmodel_set_schema(model, schema);
}

void rowmodel_finish(struct rowmodel *model)
{
    table_unref(model->table);
    buf_finish(&model->places);
    *model = (struct rowmodel){0};
}

void rowmodel_keep(const struct rowmodel *model, struct rowmodel *ret_kept)
{
    *ret_kept = (struct rowmodel){.table = table_ref(model->table)};
    assert_int_equal(buf_append(&ret_kept->places, model->places.data, model->places.bytes), 0);
}

size_t rowmodel_rows(const struct rowmodel *model)
{
    return model->places.bytes / sizeof(struct rowmodel_place);
}

const struct rowmodel_place *rowmodel_place(const struct rowmodel *model, size_t i)
{
    return (const struct rowmodel_place *)(const void *)model->places.data + i;
}

struct slice rowmodel_row(const struct rowmodel *model, size_t i)
{
    const struct rowmodel_place *place = rowmodel_place(model, i);
    const size_t *starts = starts_of(place->object) + place->row;

    return slice_of(objects[place->object].text.data + starts[0], starts[1] - starts[0] - 1);
}

void rowmodel_append(struct rowmodel *model, unsigned object, size_t first, size_t count)
{
    struct extent_ref ref = ref_to(object, first, count);
    uint64_t number = model->table->appended, version = model->table->version + 1;
    struct table *next = NULL;

    assert_int_equal(
        table_append(model->table, objects[object].object, &ref, false, version, 1, &next), 0);
    take(model, next);
    for (size_t i = 0; i < count; i++) {
        struct rowmodel_place place = {
            .object = object, .row = first + i, .number = number + (uint64_t)i};

        assert_int_equal(buf_append(&model->places, &place, sizeof place), 0);
    }
}

/* The end of the rows from `from` on, and before `to`, that follow each other in one object. */
static size_t run_end(const struct rowmodel *model, size_t from, size_t to)
{
    const struct rowmodel_place *first = rowmodel_place(model, from);
    size_t end = from + 1;

    while (end < to && first[end - from].object == first->object &&
           first[end - from].row == first->row + (end - from) &&
           first[end - from].number == first->number + (end - from))
        end++;
    return end;
}

static void delete_run(struct rowmodel *model, size_t from, size_t to)
{
    struct rowmodel_place first = *rowmodel_place(model, from);
    struct extent_ref ref = ref_to(first.object, first.row, to - from);
    struct table *next = NULL;

    ref.row = first.number;
    assert_int_equal(table_delete(model->table, &ref, 1, model->table->version + 1, 1, &next), 0);
    take(model, next);
}

void rowmodel_delete(struct rowmodel *model, size_t from, size_t to)
{
    char *places = model->places.data;
    size_t bytes = sizeof(struct rowmodel_place);

    for (size_t at = from; at < to;) {
        size_t end = run_end(model, at, to);

        delete_run(model, at, end);
        at = end;
    }
    memmove(places + from * bytes, places + to * bytes, model->places.bytes - to * bytes);
    model->places.bytes -= (to - from) * bytes;
}

void rowmodel_clear(struct rowmodel *model)
{
    struct table *next = NULL;

    assert_int_equal(
        table_clear(model->table, model->table->appended, model->table->version + 1, 1, &next), 0);
    take(model, next);
    model->places.bytes = 0;
}

void rowmodel_set_schema(struct rowmodel *model, const char *text)
{
    struct schema *schema = picktool_schema(text);
    struct table *next = NULL;

    assert_int_equal(table_set_schema(model->table, schema, model->table->version + 1, 1, &next),
                     0);
    take(model, next);
    schema_unref(schema);
}
