/* SPDX-License-Identifier: MIT */
/* Which rows a search need not look at. */
#include "core/zones.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/db_private.h"
#include "core/scan.h"
#include "core/segmentcache.h"

#define MAGIC        "rowfszn1"
#define HEADER_BYTES 48
#define HASH_BYTES   8
#define KEY_BYTES    160 /* of the object's name */
#define OPEN_ZONES   4096

/* A file of zones, as it is in the store. */
struct zones {
    _Atomic uint32_t refs;
    uint64_t count;
    struct buf data;
};

static void *zones_ref(void *thing)
{
    struct zones *zones = thing;

    atomic_fetch_add_explicit(&zones->refs, 1, memory_order_relaxed);
    return zones;
}

static void zones_unref(void *thing)
{
    struct zones *zones = thing;

    if (!zones || atomic_fetch_sub_explicit(&zones->refs, 1, memory_order_acq_rel) != 1)
        return;
    buf_finish(&zones->data);
    free(zones);
}

CLEANUP_POINTER(void, zones_unref)

int zones_cache_create(struct segmentcache **ret_cache)
{
    static const struct segmentcache_class class = {.ref = zones_ref, .unref = zones_unref};

    return segmentcache_create(&class, OPEN_ZONES, ret_cache);
}

/* --- the file --------------------------------------------------------------------- */

/* One column of one segment. */
struct subject {
    struct db *db;
    struct object *object;
    struct slice column;
    struct column_type type;
    struct slice default_json;
    uint64_t signature;
};

static int sign(struct subject *subject)
{
    cleanup_buf struct buf text = {0};
    char type[TYPE_TEXT_BYTES];

    type_to_text(subject->type, type);
    if (buf_printf(&text, "%s %zu ", type, subject->column.bytes) < 0 ||
        buf_append(&text, subject->column.text, subject->column.bytes) < 0 ||
        buf_append(&text, subject->default_json.text, subject->default_json.bytes) < 0)
        return -ENOMEM;
    subject->signature = hash64_bytes(text.data, text.bytes);
    return 0;
}

static int subject_init(struct subject *subject, struct db *db, const struct table *table,
                        struct object *object, struct slice column_name)
{
    const struct column *column = table->schema ? schema_column(table->schema, column_name) : NULL;

    *subject = (struct subject){.db = db, .object = object, .column = column_name};
    if (column) {
        subject->type = column->type;
        subject->default_json = column->default_json;
    }
    return sign(subject);
}

static void name_file(const struct subject *subject, char ret_key[KEY_BYTES])
{
    char table[UUID_TEXT_BYTES + 1], segment[UUID_TEXT_BYTES + 1];

    uuid_to_text(subject->object->entry.table, table);
    uuid_to_text(subject->object->entry.uuid, segment);
    snprintf(ret_key, KEY_BYTES, "data/%s/%s.%016" PRIx64 ".zones", table, segment,
             subject->signature);
}

static void make_header(const struct subject *subject, uint64_t count,
                        unsigned char header[HEADER_BYTES])
{
    uint64_t signature = htole64(subject->signature);
    uint64_t bytes = htole64(subject->object->entry.bytes);

    count = htole64(count);
    memcpy(header, MAGIC, 8);
    memcpy(header + 8, subject->object->entry.uuid.bytes, 16);
    memcpy(header + 24, &signature, 8);
    memcpy(header + 32, &bytes, 8);
    memcpy(header + 40, &count, 8);
}

/* Steps over one key. NULL: the file ends within it. */
static const unsigned char *take_key(const unsigned char *p, const unsigned char *end,
                                     struct slice *ret_key)
{
    if (p == end || end - p - 1 < *p)
        return NULL;
    *ret_key = slice_of((const char *)p + 1, *p);
    return p + 1 + *p;
}

