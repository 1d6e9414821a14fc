/* SPDX-License-Identifier: MIT */
/* Makes, recognises and loads stores. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/timefmt.h"
#include "core/db_private.h"
#include "core/keyed.h"
#include "core/rowcheck.h"
#include "core/segmentcache.h"
#include "core/store/dirstore.h"
#include "core/store/jsonget.h"
#include "core/store/sealed.h"
#include "core/zones.h"

#define STORE_FILE   "rowfs.json"
#define STORE_FORMAT 1

CLEANUP_POINTER(struct snapshot, snapshot_unref)
CLEANUP_POINTER(struct store, store_close)

/* What rowfs.json says. */
struct identity {
    struct uuid uuid;
    struct hash genesis; /* of record 0 */
    int64_t created_usec;
};

/* --- making ----------------------------------------------------------------- */

/* Record 0 commits nothing: it is what the first commit's `prev` names. */
static int put_genesis(struct store *store, struct err *err)
{
    struct record record = {.nonce = uuid_random(), .host = (char *)""};
    cleanup_buf struct buf encoded = {0};
    struct log_position position;
    enum put_state state;
    struct hash hash;
    int r = record_encode(&record, NULL, 0, &encoded, &hash);

    if (r < 0)
        return err_nomem(err);
    r = log_put(store, 0, &encoded, hash, &position, &state, err);
    return r == -EEXIST ? 0 : r;
}

static int put_identity(struct store *store, const struct hash *genesis, struct err *err)
{
    char uuid[UUID_TEXT_BYTES + 1], created[TIMEFMT_BYTES + 1], hex[HASH_HEX_BYTES + 1];
    cleanup_buf struct buf buf = {0};
    enum put_state state;
    struct hash hash;
    json_t *object;
    int r;

    uuid_to_text(uuid_random(), uuid);
    time_to_text(time_now_usec(), created);
    hash_to_hex(*genesis, hex);
    object = json_pack("{si ss ss ss}", "format", STORE_FORMAT, "uuid", uuid, "created", created,
                       "genesis", hex);
    r = object ? sealed_write(object, NULL, 0, &buf, &hash) : -ENOMEM;
    json_decref(object);
    if (r < 0)
        return err_nomem(err);
    r = store_put(store, STORE_FILE, buf.data, buf.bytes, NULL, &state, err);
    return r == -EEXIST ? 0 : r;
}

int db_init_store(struct store *store, struct err *err)
{
    cleanup(record_finish) struct record genesis = {0};
    struct log_position position;
    int r = put_genesis(store, err);

    if (!r)
        r = log_read(store, 0, &genesis, &position, err);
    /* Last, because a directory that has it is a store: until then it can be begun again. */
    return r < 0 ? r : put_identity(store, &position.hash, err);
}

/* --- recognising ------------------------------------------------------------ */

