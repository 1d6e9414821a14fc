/* SPDX-License-Identifier: MIT */
/* Bytes become changes. */
#include "core/input.h"

#include <errno.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/delimited.h"
#include "core/edit.h"
#include "core/intake.h"
#include "core/reshape.h"
#include "core/rowcheck.h"

CLEANUP_POINTER(struct schema, schema_unref)

void input_init(struct input *input, struct db *db, enum input_kind kind, struct uuid table,
                struct selection *selection)
{
    *input = (struct input){.db = db, .kind = kind, .selection = selection_ref(selection)};
    writers_init(&input->writers, db);
    stage_init(&input->stage, db_store(db), table);
}

/* What rows were checked for and with. */
static void drop_checks(struct input *input)
{
    intake_destroy(steal_pointer(input->intake));
    edit_destroy(steal_pointer(input->edit));
    reshape_destroy(steal_pointer(input->reshape));
}

void input_drop(struct input *input)
{
    writers_finish(&input->writers);
    stage_finish(&input->stage);
    delimited_reader_destroy(steal_pointer(input->reader));
    document_finish(&input->document);
    drop_checks(input);
}

void input_finish(struct input *input)
{
    input_drop(input);
    selection_unref(steal_pointer(input->selection));
}

/* --- rows ------------------------------------------------------------------------- */

/*
 * What rows must pass, if anything: made for the version that is there at the first of them. Where
 * there was no schema then, it is the commit that checks them.
 */
static int need_intake(struct input *input, struct table *table, struct err *err)
{
    int r;

    if (input->intake || stage_rows(&input->stage) || (!table->schema && !input->selection))
        return 0;
    r = intake_create(input->db, table, input->selection, input->replace, &input->intake);
    if (r == -ENOENT)
        return err_set(err, r, "table %s has no such column or value any more", table->name);
    if (r < 0)
        return err_nomem(err);
    input->stage.segment_rows = intake_segment_rows(input->intake);
    return 0;
}

static int write_rows(struct input *input, struct table *table, uint64_t owner, bool by_opener,
                      const char *data, size_t bytes, struct err *err)
{
    int r = need_intake(input, table, err);

    input->writers.intake = input->intake;
    return r < 0
               ? r
               : writers_write(&input->writers, &input->stage, owner, by_opener, data, bytes, err);
}

/* The last line, which may be one that a commit has left behind. */
static int end_rows(struct input *input, struct table *table, struct err *err)
{
    int r = input->writers.leftover.bytes ? need_intake(input, table, err) : 0;

    input->writers.intake = input->intake;
    return r < 0 ? r : writers_end_line(&input->writers, &input->stage, err);
}

/* --- CSV and TSV ------------------------------------------------------------------- */

struct taker {
    struct input *input;
    struct rowcheck *check;
};

static int take_row(void *context, struct slice row, struct err *err)
{
    struct taker *taker = context;

    return writers_take_row(&taker->input->writers, &taker->input->stage, taker->check, row, err);
}

static int need_reader(struct input *input, struct table *table, struct err *err)
{
    enum delimited_format format = input->kind == INPUT_CSV ? DELIMITED_CSV : DELIMITED_TSV;
    int r = need_intake(input, table, err);

    input->writers.intake = input->intake;
    if (!r && !input->reader &&
        delimited_reader_create(format, table->schema, db_limits(input->db)->row_bytes,
                                &input->reader) < 0)
        r = err_nomem(err);
    return r;
}

static int read_delimited(struct input *input, struct table *table, struct slice text, bool is_end,
                          struct err *err)
{
    struct taker taker = {.input = input};
    int r = need_reader(input, table, err);

    if (r < 0)
        return r;
    taker.check = db_take_checker(input->db);
    if (!taker.check)
        return err_nomem(err);
    r = is_end ? delimited_read_end(input->reader, take_row, &taker, err)
               : delimited_read(input->reader, text, take_row, &taker, err);
    db_return_checker(input->db, taker.check);
    return r;
}

static int write_delimited(struct input *input, struct table *table, uint64_t owner, bool by_opener,
                           const char *data, size_t bytes, struct err *err)
{
    if (writers_note(&input->writers, owner, by_opener) < 0)
        return err_nomem(err);
    return read_delimited(input, table, slice_of(data, bytes), false, err);
}

/* --- documents ------------------------------------------------------------------------ */

/* A patch is JSON, as a row is, but for line feeds between its parts. */
static int check_patch(struct input *input, struct err *err)
{
    struct buf *text = &input->document.text;
    struct rowcheck *check = db_take_checker(input->db);
    int r;

    if (!check)
        return err_nomem(err);
    for (char *feed = text->data;
         (feed = memchr(feed, '\n', (size_t)(text->data + text->bytes - feed)));)
        *feed = ' ';
    r = rowcheck_line(check, text->data, text->bytes, err);
    db_return_checker(input->db, check);
    return r;
}