/* Calls `each` for every zone until it returns other than 0. Errors: -EIO, the file is not one. */
static int each_zone(const struct zones *zones,
                     int (*each)(void *context, struct slice min, struct slice max), void *context)
{
    const unsigned char *p = (const unsigned char *)zones->data.data + HEADER_BYTES;
    const unsigned char *end =
        (const unsigned char *)zones->data.data + zones->data.bytes - HASH_BYTES;
    struct slice min, max;
    int r = 0;

    for (uint64_t i = 0; i < zones->count && !r; i++) {
        p = take_key(p, end, &min);
        if (p)
            p = take_key(p, end, &max);
        if (!p)
            return -EIO;
        r = each(context, min, max);
    }
    return r || p == end ? r : -EIO;
}

static int ignore_zone(void *context, struct slice min, struct slice max)
{
    (void)context;
    (void)min;
    (void)max;
    return 0;
}

static bool is_intact(const struct subject *subject, struct zones *zones)
{
    const struct buf *data = &zones->data;
    unsigned char header[HEADER_BYTES];
    uint64_t hash;

    if (data->bytes < HEADER_BYTES + HASH_BYTES)
        return false;
    memcpy(&hash, data->data + data->bytes - HASH_BYTES, sizeof hash);
    if (le64toh(hash) != hash64_bytes(data->data, data->bytes - HASH_BYTES))
        return false;
    memcpy(&zones->count, data->data + 40, sizeof zones->count);
    zones->count = le64toh(zones->count);
    make_header(subject, zones->count, header);
    return zones->count == (subject->object->entry.rows + ZONES_ROWS - 1) / ZONES_ROWS &&
           !memcmp(header, data->data, HEADER_BYTES) && each_zone(zones, ignore_zone, NULL) == 0;
}

/* --- making --------------------------------------------------------------------------- */

/* The zone that is being made. */
struct builder {
    struct buf data;
    struct buf min, max, key;
    uint64_t rows, count;
};

static void builder_finish(struct builder *builder)
{
    buf_finish(&builder->data);
    buf_finish(&builder->min);
    buf_finish(&builder->max);
    buf_finish(&builder->key);
}

static struct slice slice_of_buf(const struct buf *buf)
{
    return slice_of(buf->data, buf->bytes);
}

static void swap(struct buf *a, struct buf *b)
{
    struct buf c = *a;

    *a = *b;
    *b = c;
}

/* Takes what is in `key`. */
static int add_value(struct builder *builder)
{
    struct slice key = slice_of_buf(&builder->key);
    int r = 0;

    if (!builder->rows || value_key_compare(key, slice_of_buf(&builder->min)) < 0) {
        builder->min.bytes = 0;
        r = buf_append(&builder->min, key.text, key.bytes);
    }
    if (!builder->rows++ || value_key_compare(slice_of_buf(&builder->max), key) < 0)
        swap(&builder->max, &builder->key);
    return r;
}

/* The first bytes of a greatest key, as one that is greater; without any: there is none. */
static void round_up(struct buf *key)
{
    if (key->bytes <= ZONES_KEY_BYTES)
        return;
    key->bytes = ZONES_KEY_BYTES;
    while (key->bytes && (unsigned char)key->data[key->bytes - 1] == 0xff)
        key->bytes--;
    if (key->bytes)
        key->data[key->bytes - 1]++;
}

static int append_key(struct buf *data, const struct buf *key)
{
    unsigned char bytes = (unsigned char)key->bytes;

    if (buf_append(data, &bytes, 1) < 0)
        return -ENOMEM;
    return buf_append(data, key->data, key->bytes);
}

static int end_zone(struct builder *builder)
{
    if (builder->min.bytes > ZONES_KEY_BYTES)
        builder->min.bytes = ZONES_KEY_BYTES;
    round_up(&builder->max);
    builder->rows = 0;
    builder->count++;
    if (append_key(&builder->data, &builder->min) < 0)
        return -ENOMEM;
    return append_key(&builder->data, &builder->max);
}

static int add_row(const struct subject *subject, struct builder *builder, struct slice row)
{
    struct slice value = json_find(row, subject->column);
    int r;

    builder->key.bytes = 0;
    r = value_key(subject->type, value.text ? value : subject->default_json, &builder->key);
    if (!r)
        r = add_value(builder);
    return r < 0 || builder->rows < ZONES_ROWS ? r : end_zone(builder);
}

