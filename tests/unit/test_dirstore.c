/* SPDX-License-Identifier: MIT */
/* What core promises in core/store/dirstore.h, one fact a test. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/dirstore.h"
#include "tests/lib/check.h"
#include "tests/lib/fixture.h"

#define KEY  "log/00000000000000000007.ndjson"
#define DATA "data/00000000-0000-4000-8000-000000000001/a.ndjson"

static int put(const char *key, const char *text, enum put_state *ret_state)
{
    struct err err = ERR_INIT;
    struct store_tag tag;
    int r = store_put(temp.store, key, text, strlen(text), &tag, ret_state, &err);

    assert_true((r < 0) == (err.text[0] != '\0'));
    return r;
}

static void expect_put(const char *key, const char *text)
{
    enum put_state state;

    assert_int_equal(put(key, text, &state), 0);
}

static void expect_object(const char *key, const char *text)
{
    struct err err = ERR_INIT;
    struct buf buf = {0};

    assert_ok(store_get(temp.store, key, &buf, NULL, &err), &err);
    assert_int_equal(buf.bytes, strlen(text));
    assert_memory_equal(buf.data, text, buf.bytes);
    buf_finish(&buf);
}

static int get(const char *key)
{
    struct buf buf = {0};
    int r = store_get(temp.store, key, &buf, NULL, NULL);

    buf_finish(&buf);
    return r;
}

/* --- objects ------------------------------------------------------------------ */

static void what_was_put_is_read_whole_and_in_part(void **state)
{
    struct err err = ERR_INIT;
    char part[4] = "";

    (void)state;
    expect_put(KEY, "0123456789");
    expect_put(DATA, "abcdef");
    expect_object(KEY, "0123456789");
    expect_object(DATA, "abcdef");
    assert_ok(store_read(temp.store, DATA, part, 3, 2, &err), &err);
    assert_string_equal(part, "cde");
    assert_ok(store_read(temp.store, DATA, part, 0, 6, &err), &err);
}

static void a_whole_object_is_appended_to_the_buffer(void **state)
{
    struct buf buf = {0};

    (void)state;
    expect_put(KEY, "xyz");
    assert_int_equal(buf_append(&buf, "abc", 3), 0);
    assert_int_equal(store_get(temp.store, KEY, &buf, NULL, NULL), 0);
    assert_int_equal(buf.bytes, 6);
    assert_memory_equal(buf.data, "abcxyz", 6);
    buf_finish(&buf);
}

static void the_second_put_of_a_key_changes_nothing(void **state)
{
    enum put_state state_of;

    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *key = i ? DATA : KEY;

        expect_put(key, "first");
        assert_int_equal(put(key, "second", &state_of), -EEXIST);
        expect_object(key, "first");
    }
    assert_int_equal(tempstore_entries(&temp, "tmp"), 0);
}

static void reading_behind_the_end_is_damage(void **state)
{
    struct err err = ERR_INIT;
    char part[8];

    (void)state;
    expect_put(DATA, "abcdef");
    assert_fails(store_read(temp.store, DATA, part, 7, 0, &err), -EIO, &err);
    assert_has(err.text, DATA);
    assert_fails(store_read(temp.store, DATA, part, 1, 6, &err), -EIO, &err);
}

static void what_is_not_there_is_ENOENT(void **state)
{
    struct store_tag tag;
    char byte;

    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *key = i ? DATA : KEY;
        struct err err = ERR_INIT;

        assert_int_equal(get(key), -ENOENT);
        assert_int_equal(store_read(temp.store, key, &byte, 1, 0, NULL), -ENOENT);
        assert_int_equal(store_head(temp.store, key, &tag, &err), -ENOENT);
        assert_string_equal(err.text, "");
        assert_fails(store_remove(temp.store, key, &err), -ENOENT, &err);
    }
}

static void what_was_removed_is_gone_also_for_who_has_read_it(void **state)
{
    struct err err = ERR_INIT;
    char byte;

    (void)state;
    expect_put(DATA, "old");
    assert_int_equal(store_read(temp.store, DATA, &byte, 1, 0, NULL), 0);
    assert_ok(store_remove(temp.store, DATA, &err), &err);
    assert_int_equal(store_read(temp.store, DATA, &byte, 1, 0, NULL), -ENOENT);
    expect_put(DATA, "new");
    assert_int_equal(store_read(temp.store, DATA, &byte, 1, 0, NULL), 0);
    assert_int_equal(byte, 'n');
}

