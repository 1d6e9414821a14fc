/* SPDX-License-Identifier: MIT */
/* Objects as files: put if absent by link(2), durable by fsync of file and directory. */
#include "core/store/dirstore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/io.h"
#include "core/base/mem.h"
#include "core/base/uuid.h"
#include "core/store/fdcache.h"

#define TMP_PATH_BYTES      64
#define SETTLED_DIRECTORIES 256

struct dirstore {
    struct store store;
    char *path; /* for sentences */
    int root;
    int log; /* the directory that every commit touches is kept open */
    struct fdcache fds;
    _Atomic uint64_t settled[SETTLED_DIRECTORIES]; /* hashes of the names of tables' directories */
};

struct dir_upload {
    struct upload upload;
    int fd;
    char tmp[TMP_PATH_BYTES]; /* its name below the root; empty: it has none */
};

static struct dirstore *dirstore(struct store *store)
{
    return (struct dirstore *)store;
}

static int fail(struct dirstore *dir, const char *doing, const char *key, int code, struct err *err)
{
    return err_set(err, code, "cannot %s %s/%s: %s", doing, dir->path, key, strerror(-code));
}

/* --- opening ------------------------------------------------------------ */

static int ensure_directory(struct dirstore *dir, const char *name, bool create, struct err *err)
{
    struct stat st;
    int r = io_stat_at(dir->root, name, &st);

    if (!r && !S_ISDIR(st.st_mode))
        return err_set(err, -EIO, "%s/%s is not a directory", dir->path, name);
    if (r == -ENOENT && create) {
        r = io_mkdir(dir->root, name, 0777);
        if (r == -EEXIST)
            r = 0;
        return r < 0 ? fail(dir, "create", name, r, err) : 0;
    }
    if (r == -ENOENT)
        return err_set(err, -EIO, "the store is damaged: %s/%s is missing", dir->path, name);
    return r < 0 ? fail(dir, "look at", name, r, err) : 0;
}

/* The options of the mount that holds fd, from /proc; NULL: unknown. */
static char *mount_options(int fd)
{
    char path[64], *line = NULL, *options = NULL;
    size_t capacity = 0;
    unsigned mount_id = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    f = fopen(path, "re");
    while (f && getline(&line, &capacity, f) > 0)
        if (sscanf(line, "mnt_id: %u", &mount_id) == 1)
            break;
    if (f)
        fclose(f);
    f = fopen("/proc/self/mountinfo", "re");
    while (f && getline(&line, &capacity, f) > 0) {
        unsigned id;

        if (sscanf(line, "%u", &id) == 1 && id == mount_id) {
            options = steal_pointer(line);
            break;
        }
    }
    if (f)
        fclose(f);
    free(line);
    return options;
}

/*
 * Where a client remembers that a name was absent, a reader can miss commits
 * that were acknowledged: only NFS does, unless it is told not to.
 */
static int check_absence_is_not_cached(struct dirstore *dir, struct err *err)
{
    cleanup_free char *options = NULL;
    struct statfs fs;

    if (fstatfs(dir->root, &fs) < 0 || fs.f_type != NFS_SUPER_MAGIC)
        return 0;
    options = mount_options(dir->root);
    if (options && (strstr(options, "lookupcache=none") || strstr(options, "noac")))
        return 0;
    return err_set(err, -EOPNOTSUPP,
                   "%s is on NFS, which may hide new commits: mount it with lookupcache=none",
                   dir->path);
}

static int open_directories(struct dirstore *dir, bool create, struct err *err)
{
    static const char *const names[] = {"log", "data", "checkpoint", "tmp"};
    int r;

    if (create && mkdir(dir->path, 0777) < 0 && errno != EEXIST)
        return err_set(err, -errno, "cannot create %s: %s", dir->path, strerror(errno));
    dir->root = io_open(AT_FDCWD, dir->path, O_RDONLY | O_DIRECTORY, 0);
    if (dir->root < 0)
        return err_set(err, dir->root, "cannot open the store %s: %s", dir->path,
                       strerror(-dir->root));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        r = ensure_directory(dir, names[i], create, err);
        if (r < 0)
            return r;
    }
    if (create) {
        r = io_fsync(dir->root);
        if (r < 0)
            return fail(dir, "fsync", ".", r, err);
    }
    dir->log = io_open(dir->root, "log", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (dir->log < 0)
        return fail(dir, "open", "log", dir->log, err);
    return check_absence_is_not_cached(dir, err);
}

static void dir_close(struct store *store)
{
    struct dirstore *dir = dirstore(store);

    fdcache_finish(&dir->fds);
    if (dir->log >= 0)
        io_close(dir->log);
    if (dir->root >= 0)
        io_close(dir->root);
    free(dir->path);
    free(dir);
}