static int scan_rows(const struct subject *subject, struct builder *builder, struct err *err)
{
    const struct object_entry *entry = &subject->object->entry;
    struct extent whole = {.object = subject->object, .bytes = entry->bytes, .rows = entry->rows};
    cleanup(scan_finish) struct scan scan;
    const char *row;
    size_t bytes;
    int r;

    scan_init_extent(&scan, subject->db->store, &whole);
    while ((r = scan_next(&scan, &row, &bytes, err)) > 0)
        if (add_row(subject, builder, slice_of(row, bytes)) < 0)
            return err_nomem(err);
    if (!r && builder->rows && end_zone(builder) < 0)
        r = err_nomem(err);
    return r;
}

static int build(const struct subject *subject, struct zones *zones, struct err *err)
{
    cleanup(builder_finish) struct builder builder = {0};
    unsigned char header[HEADER_BYTES] = {0};
    uint64_t hash;
    int r = buf_append(&builder.data, header, sizeof header) < 0 ? err_nomem(err) : 0;

    if (!r)
        r = scan_rows(subject, &builder, err);
    if (r < 0)
        return r;
    make_header(subject, builder.count, (unsigned char *)builder.data.data);
    hash = htole64(hash64_bytes(builder.data.data, builder.data.bytes));
    if (buf_append(&builder.data, &hash, sizeof hash) < 0)
        return err_nomem(err);
    zones->count = builder.count;
    swap(&zones->data, &builder.data);
    return 0;
}

/* Without room in the store it is made again by the next mount. */
static void keep(const struct subject *subject, const struct zones *zones, bool is_damaged)
{
    char key[KEY_BYTES];

    if (subject->db->options.read_only)
        return;
    name_file(subject, key);
    if (is_damaged)
        store_remove(subject->db->store, key, NULL);
    store_put(subject->db->store, key, zones->data.data, zones->data.bytes, NULL,
              &(enum put_state){PUT_ABSENT}, NULL);
}

static int open_or_build(const struct subject *subject, struct zones *zones, struct err *err)
{
    char key[KEY_BYTES];
    bool is_damaged;
    int r;

    name_file(subject, key);
    r = store_get(subject->db->store, key, &zones->data, NULL, NULL);
    if (!r && is_intact(subject, zones))
        return 0;
    buf_finish(&zones->data);
    db_before_wait(subject->db);
    is_damaged = r == 0;
    r = build(subject, zones, err);
    if (!r)
        keep(subject, zones, is_damaged);
    return r;
}

static int get_zones(const struct subject *subject, struct zones **ret_zones, struct err *err)
{
    struct segmentcache *cache = subject->db->zones;
    cleanup(zones_unref_p) void *made = NULL;
    struct zones *zones = segmentcache_find(cache, subject->object->id.uuid, subject->signature);
    int r;

    if (!zones) {
        made = zones = calloc(1, sizeof *zones);
        if (!zones)
            return err_nomem(err);
        atomic_init(&zones->refs, 1);
        r = open_or_build(subject, zones, err);
        if (r < 0)
            return r;
        segmentcache_add(cache, subject->object->id.uuid, subject->signature, zones);
        made = NULL;
    }
    *ret_zones = zones;
    return 0;
}

/* --- ranges ------------------------------------------------------------------------------- */

/* The ranges of a table that are left, in the making. */
struct left {
    struct buf *ranges;
    uint64_t from, to;
};

/* Leaves [from, to), joined to the last range if it follows it. */
static int leave(struct left *left, uint64_t from, uint64_t to)
{
    struct zones_range *last, range = {.from = from > left->from ? from : left->from,
                                       .to = to < left->to ? to : left->to};

    if (range.from >= range.to)
        return 0;
    if (left->ranges->bytes) {
        last = (struct zones_range *)(void *)(left->ranges->data + left->ranges->bytes) - 1;
        if (last->to == range.from) {
            last->to = range.to;
            return 0;
        }
    }
    return buf_append(left->ranges, &range, sizeof range);
}

/* Which zones of a segment may match all conditions. */
struct zone_marks {
    const struct matcher *matcher;
    unsigned condition;
    bool *may_match;
    size_t at;
};