static void a_tag_tells_objects_of_one_key_apart(void **state)
{
    struct store_tag put_tag, head_tag, get_tag;
    enum put_state state_of;
    struct buf buf = {0};

    (void)state;
    assert_int_equal(store_put(temp.store, KEY, "same", 4, &put_tag, &state_of, NULL), 0);
    assert_int_equal(store_head(temp.store, KEY, &head_tag, NULL), 0);
    assert_int_equal(store_get(temp.store, KEY, &buf, &get_tag, NULL), 0);
    assert_true(store_tag_equal(put_tag, head_tag));
    assert_true(store_tag_equal(put_tag, get_tag));
    tempstore_replace(&temp, KEY, "same", 4);
    assert_int_equal(store_head(temp.store, KEY, &head_tag, NULL), 0);
    assert_false(store_tag_equal(put_tag, head_tag));
    buf_finish(&buf);
}

struct listing {
    size_t count, stop_at;
    char keys[256];
};

static int note_key(void *context, const char *key)
{
    struct listing *listing = context;

    listing->count++;
    if (strlen(listing->keys) + strlen(key) + 2 < sizeof listing->keys)
        strcat(strcat(listing->keys, key), " ");
    return listing->count == listing->stop_at ? 77 : 0;
}

static void a_listing_has_every_key_of_its_prefix_once(void **state)
{
    struct listing listing = {0}, stopped = {.stop_at = 2}, none = {0};
    struct err err = ERR_INIT;

    (void)state;
    expect_put("log/a", "1");
    expect_put("log/b", "2");
    expect_put("log/c", "3");
    expect_put(DATA, "4");
    assert_ok(store_list(temp.store, "log", note_key, &listing, &err), &err);
    assert_int_equal(listing.count, 3);
    assert_has(listing.keys, "log/a ");
    assert_has(listing.keys, "log/b ");
    assert_has(listing.keys, "log/c ");
    assert_int_equal(store_list(temp.store, "log", note_key, &stopped, &err), 77);
    assert_int_equal(stopped.count, 2);
    assert_ok(store_list(temp.store, "checkpoint", note_key, &none, &err), &err);
    assert_int_equal(none.count, 0);
    assert_fails(store_list(temp.store, "data/none", note_key, &none, &err), -ENOENT, &err);
}

static size_t open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void any_number_of_objects_is_read_with_few_descriptors(void **state)
{
    size_t before = open_descriptors();
    char key[64], text[16], read[16] = "";

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "data/t/%d", i);
        snprintf(text, sizeof text, "object %03d", i);
        expect_put(key, text);
    }
    for (int i = 0; i < 600; i++) {
        snprintf(key, sizeof key, "data/t/%d", i * 7 % 200);
        snprintf(text, sizeof text, "object %03d", i * 7 % 200);
        assert_int_equal(store_read(temp.store, key, read, 10, 0, NULL), 0);
        assert_string_equal(read, text);
    }
    assert_true(open_descriptors() <= before + 64);
}

struct reader {
    pthread_t thread;
    unsigned seed;
    int result;
};

static void *read_and_forget(void *context)
{
    struct reader *reader = context;
    uint64_t seed = reader->seed;

    for (int i = 0; i < 2000; i++) {
        char key[32], byte = 0;
        size_t n = check_random_below(&seed, 100);
        int r;

        snprintf(key, sizeof key, "data/t/%zu", n);
        if (n == 99)
            store_remove(temp.store, key, NULL);
        r = store_read(temp.store, key, &byte, 1, 0, NULL);
        if ((r < 0 && (n < 99 || r != -ENOENT)) || (!r && byte != (char)('0' + n % 10)))
            reader->result = r ? r : -1;
    }
    return NULL;
}

static void threads_read_while_objects_are_removed(void **state)
{
    struct reader readers[4] = {{0}};

    (void)state;
    for (int i = 0; i < 100; i++) {
        char key[32], text[2] = {(char)('0' + i % 10), '\0'};

        snprintf(key, sizeof key, "data/t/%d", i);
        expect_put(key, text);
    }
    for (unsigned i = 0; i < 4; i++) {
        readers[i].seed = i + 1;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_and_forget, &readers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].result, 0);
    }
}

/* --- opening -------------------------------------------------------------------- */

static int reopen(const char *path, bool create, struct err *err)
{
    struct store *store = NULL;
    int r = dirstore_open(path, create, &store, err);

    store_close(store);
    return r;
}

