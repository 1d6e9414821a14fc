/* SPDX-License-Identifier: MIT */
/* The interface of stores: counting, and put as a short upload. */
#include "core/store/store.h"

#include "core/base/mem.h"

CLEANUP_POINTER(struct upload, upload_destroy)

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void store_close(struct store *store)
{
    if (store)
        store->ops->close(store);
}

int store_get(struct store *store, const char *key, struct buf *buf, struct store_tag *ret_tag,
              struct err *err)
{
    count(&store->counts.get);
    return store->ops->get(store, key, buf, ret_tag, err);
}

int store_read(struct store *store, const char *key, void *buf, size_t bytes, uint64_t offset,
               struct err *err)
{
    count(&store->counts.get);
    return store->ops->read(store, key, buf, bytes, offset, err);
}

int store_head(struct store *store, const char *key, struct store_tag *ret_tag, struct err *err)
{
    count(&store->counts.head);
    return store->ops->head(store, key, ret_tag, err);
}

int store_list(struct store *store, const char *prefix, int (*each)(void *context, const char *key),
               void *context, struct err *err)
{
    count(&store->counts.list);
    return store->ops->list(store, prefix, each, context, err);
}

int store_remove(struct store *store, const char *key, struct err *err)
{
    count(&store->counts.remove);
    return store->ops->remove(store, key, err);
}

int store_settle(struct store *store, const char *prefix, struct err *err)
{
    return store->ops->settle(store, prefix, err);
}

int store_statvfs(struct store *store, struct statvfs *ret_vfs)
{
    return store->ops->statvfs(store, ret_vfs);
}

int store_watch(struct store *store, const char *prefix)
{
    return store->ops->watch(store, prefix);
}

int store_put(struct store *store, const char *key, const void *data, size_t bytes,
              struct store_tag *ret_tag, enum put_state *ret_state, struct err *err)
{
    cleanup(upload_destroy_p) struct upload *upload = NULL;
    int r;

    *ret_state = PUT_ABSENT;
    r = store_upload_begin(store, &upload, err);
    if (!r)
        r = upload_write(upload, data, bytes, err);
    if (!r)
        r = upload_finish(upload, key, ret_tag, ret_state, err);
    return r;
}

int store_upload_begin(struct store *store, struct upload **ret_upload, struct err *err)
{
    return store->ops->upload_begin(store, ret_upload, err);
}

int upload_write(struct upload *upload, const void *data, size_t bytes, struct err *err)
{
    int r = upload->store->ops->upload_write(upload, data, bytes, err);

    if (!r)
        upload->bytes += bytes;
    return r;
}

int upload_read(struct upload *upload, void *buf, size_t bytes, uint64_t offset, struct err *err)
{
    return upload->store->ops->upload_read(upload, buf, bytes, offset, err);
}

int upload_finish(struct upload *upload, const char *key, struct store_tag *ret_tag,
                  enum put_state *ret_state, struct err *err)
{
    count(&upload->store->counts.put);
    *ret_state = PUT_ABSENT;
    return upload->store->ops->upload_finish(upload, key, ret_tag, ret_state, err);
}

void upload_destroy(struct upload *upload)
{
    if (upload)
        upload->store->ops->upload_destroy(upload);
}