static int mark_zone(void *context, struct slice min, struct slice max)
{
    struct zone_marks *marks = context;

    /* A greatest key that could not be rounded up has no bytes: anything may be greater. */
    if (max.bytes && !matcher_may_match(marks->matcher, marks->condition, min, max))
        marks->may_match[marks->at] = false;
    marks->at++;
    return 0;
}

static int mark_column(struct db *db, const struct table *table, const struct matcher *matcher,
                       unsigned condition, struct object *object, bool *may_match, struct err *err)
{
    struct zone_marks marks = {.matcher = matcher, .condition = condition, .may_match = may_match};
    cleanup(zones_unref_p) void *held = NULL;
    struct subject subject;
    struct zones *zones = NULL;
    int r = subject_init(&subject, db, table, object, matcher_column(matcher, condition));

    if (r < 0)
        return err_nomem(err);
    r = get_zones(&subject, &zones, err);
    if (r < 0)
        return r;
    held = zones;
    return each_zone(zones, mark_zone, &marks);
}

/* Leaves the zones of a placement (as it was appended: part of an object) that may match. */
static int leave_zones(struct left *left, const struct extent *placement, const bool *may_match)
{
    uint64_t end = placement->first_row + placement->rows;
    int r = 0;

    for (uint64_t row = placement->first_row; row < end && !r;) {
        uint64_t zone = row / ZONES_ROWS, next = (zone + 1) * ZONES_ROWS;

        next = next < end ? next : end;
        if (may_match[zone])
            r = leave(left, placement->row + (row - placement->first_row),
                      placement->row + (next - placement->first_row));
        row = next;
    }
    return r;
}

static int leave_placement(struct db *db, const struct table *table, const struct matcher *matcher,
                           const struct extent *placement, struct left *left, struct err *err)
{
    uint64_t rows = placement->object->entry.rows;
    size_t zones = (size_t)((rows + ZONES_ROWS - 1) / ZONES_ROWS);
    cleanup_free bool *may_match = NULL;
    int r = 0;

    if (rows < ZONES_MIN_ROWS)
        return leave(left, placement->row, placement->row + placement->rows);
    may_match = malloc(zones);
    if (!may_match)
        return err_nomem(err);
    memset(may_match, true, zones);
    for (unsigned i = 0; i < matcher_count(matcher) && !r; i++)
        r = mark_column(db, table, matcher, i, placement->object, may_match, err);
    return r < 0 ? r : leave_zones(left, placement, may_match);
}

int zones_ranges(struct db *db, const struct table *table, const struct matcher *matcher,
                 uint64_t from, uint64_t to, struct buf *ranges, struct err *err)
{
    struct left left = {.ranges = ranges, .from = from, .to = to};
    struct ptree_cursor cursor;
    const struct extent *placement;
    uint64_t at = 0;
    int r = 0;

    ptree_seek_first(&cursor, table->placements);
    while (!r && matcher_count(matcher) && (placement = ptree_next(&cursor))) {
        uint64_t end = placement->row + placement->rows;

        r = leave(&left, at, placement->row); /* rows in records between */
        if (!r && end > from && placement->row < to)
            r = leave_placement(db, table, matcher, placement, &left, err);
        at = end;
    }
    if (!r)
        r = leave(&left, at, UINT64_MAX);
    return r == -ENOMEM ? err_nomem(err) : r;
}

/* --- comparing ------------------------------------------------------------------------------ */

int zones_compare(struct db *db, const struct table *table, struct object *object,
                  struct slice column, struct err *err)
{
    struct zones kept = {0}, made = {0};
    struct subject subject;
    char key[KEY_BYTES];
    int r = subject_init(&subject, db, table, object, column);

    if (r < 0)
        return r;
    name_file(&subject, key);
    r = store_get(db->store, key, &kept.data, NULL, err);
    if (!r && !is_intact(&subject, &kept))
        r = err_set(err, -EIO, "%s is damaged", key);
    if (!r)
        r = build(&subject, &made, err);
    if (!r)
        r = slice_equal(slice_of_buf(&kept.data), slice_of_buf(&made.data));
    buf_finish(&kept.data);
    buf_finish(&made.data);
    return r;
}
