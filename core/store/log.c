/* SPDX-License-Identifier: MIT */
/* Records on a store, addressed by number and known by checksum. */
#include "core/store/log.h"

#include <errno.h>

#include "core/base/mem.h"
#include "core/store/sealed.h"

int log_read(struct store *store, uint64_t seq, struct record *ret_record,
             struct log_position *ret_position, struct err *err)
{
    cleanup_buf struct buf buf = {0};
    struct log_position position = {.seq = seq};
    struct err reason = ERR_INIT;
    char key[RECORD_KEY_BYTES];
    int r;

    record_key(seq, key);
    r = store_get(store, key, &buf, &position.tag, &reason);
    if (r < 0 && r != -ENOENT) /* that there is no record is no failure */
        return err_set(err, r, "%s", reason.text);
    if (!r)
        r = record_decode(seq, buf.data, buf.bytes, ret_record, &position.hash, err);
    if (!r)
        *ret_position = position;
    return r;
}

int log_read_known(struct store *store, uint64_t seq, struct record *ret_record,
                   struct log_position *ret_position, struct err *err)
{
    char key[RECORD_KEY_BYTES];
    int r = log_read(store, seq, ret_record, ret_position, err);

    if (r != -ENOENT)
        return r;
    record_key(seq, key);
    return err_set(err, -EIO, "%s is missing", key);
}

int log_exists(struct store *store, uint64_t seq, struct err *err)
{
    char key[RECORD_KEY_BYTES];
    struct store_tag tag;
    int r;

    record_key(seq, key);
    r = store_head(store, key, &tag, err);
    return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int log_holds(struct store *store, const struct log_position *position, struct err *err)
{
    cleanup_buf struct buf buf = {0};
    char key[RECORD_KEY_BYTES];
    struct store_tag tag;
    struct hash hash;
    int r;

    record_key(position->seq, key);
    r = store_head(store, key, &tag, err);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (store_tag_equal(tag, position->tag))
        return 1;
    r = store_get(store, key, &buf, NULL, err);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = sealed_verify(key, buf.data, buf.bytes, &hash, err);
    return r < 0 ? r : hash_equal(hash, position->hash);
}

int log_put(struct store *store, uint64_t seq, const struct buf *encoded, struct hash hash,
            struct log_position *ret_position, enum put_state *ret_state, struct err *err)
{
    struct log_position position = {.seq = seq, .hash = hash};
    char key[RECORD_KEY_BYTES];
    int r;

    record_key(seq, key);
    r = store_put(store, key, encoded->data, encoded->bytes, &position.tag, ret_state, err);
    if (!r)
        *ret_position = position;
    return r;
}

int log_settle(struct store *store, struct err *err)
{
    return store_settle(store, "log", err);
}
