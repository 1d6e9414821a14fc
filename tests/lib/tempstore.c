/* SPDX-License-Identifier: MIT */
/* A store in a directory of its own. */
#include "tests/lib/tempstore.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/dirstore.h"
#include "tests/lib/check.h"

void tempstore_begin(struct tempstore *t)
{
    const char *dir = getenv("TMPDIR");

    *t = (struct tempstore){0};
    snprintf(t->root, sizeof t->root, "%s/rowfs-test-XXXXXX",
             dir && dir[0] == '/' ? dir : "/var/tmp");
    assert_non_null(mkdtemp(t->root));
    assert_true(snprintf(t->path, sizeof t->path, "%s/store", t->root) < (int)sizeof t->path);
}

void tempstore_open_store(struct tempstore *t)
{
    struct err err = ERR_INIT;

    assert_ok(dirstore_open(t->path, true, &t->store, &err), &err);
}

struct db *tempstore_another(const struct tempstore *t)
{
    struct db_options options = {.limits = DB_LIMITS_DEFAULT};
    struct err err = ERR_INIT;
    struct db *db = NULL;

    assert_ok(db_open(t->path, &options, &db, &err), &err);
    return db;
}

void tempstore_open_db(struct tempstore *t)
{
    t->db = tempstore_another(t);
    t->store = db_store(t->db);
}

int tempstore_try(const struct tempstore *t, bool read_only, struct err *err)
{
    struct db_options options = {.read_only = read_only, .limits = DB_LIMITS_DEFAULT};
    struct db *db = NULL;
    int r = db_open(t->path, &options, &db, err);

    db_close(db);
    return r;
}

void tempstore_close(struct tempstore *t)
{
    if (t->db)
        db_close(t->db);
    else
        store_close(t->store);
    t->db = NULL;
    t->store = NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void tempstore_end(struct tempstore *t)
{
    tempstore_close(t);
    if (t->root[0])
        nftw(t->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    t->root[0] = '\0';
}

void tempstore_file(const struct tempstore *t, const char *name,
                    char ret_path[TEMPSTORE_PATH_BYTES])
{
    int n = name[0] == '/' ? snprintf(ret_path, TEMPSTORE_PATH_BYTES, "%s", name)
                           : snprintf(ret_path, TEMPSTORE_PATH_BYTES, "%s/%s", t->path, name);

    assert_true(n < TEMPSTORE_PATH_BYTES);
}

static int open_file(const struct tempstore *t, const char *name, int flags)
{
    char path[TEMPSTORE_PATH_BYTES];
    int fd;

    tempstore_file(t, name, path);
    fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd < 0)
        print_error("cannot open %s\n", path);
    assert_true(fd >= 0);
    return fd;
}

void tempstore_read(const struct tempstore *t, const char *name, struct buf *ret_buf)
{
    int fd = open_file(t, name, O_RDONLY);
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    ret_buf->bytes = 0;
    assert_int_equal(buf_reserve(ret_buf, (size_t)st.st_size + 1), 0);
    assert_int_equal(pread(fd, ret_buf->data, (size_t)st.st_size, 0), st.st_size);
    ret_buf->bytes = (size_t)st.st_size;
    close(fd);
}

void tempstore_replace(const struct tempstore *t, const char *name, const void *data, size_t bytes)
{
    char path[TEMPSTORE_PATH_BYTES], beside[TEMPSTORE_PATH_BYTES];
    int fd;

    tempstore_file(t, name, path);
    assert_true(snprintf(beside, sizeof beside, "%s/beside", t->root) < (int)sizeof beside);
    fd = open_file(t, beside, O_WRONLY | O_CREAT | O_TRUNC);
    assert_int_equal(write(fd, data, bytes), (ssize_t)bytes);
    close(fd);
    assert_int_equal(rename(beside, path), 0);
}

void tempstore_remove(const struct tempstore *t, const char *name)
{
    char path[TEMPSTORE_PATH_BYTES];

    tempstore_file(t, name, path);
    assert_int_equal(remove(path), 0);
}

void tempstore_flip(const struct tempstore *t, const char *name, size_t offset, unsigned char bits)
{
    int fd = open_file(t, name, O_RDWR);
    unsigned char byte;

    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= bits;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

void tempstore_cut(const struct tempstore *t, const char *name, off_t bytes)
{
    int fd = open_file(t, name, O_WRONLY);

    assert_int_equal(ftruncate(fd, bytes), 0);
    close(fd);
}

bool tempstore_has(const struct tempstore *t, const char *name)
{
    char path[TEMPSTORE_PATH_BYTES];
    struct stat st;

    tempstore_file(t, name, path);
    return lstat(path, &st) == 0;
}

size_t tempstore_entries(const struct tempstore *t, const char *name)
{
    char path[TEMPSTORE_PATH_BYTES];
    struct dirent *entry;
    size_t count = 0;
    DIR *dir;

    tempstore_file(t, name, path);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(dir);
    return count;
}

static void describe_below(const char *path, struct buf *text)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        char below[2 * TEMPSTORE_PATH_BYTES];
        struct stat st;

        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        if (strcmp(entries[i]->d_name, "..") && lstat(below, &st) == 0) {
            buf_printf(text, "%s inode %lu mode %o size %lld changed %lld.%09ld\n", below,
                       (unsigned long)st.st_ino, st.st_mode, (long long)st.st_size,
                       (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
            if (S_ISDIR(st.st_mode) && strcmp(entries[i]->d_name, "."))
                describe_below(below, text);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

void tempstore_describe(const struct tempstore *t, struct buf *ret_text)
{
    ret_text->bytes = 0;
    describe_below(t->path, ret_text);
    assert_int_equal(buf_append(ret_text, "", 1), 0);
}
