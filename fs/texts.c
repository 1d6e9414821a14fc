/* SPDX-License-Identifier: MIT */
/* README and the two kinds of info. */
#include "fs/texts.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "core/base/jsonbuf.h"
#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "core/derived.h"

int text_readme(struct buf *text)
{
    static const char readme[] =
        "This is a rowfs mount: a small ACID database with the shell as its client.\n"
        "\n"
        "  mkdir tables/people                        make a table\n"
        "  echo '{\"id\":1,\"name\":\"Ada\"}' >> tables/people/rows   insert a row (JSON object)\n"
        "  cat more.ndjson >> tables/people/rows      insert many, all or nothing\n"
        "  cat tables/people/rows                     select, in commit order\n"
        "  grep -v Ada tables/people/rows > tables/people/rows     keep some\n"
        "  cat new.ndjson > tables/people/rows        replace all rows\n"
        "  echo '{\"columns\":{\"id\":\"int64\",\"name\":\"string\"},\"key\":\"id\"}' > "
        "tables/people/schema\n"
        "  cat tables/people/by/id/1/rows             the rows whose id is 1; by/id/1..9, too\n"
        "  echo '{\"name\":\"Bob\"}' > tables/people/by/id/1/patch      update\n"
        "  rm tables/people/by/id/1/rows              delete\n"
        "  cat tables/people/rows.csv                 as CSV (rows.tsv), also to append to\n"
        "  : > tables/people/rows                     delete all rows\n"
        "  mv tables/people tables/persons            rename the table\n"
        "  rm -r tables/persons                       drop it with its rows\n"
        "\n"
        "A close is a commit: what one open file wrote becomes visible at one moment, and\n"
        "survives power loss, or not at all. A writer that fails (killed, exit status\n"
        "not 0 with the file open) commits nothing: group commands with ( ), a shell\n"
        "closes the file of { } before it exits. Rows are appended, never overwritten\n"
        "in place. Long-lived programs append to tables/<name>/stream, where every\n"
        "write(2) up to 1 MiB commits its complete lines. cat of a stream gives each\n"
        "commit's rows as they come, and waits.\n"
        "\n"
        "  log                  one line per commit\n"
        "  at/VERSION/tables    everything as it was after that commit, to be read\n"
        "  tx/                  transactions: mkdir tx/ID begins one, tx/ID/tables is the whole\n"
        "                       tree in it, echo 1 > tx/ID/commit commits, rmdir aborts\n"
        "  errors               what was refused to you last, and why\n"
        "  info                 about the store (not listed; cat it)\n"
        "  tables/<name>/info   rows, bytes, version, key (not listed)\n"
        "  tables/<name>/by     ls lists columns, ls by/<column> its values (not listed)\n"
        "\n"
        "Any other name made beside rows is a scratch file, private to you and never\n"
        "committed; renamed to rows it replaces them. An error you did not see (a\n"
        "shell's own echo cannot report one of close) is in errors.\n";

    return buf_append(text, readme, sizeof readme - 1);
}

static json_t *writers(struct fs *fs)
{
    json_t *list = json_array();

    pthread_mutex_lock(&fs->handles_lock);
    for (struct handle *h = fs->handles; h; h = h->next)
        if (h->file || (h->kind == HANDLE_COMMIT && !h->decided))
            json_array_append_new(
                list, json_pack("{si si}", "pid", (int)h->opener, "uid", (int)h->opener_uid));
    pthread_mutex_unlock(&fs->handles_lock);
    return list;
}

static json_t *operations(struct store *store)
{
    const struct store_counts *n = &store->counts;

    return json_pack("{sI sI sI sI sI}", "put", (json_int_t)n->put, "get", (json_int_t)n->get,
                     "head", (json_int_t)n->head, "list", (json_int_t)n->list, "remove",
                     (json_int_t)n->remove);
}

int text_root_info(struct fs *fs, const struct snapshot *snapshot, struct buf *text)
{
    char uuid[UUID_TEXT_BYTES + 1], time[TIMEFMT_BYTES + 1];
    const struct db_limits *limits = db_limits(fs->db);

    uuid_to_text(db_uuid(fs->db), uuid);
    time_to_text(snapshot->time_usec, time);
    return jsonbuf_print(
        text,
        json_pack("{ss ss si sI sI ss s{sI sI sI} so so}", "store", fs->store_path, "uuid", uuid,
                  "pid", (int)getpid(), "version", (json_int_t)snapshot->version, "tables",
                  (json_int_t)ptree_count(snapshot->by_name), "time", time, "limits", "row_limit",
                  (json_int_t)limits->row_bytes, "tx_limit", (json_int_t)limits->tx_bytes,
                  "scratch_limit", (json_int_t)limits->scratch_bytes, "writers", writers(fs),
                  "operations", operations(db_store(fs->db))),
        JSON_INDENT(2));
}

/* A version of the log; in a transaction what it has changed itself has none. */
static json_t *version(uint64_t version, const struct view *view)
{
    return view_tx(view) && version > tx_base_version(view->tx) ? json_null()
                                                                : json_integer((json_int_t)version);
}

/* The columns of the key; null: there is none. */
static json_t *key_columns(const struct schema *schema)
{
    json_t *list;

    if (!schema || !schema->key_count)
        return json_null();
    list = json_array();
    for (size_t i = 0; i < schema->key_count; i++) {
        struct slice name = schema->columns[schema->key[i]].name;

        json_array_append_new(list, json_stringn(name.text, name.bytes));
    }
    return list;
}

int text_table_info(const struct table *table, const struct view *view, struct buf *text)
{
    char uuid[UUID_TEXT_BYTES + 1], time[TIMEFMT_BYTES + 1];

    uuid_to_text(table->uuid, uuid);
    time_to_text(table->time_usec, time);
    return jsonbuf_print(text,
                         json_pack("{ss ss so sI sI sI sI so so ss}", "table", table->name, "uuid",
                                   uuid, "key", key_columns(table->schema), "rows",
                                   (json_int_t)table_rows(table), "bytes",
                                   (json_int_t)table_bytes(table), "extents",
                                   (json_int_t)ptree_count(table->extents), "segments",
                                   (json_int_t)ptree_sum(table->extents, EXTENT_SEGMENTS),
                                   "created", version(table->created_version, view), "version",
                                   version(table->version, view), "time", time),
                         JSON_INDENT(2));
}

int text_selection_info(struct fs *fs, struct table *table, struct view *view,
                        struct selection *selection, struct buf *text, struct err *err)
{
    cleanup_buf struct buf path = {0};
    struct derived *derived;
    char time[TIMEFMT_BYTES + 1];
    json_t *info;
    int r = derived_create(fs->db, table, selection, DERIVED_ROWS, &derived, err);

    if (r < 0)
        return r;
    time_to_text(table->time_usec, time);
    info = selection_print(selection, &path) < 0
               ? NULL
               : json_pack("{ss ss# sI sI so ss}", "table", table->name, "selection", path.data,
                           (int)path.bytes, "rows", (json_int_t)derived_rows(derived), "bytes",
                           (json_int_t)derived_bytes(derived), "version",
                           version(table->version, view), "time", time);
    derived_destroy(derived);
    return jsonbuf_print(text, info, JSON_INDENT(2));
}