/* --- reading ------------------------------------------------------------ */

/* The open directory that a key lies in, and its name there. */
static int locate(struct dirstore *dir, const char *key, const char **ret_name)
{
    if (!strncmp(key, "log/", 4)) {
        *ret_name = key + 4;
        return dir->log;
    }
    *ret_name = key;
    return dir->root;
}

static struct store_tag tag_of(const struct stat *st)
{
    return (struct store_tag){
        .id = {st->st_ino,
               (uint64_t)st->st_mtim.tv_sec * 1000000000U + (uint64_t)st->st_mtim.tv_nsec,
               (uint64_t)st->st_size}};
}

static int dir_get(struct store *store, const char *key, struct buf *buf, struct store_tag *ret_tag,
                   struct err *err)
{
    struct dirstore *dir = dirstore(store);
    const char *name;
    int dirfd = locate(dir, key, &name);
    cleanup_fd int fd = io_open_beneath(dirfd, name, O_RDONLY);
    struct stat st;
    ssize_t n;
    int r;

    if (fd < 0)
        return fail(dir, "open", key, fd, err);
    r = io_stat_fd(fd, &st);
    if (r < 0)
        return fail(dir, "look at", key, r, err);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EIO, "%s/%s is not a file", dir->path, key);
    r = buf_reserve(buf, (size_t)st.st_size);
    if (r < 0)
        return err_nomem(err);
    n = io_pread(fd, buf->data + buf->bytes, (size_t)st.st_size, 0);
    if (n < 0)
        return fail(dir, "read", key, (int)n, err);
    buf->bytes += (size_t)n;
    if (ret_tag)
        *ret_tag = tag_of(&st);
    return 0;
}

static int dir_read(struct store *store, const char *key, void *data, size_t bytes, uint64_t offset,
                    struct err *err)
{
    struct dirstore *dir = dirstore(store);
    ssize_t n;
    int fd, r;

    r = fdcache_get(&dir->fds, dir->root, key, &fd);
    if (r < 0)
        return fail(dir, "open", key, r, err);
    n = io_pread(fd, data, bytes, offset);
    fdcache_put(&dir->fds, fd);
    if (n < 0)
        return fail(dir, "read", key, (int)n, err);
    if ((size_t)n < bytes)
        return err_set(err, -EIO, "%s/%s is too short", dir->path, key);
    return 0;
}

static int dir_head(struct store *store, const char *key, struct store_tag *ret_tag,
                    struct err *err)
{
    struct dirstore *dir = dirstore(store);
    const char *name;
    int dirfd = locate(dir, key, &name);
    struct stat st;
    int r = io_stat_at(dirfd, name, &st);

    if (r == -ENOENT)
        return r;
    if (r < 0)
        return fail(dir, "look at", key, r, err);
    *ret_tag = tag_of(&st);
    return 0;
}

static int dir_list(struct store *store, const char *prefix,
                    int (*each)(void *context, const char *key), void *context, struct err *err)
{
    struct dirstore *dir = dirstore(store);
    int fd = io_open_beneath(dir->root, prefix, O_RDONLY | O_DIRECTORY);
    DIR *stream;
    int r = 0;

    if (fd < 0)
        return fail(dir, "list", prefix, fd, err);
    stream = fdopendir(fd);
    if (!stream) {
        r = -errno;
        close(fd);
        return fail(dir, "list", prefix, r, err);
    }
    for (;;) {
        char key[PATH_MAX];
        struct dirent *entry;

        errno = 0;
        entry = readdir(stream);
        if (!entry) {
            r = errno ? fail(dir, "list", prefix, -errno, err) : 0;
            break;
        }
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(key, sizeof key, "%s/%s", prefix, entry->d_name);
        r = each(context, key);
        if (r)
            break;
    }
    closedir(stream);
    return r;
}

/* The open directory of keys that begin with `prefix`; given back with put_directory. */
static int get_directory(struct dirstore *dir, const char *prefix)
{
    return strcmp(prefix, "log") ? io_open_beneath(dir->root, prefix, O_RDONLY | O_DIRECTORY)
                                 : dir->log;
}

static void put_directory(struct dirstore *dir, int fd)
{
    if (fd >= 0 && fd != dir->log)
        io_close(fd);
}

/* Where a key lies: "data/<table>" of "data/<table>/<object>", "." of "rowfs.json". */
static void parent_of(const char *key, char ret_parent[PATH_MAX])
{
    const char *slash = strrchr(key, '/');

    snprintf(ret_parent, PATH_MAX, "%.*s", slash ? (int)(slash - key) : 1, slash ? key : ".");
}