/* Whether the file `name` in a directory is what an interrupted db_init_store leaves. */
static bool is_left_by_init(const char *name)
{
    static const char *const names[] = {"log", "data", "checkpoint", "tmp", "lost+found"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

/* Whether `path`/log holds more than record 0. */
static bool log_has_commits(const char *path)
{
    cleanup_free char *first = NULL;
    char key[RECORD_KEY_BYTES];

    record_key(1, key);
    return asprintf(&first, "%s/%s", path, key) > 0 && access(first, F_OK) == 0;
}

/*
 * 1: a store; 0: nothing yet, may become one. Looks before anything is
 * written, so that a mistyped path is left as it was.
 */
static int recognise(const char *path, struct err *err)
{
    cleanup_free char *file = NULL;
    struct dirent *entry;
    DIR *dir;
    int r = 0;

    if (asprintf(&file, "%s/%s", path, STORE_FILE) < 0)
        return err_nomem(err);
    if (access(file, F_OK) == 0)
        return 1;
    dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? 0
                               : err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
    while (!r && (entry = readdir(dir))) {
        if (!strcmp(entry->d_name, STORE_FILE))
            r = 1; /* somebody else has made it meanwhile */
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
            !strcmp(entry->d_name, STORE_FILE) || is_left_by_init(entry->d_name))
            continue;
        r = err_set(err, -ENOTEMPTY,
                    "%s is not a rowfs store and not empty (it holds %s): nothing was changed",
                    path, entry->d_name);
    }
    closedir(dir);
    if (!r && log_has_commits(path))
        r = err_set(err, -EIO, "the store %s is damaged: %s is missing", path, STORE_FILE);
    return r;
}

/* --- loading ---------------------------------------------------------------- */

/* Before anything else is believed of it: another format may be sealed in another way. */
static int check_format(const struct buf *buf, struct err *err)
{
    json_t *object = json_loadb(buf->data, buf->bytes, JSON_DISABLE_EOF_CHECK, NULL);
    json_t *format = json_object_get(object, "format");
    int r = 0;

    if (json_is_integer(format) && json_integer_value(format) > STORE_FORMAT)
        r = err_set(err, -ENOTSUP,
                    "the store has format %" JSON_INTEGER_FORMAT
                    ", this rowfs knows no newer one than %d",
                    json_integer_value(format), STORE_FORMAT);
    json_decref(object);
    return r;
}

static int read_identity(struct store *store, struct identity *ret_identity, struct err *err)
{
    struct jsonget get = {.name = STORE_FILE, .err = err};
    cleanup_buf struct buf buf = {0};
    struct identity identity;
    struct hash hash;
    json_t *object;
    size_t body;
    int r = store_get(store, STORE_FILE, &buf, NULL, err);

    if (!r)
        r = check_format(&buf, err);
    if (!r)
        r = sealed_read(STORE_FILE, buf.data, buf.bytes, &object, &hash, &body, err);
    if (r < 0)
        return r;
    if (jsonget_u64(&get, object, "format") != STORE_FORMAT)
        jsonget_fail(&get, "its format is none that there ever was");
    identity.uuid = jsonget_uuid(&get, object, "uuid");
    identity.genesis = jsonget_hash(&get, object, "genesis");
    identity.created_usec = jsonget_time(&get, object, "created");
    json_decref(object);
    if (!get.failed)
        *ret_identity = identity;
    return get.failed;
}

static int load_genesis(struct db *db, const struct identity *identity, struct err *err)
{
    cleanup(record_finish) struct record record = {0};
    struct log_position position;
    int r = log_read(db->store, 0, &record, &position, err);

    if (r == -ENOENT)
        return err_set(err, -EIO,
                       "the store is damaged: log/00000000000000000000.ndjson is missing");
    if (r < 0)
        return r;
    if (!hash_equal(position.hash, identity->genesis))
        return err_set(err, -EIO, "the store is damaged: its log is that of another store");
    r = snapshot_create_empty(&position, identity->created_usec, &db->head);
    if (!r)
        db_mark(db, db->head);
    return r < 0 ? err_nomem(err) : 0;
}

static int note_highest(void *context, const char *key)
{
    uint64_t *highest = context, seq;
    char again[RECORD_KEY_BYTES];

    if (sscanf(key, "log/%20" SCNu64 ".ndjson", &seq) != 1)
        return 0;
    record_key(seq, again);
    if (!strcmp(key, again) && seq > *highest)
        *highest = seq;
    return 0;
}

/* A log that goes on behind a gap has lost a record: its last state is not the present. */
static int check_no_gap(struct db *db, struct err *err)
{
    cleanup(snapshot_unref_p) struct snapshot *head = NULL;
    uint64_t highest = 0;
    int r = store_list(db->store, "log", note_highest, &highest, err);

    if (r < 0)
        return r;
    r = db_read_forward(db, err); /* what was put while we read and listed is no gap */
    if (r < 0)
        return r;
    head = db_head(db);
    if (highest > head->position.seq) {
        char key[RECORD_KEY_BYTES], highest_key[RECORD_KEY_BYTES];

        record_key(head->position.seq + 1, key);
        record_key(highest, highest_key);
        return err_set(err, -EIO, "the store is damaged: %s is missing, %s is there", key,
                       highest_key);
    }
    return 0;
}

static void name_host(struct db *db)
{
    if (gethostname(db->host, HOST_BYTES) < 0)
        strcpy(db->host, "?");
    for (char *p = db->host; *p; p++)
        if (*p < 0x21 || *p > 0x7e)
            *p = '?';
}

int db_open_store(struct store *store, const struct db_options *options, struct db **ret_db,
                  struct err *err)
{
    struct db *db = calloc(1, sizeof *db);
    struct identity identity = {0};
    int r;

    if (!db) {
        store_close(store);
        return err_nomem(err);
    }
    db->store = store;
    db->options = *options;
    db->queue_end = &db->queue_first;
    pthread_mutex_init(&db->head_lock, NULL);
    pthread_mutex_init(&db->marks_lock, NULL);
    pthread_mutex_init(&db->forward_lock, NULL);
    pthread_mutex_init(&db->queue_lock, NULL);
    pthread_mutex_init(&db->checkers_lock, NULL);
    name_host(db);
    r = keyed_cache_create(&db->keyed);
    if (!r)
        r = zones_cache_create(&db->zones);
    r = r < 0 ? err_nomem(err) : read_identity(store, &identity, err);
    if (!r) {
        db->uuid = identity.uuid;
        r = load_genesis(db, &identity, err);
    }
    if (!r)
        r = db_read_forward(db, err);
    if (!r)
        r = check_no_gap(db, err);
    if (r < 0) {
        db_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

int db_open(const char *path, const struct db_options *options, struct db **ret_db, struct err *err)
{
    cleanup(store_close_p) struct store *store = NULL;
    int known = recognise(path, err), r;

    if (known < 0)
        return known;
    if (!known && options->read_only)
        return err_set(err, -ENOENT, "%s is not a rowfs store, and a read-only mount makes none",
                       path);
    r = dirstore_open(path, !known, &store, err);
    if (!r && !known)
        r = db_init_store(store, err);
    if (!r)
        r = db_open_store(steal_pointer(store), options, ret_db, err);
    return r;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    snapshot_unref(db->head);
    while (db->mark_count)
        snapshot_unref(db->marks[--db->mark_count]);
    while (db->checker_count)
        rowcheck_destroy(db->checkers[--db->checker_count]);
    pthread_mutex_destroy(&db->head_lock);
    pthread_mutex_destroy(&db->marks_lock);
    pthread_mutex_destroy(&db->forward_lock);
    pthread_mutex_destroy(&db->queue_lock);
    pthread_mutex_destroy(&db->checkers_lock);
    segmentcache_destroy(db->keyed);
    segmentcache_destroy(db->zones);
    store_close(db->store);
    free(db);
}