static int make_edit(struct input *input, struct table *table, struct err *err)
{
    struct slice text = slice_of(input->document.text.data, input->document.text.bytes);
    int r = check_patch(input, err);

    return r < 0 ? r : edit_create(input->db, table, input->selection, text, &input->edit, err);
}

static int make_reshape(struct input *input, struct table *table, struct err *err)
{
    cleanup(schema_unref_p) struct schema *schema = NULL;
    struct slice text = slice_of(input->document.text.data, input->document.text.bytes);
    int r = schema_parse(text, &schema, err);

    return r < 0 ? r : reshape_create(input->db, table, schema, &input->reshape, err);
}

static int write_document(struct input *input, struct table *table, uint64_t owner, bool by_opener,
                          const char *data, size_t bytes, struct err *err)
{
    bool is_patch = input->kind == INPUT_PATCH;
    size_t limit = is_patch ? db_limits(input->db)->row_bytes : SCHEMA_MAX_BYTES;
    int r = writers_note(&input->writers, owner, by_opener) < 0 ? err_nomem(err) : 0;

    if (!r)
        r = document_write(&input->document, data, bytes, limit, err);
    if (r <= 0)
        return r;
    db_before_wait(input->db);
    return is_patch ? make_edit(input, table, err) : make_reshape(input, table, err);
}

/* --- any kind --------------------------------------------------------------------------- */

int input_write(struct input *input, struct table *table, uint64_t owner, bool by_opener,
                const char *data, size_t bytes, struct err *err)
{
    switch (input->kind) {
    case INPUT_ROWS:
        return write_rows(input, table, owner, by_opener, data, bytes, err);
    case INPUT_CSV:
    case INPUT_TSV:
        return write_delimited(input, table, owner, by_opener, data, bytes, err);
    default:
        return write_document(input, table, owner, by_opener, data, bytes, err);
    }
}

int input_end(struct input *input, struct table *table, struct err *err)
{
    switch (input->kind) {
    case INPUT_ROWS:
        return end_rows(input, table, err);
    case INPUT_CSV:
    case INPUT_TSV:
        return input->reader ? read_delimited(input, table, (struct slice){0}, true, err) : 0;
    default:
        return document_check_end(&input->document, err);
    }
}

bool input_has_content(const struct input *input)
{
    return stage_rows(&input->stage) || input->edit || input->reshape;
}

bool input_is_ready(const struct input *input)
{
    return input->replace || input_has_content(input);
}

void input_drop_ready(struct input *input)
{
    stage_finish(&input->stage);
    drop_checks(input);
    input->writers.intake = NULL;
}

bool input_is_pending(const struct input *input)
{
    return input_is_ready(input) || writers_any(&input->writers) || input->writers.leftover.bytes ||
           input->document.depth || input->reader;
}

uint64_t input_bytes(const struct input *input)
{
    return stage_bytes(&input->stage);
}

/* Rows, with those that they replace. */
static int commit_rows(struct input *input, struct table *table, uint64_t expect_version,
                       struct commit *commit, struct err *err)
{
    struct write write = {.stage = &input->stage,
                          .replace = input->replace && !input->selection,
                          .expect_version = expect_version,
                          .intake = steal_pointer(input->intake),
                          .edit = steal_pointer(input->edit)};
    int r = stage_seal(&input->stage, err);

    if (!r && write.intake && !input->replace)
        r = intake_advance(write.intake, table, err);
    if (!r && input->replace && input->selection) {
        db_before_wait(input->db); /* it may have to look at all rows */
        r = edit_create(input->db, table, input->selection, (struct slice){0}, &write.edit, err);
    }
    if (!r && write.edit)
        r = edit_seal(write.edit, err);
    if (r < 0) {
        intake_destroy(write.intake);
        edit_destroy(write.edit);
        return r;
    }
    r = commit_add_statement(commit, table->uuid, &write);
    if (r < 0 && err)
        *err = *commit_reason(commit);
    return r;
}

static int commit_schema(struct input *input, struct table *table, struct commit *commit,
                         struct err *err)
{
    int r = input->reshape ? 0 : make_reshape(input, table, err);

    if (!r)
        r = reshape_seal(input->reshape, err);
    if (r < 0)
        return r;
    r = commit_add_schema(commit, table->uuid, steal_pointer(input->reshape));
    if (r < 0 && err)
        *err = *commit_reason(commit);
    return r;
}

int input_commit(struct input *input, struct table *table, uint64_t expect_version,
                 struct commit *commit, struct err *err)
{
    int r = input->kind == INPUT_SCHEMA ? commit_schema(input, table, commit, err)
                                        : commit_rows(input, table, expect_version, commit, err);

    input->writers.intake = NULL;
    return r;
}