static int dir_remove(struct store *store, const char *key, struct err *err)
{
    struct dirstore *dir = dirstore(store);
    const char *slash = strrchr(key, '/');
    char parent[PATH_MAX];
    int fd, r;

    parent_of(key, parent);
    fd = get_directory(dir, parent);
    fdcache_forget(&dir->fds, key);
    r = fd < 0 ? fd : io_unlink(fd, slash ? slash + 1 : key, 0);
    put_directory(dir, fd);
    return r < 0 ? fail(dir, "remove", key, r, err) : 0;
}

static int dir_settle(struct store *store, const char *prefix, struct err *err)
{
    struct dirstore *dir = dirstore(store);
    int fd = get_directory(dir, prefix);
    int r;

    if (fd < 0)
        return fail(dir, "open", prefix, fd, err);
    r = io_fsync(fd);
    put_directory(dir, fd);
    if (r == -EROFS || r == -EINVAL)
        r = 0; /* a medium that cannot be written has nothing that is not durable */
    return r < 0 ? fail(dir, "fsync", prefix, r, err) : 0;
}

static int dir_statvfs(struct store *store, struct statvfs *ret_vfs)
{
    return io_statvfs(dirstore(store)->root, ret_vfs);
}

/* --- writing ------------------------------------------------------------ */

static struct dir_upload *dir_upload(struct upload *upload)
{
    return (struct dir_upload *)upload;
}