static void a_missing_subdirectory_is_damage_unless_it_may_be_made(void **state)
{
    static const char *const names[] = {"log", "data", "checkpoint", "tmp"};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct err err = ERR_INIT;

        tempstore_remove(&temp, names[i]);
        assert_fails(reopen(temp.path, false, &err), -EIO, &err);
        assert_has(err.text, names[i]);
        assert_false(tempstore_has(&temp, names[i]));
        assert_ok(reopen(temp.path, true, &err), &err);
        assert_ok(reopen(temp.path, false, &err), &err);
    }
}

static void a_subdirectory_that_is_a_link_or_a_file_is_damage(void **state)
{
    char path[TEMPSTORE_PATH_BYTES];
    struct err err = ERR_INIT;

    (void)state;
    tempstore_file(&temp, "log", path);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("data", path), 0);
    assert_fails(reopen(temp.path, true, &err), -EIO, &err);
    tempstore_replace(&temp, "log", "x", 1);
    assert_fails(reopen(temp.path, true, &err), -EIO, &err);
}

static void what_is_no_directory_is_not_opened(void **state)
{
    char path[TEMPSTORE_PATH_BYTES];
    struct err err = ERR_INIT;

    (void)state;
    tempstore_file(&temp, "none", path);
    assert_fails(reopen(path, false, &err), -ENOENT, &err);
    assert_has(err.text, path);
    tempstore_replace(&temp, "file", "x", 1);
    tempstore_file(&temp, "file", path);
    assert_fails(reopen(path, false, &err), -ENOTDIR, &err);
    assert_fails(reopen(path, true, &err), -ENOTDIR, &err);
    tempstore_file(&temp, "file/below", path);
    assert_fails(reopen(path, true, &err), -ENOTDIR, &err);
}

/* --- symbolic links ---------------------------------------------------------------- */

static void expect_not_followed(const char *key)
{
    enum put_state state;
    char byte;

    assert_true(get(key) < 0);
    assert_true(store_read(temp.store, key, &byte, 1, 0, NULL) < 0);
    assert_true(put(key, "x", &state) < 0);
}

static void an_object_that_is_a_symbolic_link_is_not_followed(void **state)
{
    char target[TEMPSTORE_PATH_BYTES], path[TEMPSTORE_PATH_BYTES];

    (void)state;
    tempstore_replace(&temp, "outside", "secret", 6);
    tempstore_file(&temp, "outside", target);
    tempstore_file(&temp, KEY, path);
    assert_int_equal(symlink(target, path), 0);
    expect_not_followed(KEY);
    tempstore_file(&temp, "data/x", path);
    assert_int_equal(symlink(target, path), 0);
    expect_not_followed("data/x");
}

static void a_directory_of_objects_that_is_a_symbolic_link_is_not_followed(void **state)
{
    char path[TEMPSTORE_PATH_BYTES], outside[2 * TEMPSTORE_PATH_BYTES];

    (void)state;
    snprintf(outside, sizeof outside, "%s/outside", temp.root);
    assert_int_equal(mkdir(outside, 0777), 0);
    tempstore_file(&temp, "data/t", path);
    assert_int_equal(symlink(outside, path), 0);
    strcat(outside, "/a");
    tempstore_replace(&temp, outside, "secret", 6);
    expect_not_followed("data/t/a");
    expect_not_followed("data/t/b");
    assert_true(store_remove(temp.store, "data/t/a", NULL) < 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_begin_store, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_was_put_is_read_whole_and_in_part),
        test(a_whole_object_is_appended_to_the_buffer),
        test(the_second_put_of_a_key_changes_nothing),
        test(reading_behind_the_end_is_damage),
        test(what_is_not_there_is_ENOENT),
        test(what_was_removed_is_gone_also_for_who_has_read_it),
        test(a_tag_tells_objects_of_one_key_apart),
        test(a_listing_has_every_key_of_its_prefix_once),
        test(any_number_of_objects_is_read_with_few_descriptors),
        test(threads_read_while_objects_are_removed),
        test(a_missing_subdirectory_is_damage_unless_it_may_be_made),
        test(a_subdirectory_that_is_a_link_or_a_file_is_damage),
        test(what_is_no_directory_is_not_opened),
        test(an_object_that_is_a_symbolic_link_is_not_followed),
        test(a_directory_of_objects_that_is_a_symbolic_link_is_not_followed),
    };

    return cmocka_run_group_tests_name("dirstore", tests, NULL, NULL);
}