/* A file in tmp/ without a name, or with one where the file system knows no other way. */
static int open_unnamed(struct dirstore *dir, char tmp[TMP_PATH_BYTES])
{
    char text[UUID_TEXT_BYTES + 1];
    int fd = io_open(dir->root, "tmp", O_RDWR | O_TMPFILE, 0666);

    tmp[0] = '\0';
    if (fd != -EOPNOTSUPP && fd != -EISDIR && fd != -EINVAL)
        return fd;
    uuid_to_text(uuid_random(), text);
    snprintf(tmp, TMP_PATH_BYTES, "tmp/%s", text);
    fd = io_open(dir->root, tmp, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (fd < 0)
        tmp[0] = '\0';
    return fd;
}

static int dir_upload_begin(struct store *store, struct upload **ret_upload, struct err *err)
{
    struct dirstore *dir = dirstore(store);
    struct dir_upload *up = calloc(1, sizeof *up);

    if (!up)
        return err_nomem(err);
    up->upload.store = store;
    up->fd = open_unnamed(dir, up->tmp);
    if (up->fd < 0) {
        int r = fail(dir, "create a file in", "tmp", up->fd, err);

        free(up);
        return r;
    }
    *ret_upload = &up->upload;
    return 0;
}

static int dir_upload_write(struct upload *upload, const void *data, size_t bytes, struct err *err)
{
    int r = io_pwrite(dir_upload(upload)->fd, data, bytes, upload->bytes);

    return r < 0 ? fail(dirstore(upload->store), "write to", "tmp", r, err) : 0;
}

static int dir_upload_read(struct upload *upload, void *data, size_t bytes, uint64_t offset,
                           struct err *err)
{
    ssize_t n = io_pread(dir_upload(upload)->fd, data, bytes, offset);

    if (n < 0)
        return fail(dirstore(upload->store), "read", "tmp", (int)n, err);
    return (size_t)n < bytes ? err_set(err, -EIO, "a file in tmp/ is too short") : 0;
}

static int link_upload(struct dir_upload *up, int dirfd, const char *name)
{
    struct dirstore *dir = dirstore(up->upload.store);
    char self[40];

    if (up->tmp[0])
        return io_link(dir->root, up->tmp, dirfd, name, 0);
    snprintf(self, sizeof self, "/proc/self/fd/%d", up->fd);
    return io_link(AT_FDCWD, self, dirfd, name, AT_SYMLINK_FOLLOW);
}

/* Errors of link(2) after which the name certainly is not ours. */
static bool link_surely_failed(int code)
{
    switch (code) {
    case -ENOENT:
    case -ENOTDIR:
    case -ENOSPC:
    case -EDQUOT:
    case -EACCES:
    case -EPERM:
    case -EROFS:
    case -EMLINK:
    case -ENAMETOOLONG:
    case -ENOMEM:
    case -EXDEV:
    case -EEXIST:
        return true;
    default:
        return false;
    }
}

/*
 * link(2), believed only as far as the file's own link count confirms it: over
 * NFS an answer can be lost, and the repeated call then says EEXIST of our own name.
 */
static int link_checked(struct dir_upload *up, int dirfd, const char *name, struct stat *ret_st,
                        enum put_state *ret_state)
{
    int r = link_upload(up, dirfd, name), stat_r;
    nlink_t linked = up->tmp[0] ? 2 : 1;

    stat_r = io_stat_fd(up->fd, ret_st);
    if (stat_r < 0 && !r) {
        *ret_state = PUT_VISIBLE;
        return stat_r;
    }
    if (r < 0 && !stat_r && ret_st->st_nlink >= linked)
        r = 0;
    if (r < 0)
        *ret_state = link_surely_failed(r) ? PUT_ABSENT : PUT_DOUBT;
    return r;
}

/*
 * Makes a table's directory where it is missing, and its name survive: it may be
 * new and made by somebody who has not come as far. Once for each directory of
 * which there is room to remember it.
 */
static int settle_table_directory(struct dirstore *dir, const char *parent, struct err *err)
{
    uint64_t hash = hash64_bytes(parent, strlen(parent));
    _Atomic uint64_t *settled = &dir->settled[hash % SETTLED_DIRECTORIES];
    int r = 0;

    if (atomic_load(settled) == hash)
        return 0;
    r = io_mkdir(dir->root, parent, 0777);
    if (r < 0 && r != -EEXIST)
        return fail(dir, "create", parent, r, err);
    r = dir_settle(&dir->store, "data", err);
    if (!r)
        atomic_store(settled, hash);
    return r;
}

static int dir_upload_finish(struct upload *upload, const char *key, struct store_tag *ret_tag,
                             enum put_state *ret_state, struct err *err)
{
    struct dir_upload *up = dir_upload(upload);
    struct dirstore *dir = dirstore(upload->store);
    const char *slash = strrchr(key, '/');
    char parent[PATH_MAX];
    struct stat st;
    int fd, r;

    r = io_fsync(up->fd);
    if (r < 0)
        return fail(dir, "fsync a file for", key, r, err);
    parent_of(key, parent);
    r = strchr(parent, '/') ? settle_table_directory(dir, parent, err) : 0;
    if (r < 0)
        return r;
    fd = get_directory(dir, parent);
    if (fd < 0)
        return fail(dir, "open", parent, fd, err);
    r = link_checked(up, fd, slash ? slash + 1 : key, &st, ret_state);
    if (r == -EEXIST) {
        r = err_set(err, r, "%s/%s exists", dir->path, key);
    } else if (r < 0) {
        r = fail(dir, "link", key, r, err);
    } else {
        /* The name is there for all to see; from here on a failure cannot take it back. */
        *ret_state = PUT_VISIBLE;
        r = io_fsync(fd);
        if (r < 0)
            r = fail(dir, "fsync", parent, r, err);
    }
    put_directory(dir, fd);
    if (!r && ret_tag)
        *ret_tag = tag_of(&st);
    return r;
}

static void dir_upload_destroy(struct upload *upload)
{
    struct dir_upload *up = dir_upload(upload);

    if (up->tmp[0])
        io_unlink(dirstore(upload->store)->root, up->tmp, 0);
    io_close(up->fd);
    free(up);
}

/* File systems of which every change goes through this kernel. */
static bool is_local(struct dirstore *dir)
{
    static const unsigned long local[] = {EXT4_SUPER_MAGIC,  XFS_SUPER_MAGIC,
                                          BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
                                          F2FS_SUPER_MAGIC,  OVERLAYFS_SUPER_MAGIC};
    struct statfs fs;

    if (fstatfs(dir->root, &fs) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(local); i++)
        if ((unsigned long)fs.f_type == local[i])
            return true;
    return false;
}

static int dir_watch(struct store *store, const char *prefix)
{
    struct dirstore *dir = (struct dirstore *)store;
    cleanup_free char *path = NULL;
    cleanup_fd int fd = -1;

    if (!is_local(dir))
        return -EOPNOTSUPP;
    if (asprintf(&path, "/proc/self/fd/%d/%s", dir->root, prefix) < 0)
        return -ENOMEM;
    fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0 || inotify_add_watch(fd, path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
        return -errno;
    return steal_fd(&fd);
}

static const struct store_ops dirstore_ops = {
    .close = dir_close,
    .get = dir_get,
    .read = dir_read,
    .head = dir_head,
    .list = dir_list,
    .remove = dir_remove,
    .settle = dir_settle,
    .statvfs = dir_statvfs,
    .watch = dir_watch,
    .upload_begin = dir_upload_begin,
    .upload_write = dir_upload_write,
    .upload_read = dir_upload_read,
    .upload_finish = dir_upload_finish,
    .upload_destroy = dir_upload_destroy,
};

int dirstore_open(const char *path, bool create, struct store **ret_store, struct err *err)
{
    struct dirstore *dir = calloc(1, sizeof *dir);
    int r;

    if (!dir)
        return err_nomem(err);
    dir->store.ops = &dirstore_ops;
    dir->root = dir->log = -1;
    fdcache_init(&dir->fds);
    dir->path = strdup(path);
    r = dir->path ? open_directories(dir, create, err) : err_nomem(err);
    if (r < 0) {
        dir_close(&dir->store);
        return r;
    }
    *ret_store = &dir->store;
    return 0;
}
