/* SPDX-License-Identifier: MIT */
/* An index of keys is never wrong (core/keyindex.h): not when it is damaged, nor when calls fail.
 */
#include <endian.h>

#include "core/base/hash.h"
#include "core/keyindex.h"
#include "tests/lib/check.h"
#include "tests/lib/faultio.h"
#include "tests/lib/fixture.h"
#include "tests/lib/keytool.h"
#include "tests/lib/nomem.h"

#define PAGE 4096

/* Page 0, a page of the directory, three of entries: random hashes, none of them twice. */
#define PAGES   5
#define ENTRIES (2 * 340 + 20)

static void put_five_pages(void)
{
    uint64_t seed = 3;

    for (uint32_t row = 0; row < ENTRIES; row++)
        keytool_add(check_random(&seed), row);
    keytool_put();
    assert_int_equal(keytool_bytes(), PAGES * PAGE);
}

/* A hash that only page `page` of the file can hold. */
static uint64_t hash_in(size_t page)
{
    return keytool_hash((page - 2) * 340 + 10);
}

static int try_open(struct err *err)
{
    keyindex_unref(key_index);
    key_index = NULL;
    return keyindex_open(temp.store, &key_segment, KEYTOOL_SIGNATURE, &key_index, err);
}

static void expect_unusable(const char *reason)
{
    struct err err = ERR_INIT;

    assert_fails(try_open(&err), -ENOENT, &err);
    assert_null(key_index);
    assert_has(err.text, reason);
}

static uint64_t number_at(const struct buf *bytes, size_t offset)
{
    uint64_t number;

    memcpy(&number, bytes->data + offset, sizeof number);
    return le64toh(number);
}

static void set_number(struct buf *bytes, size_t offset, uint64_t number)
{
    number = htole64(number);
    memcpy(bytes->data + offset, &number, sizeof number);
}

static void the_file_is_as_it_is_drawn(void **state)
{
    struct buf bytes = {0};
    size_t entry = 0;

    (void)state;
    put_five_pages();
    tempstore_read(&temp, keytool_path(), &bytes);
    assert_memory_equal(bytes.data, "rowfskx1", 8);
    assert_memory_equal(bytes.data + 8, key_segment.uuid.bytes, 16);
    assert_true(number_at(&bytes, 24) == KEYTOOL_SIGNATURE);
    assert_int_equal(number_at(&bytes, 32), ENTRIES);
    assert_int_equal(number_at(&bytes, 40), key_segment.bytes);
    for (size_t i = 0; i < 3; i++)
        assert_true(number_at(&bytes, PAGE + 8 * i) == keytool_hash(340 * i));
    for (size_t page = 2; page < PAGES; page++)
        for (size_t i = 0; i < 340 && entry < ENTRIES; i++)
            assert_true(number_at(&bytes, page * PAGE + 12 * i) == keytool_hash(entry++));
    for (size_t i = 48; i < 4080; i++)
        assert_int_equal(bytes.data[i], 0);
    for (size_t i = 24; i < 4080; i++)
        assert_int_equal(bytes.data[PAGE + i], 0);
    for (size_t i = 20 * 12; i < 4080; i++)
        assert_int_equal(bytes.data[4 * PAGE + i], 0);
    for (size_t i = 0; i < PAGES; i++) {
        assert_true(number_at(&bytes, i * PAGE + 4080) == (i ? number_at(&bytes, 4088) + i : 0));
        assert_true(number_at(&bytes, i * PAGE + 4088) ==
                    hash64_bytes(bytes.data + i * PAGE, 4088));
    }
    buf_finish(&bytes);
}

static void no_byte_can_change_unseen(void **state)
{
    (void)state;
    put_five_pages();
    for (size_t offset = 0; offset < PAGES * PAGE; offset++) {
        unsigned char bit = (unsigned char)(1U << offset * 5 % 8);

        tempstore_flip(&temp, keytool_path(), offset, bit);
        if (offset < 2 * PAGE) {
            expect_unusable("damaged");
        } else {
            assert_int_equal(try_open(NULL), 0);
            for (size_t page = 2; page < PAGES; page++)
                assert_int_equal(keytool_try(hash_in(page)), page == offset / PAGE ? -EIO : 0);
        }
        tempstore_flip(&temp, keytool_path(), offset, bit);
    }
    keytool_open();
    keytool_expect(hash_in(2));
}

static void no_length_is_taken_for_the_whole(void **state)
{
    (void)state;
    put_five_pages();
    for (size_t bytes = PAGES * PAGE; bytes-- > 0;) {
        tempstore_cut(&temp, keytool_path(), (off_t)bytes);
        if (bytes < 2 * PAGE) {
            expect_unusable("too short");
            continue;
        }
        assert_int_equal(try_open(NULL), 0);
        for (size_t page = 2; page < PAGES; page++)
            assert_int_equal(keytool_try(hash_in(page)), bytes < (page + 1) * PAGE ? -EIO : 0);
    }
}

/* All of one hash: only its place tells one page from another. */
static void pages_that_changed_places_are_found_out(void **state)
{
    struct buf bytes = {0}, swapped = {0};

    (void)state;
    for (uint32_t row = 0; row < 1020; row++)
        keytool_add(7, row);
    keytool_put();
    tempstore_read(&temp, keytool_path(), &bytes);
    assert_int_equal(buf_append(&swapped, bytes.data, bytes.bytes), 0);
    memcpy(swapped.data + 2 * PAGE, bytes.data + 3 * PAGE, PAGE);
    memcpy(swapped.data + 3 * PAGE, bytes.data + 2 * PAGE, PAGE);
    tempstore_replace(&temp, keytool_path(), swapped.data, swapped.bytes);
    store_close(temp.store); /* which may have the old file open */
    tempstore_open_store(&temp);
    keytool_open();
    assert_int_equal(keytool_try(7), -EIO);
    buf_finish(&swapped);
    buf_finish(&bytes);
}

/* With the same entries, of a segment of another size: only page 0 differs in what it says. */
static void pages_of_another_index_are_found_out(void **state)
{
    struct buf bytes = {0}, another = {0};

    (void)state;
    put_five_pages();
    tempstore_read(&temp, keytool_path(), &bytes);
    keytool_again();
    key_segment.bytes++;
    put_five_pages();
    tempstore_read(&temp, keytool_path(), &another);
    for (size_t page = 0; page < PAGES; page++) {
        struct buf mixed = {0};

        assert_int_equal(buf_append(&mixed, another.data, another.bytes), 0);
        memcpy(mixed.data + page * PAGE, bytes.data + page * PAGE, PAGE);
        tempstore_replace(&temp, keytool_path(), mixed.data, mixed.bytes);
        store_close(temp.store);
        tempstore_open_store(&temp);
        if (page < 2) {
            expect_unusable(page ? "damaged" : "does not fit");
        } else {
            assert_int_equal(try_open(NULL), 0);
            for (size_t i = 2; i < PAGES; i++)
                assert_int_equal(keytool_try(hash_in(i)), i == page ? -EIO : 0);
        }
        buf_finish(&mixed);
    }
    buf_finish(&another);
    buf_finish(&bytes);
}

/* A page says `number` at `offset` of the file, and its checksum says so, too. */
static void put_sealed(size_t offset, uint64_t number)
{
    size_t page = offset - offset % PAGE;
    struct buf bytes = {0};

    tempstore_read(&temp, keytool_path(), &bytes);
    set_number(&bytes, offset, number);
    set_number(&bytes, page + 4088, hash64_bytes(bytes.data + page, 4088));
    keyindex_unref(key_index);
    key_index = NULL;
    assert_int_equal(keyindex_remove(temp.store, &key_segment, KEYTOOL_SIGNATURE, NULL), 0);
    tempstore_replace(&temp, keytool_path(), bytes.data, bytes.bytes);
    buf_finish(&bytes);
}

static void an_index_of_something_else_is_not_used(void **state)
{
    static const size_t offsets[] = {0, 8, 16, 24, 40};

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(offsets); i++) {
        keytool_again();
        put_five_pages();
        put_sealed(offsets[i], 12345);
        expect_unusable("does not fit its segment");
    }
}

static void a_number_of_entries_that_cannot_be_asks_for_no_memory(void **state)
{
    unsigned long requests;

    (void)state;
    put_five_pages();
    put_sealed(32, UINT64_MAX);
    requests = nomem_requests();
    expect_unusable("does not fit its segment");
    put_sealed(32, UINT64_C(1) << 32);
    expect_unusable("does not fit its segment");
    assert_true(nomem_requests() - requests < 10); /* those of reading the file here */
    put_sealed(32, UINT32_MAX);
    expect_unusable("too short");
}

/* As a bug would leave it, which no checksum finds. */
static void a_directory_that_lies_is_not_equal_to_the_entries(void **state)
{
    uint64_t seed = 3;

    (void)state;
    put_five_pages();
    for (uint32_t row = 0; row < ENTRIES; row++)
        assert_int_equal(keyindex_builder_add(key_builder, check_random(&seed), row), 0);
    keytool_open();
    assert_int_equal(keyindex_equal(temp.store, key_index, key_builder, NULL), 1);
    put_sealed(PAGE + 8, keytool_hash(340) + 1);
    keytool_open();
    assert_int_equal(keyindex_equal(temp.store, key_index, key_builder, NULL), 0);
}

static void an_index_of_another_name_is_not_there(void **state)
{
    struct object_entry another = key_segment;
    struct keyindex *none = NULL;

    (void)state;
    put_five_pages();
    another.uuid = uuid_random();
    assert_int_equal(keyindex_open(temp.store, &another, KEYTOOL_SIGNATURE, &none, NULL), -ENOENT);
    assert_int_equal(keyindex_open(temp.store, &key_segment, KEYTOOL_SIGNATURE + 1, &none, NULL),
                     -ENOENT);
    assert_null(none);
}

static void what_is_damaged_is_put_again_after_it_was_removed(void **state)
{
    (void)state;
    put_five_pages();
    tempstore_flip(&temp, keytool_path(), 5, 1);
    keytool_forget();
    put_five_pages(); /* no error, and no help */
    expect_unusable("damaged");
    keytool_again();
    put_five_pages();
    keytool_open();
    keytool_expect(hash_in(2));
}

static void who_has_it_open_is_not_misled_when_it_is_removed(void **state)
{
    (void)state;
    put_five_pages();
    keytool_open();
    assert_int_equal(keyindex_remove(temp.store, &key_segment, KEYTOOL_SIGNATURE, NULL), 0);
    assert_int_equal(keytool_try(hash_in(2)), -EIO);
}

/* Each call of a put fails once: there is no index then, or all of it. */
static void a_put_that_fails_leaves_nothing_or_all(void **state)
{
    static const int codes[] = {ENOSPC, EIO};
    unsigned failed = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++)
        for (unsigned skip = 0;; skip++) {
            uint64_t seed = 3;
            int r;

            faultio_reset();
            keytool_again();
            for (uint32_t row = 0; row < ENTRIES; row++)
                keytool_add(check_random(&seed), row);
            faultio_rule(FAULTIO_ANY, skip, 1, FAULTIO_REFUSE, codes[i]);
            r = keyindex_builder_put(key_builder, temp.store, &key_segment, KEYTOOL_SIGNATURE,
                                     NULL);
            if (!faultio_struck()) {
                assert_int_equal(r, 0);
                break;
            }
            assert_int_equal(r, -codes[i]);
            failed++;
            faultio_reset();
            if (tempstore_has(&temp, keytool_path())) {
                assert_int_equal(keytool_bytes(), PAGES * PAGE);
                keytool_open();
            }
            keytool_forget();
            put_five_pages(); /* the builder is empty */
            keytool_open();
            keytool_expect(hash_in(3));
        }
    assert_true(failed >= 2 * (PAGES + 4));
}

static void what_the_medium_says_of_an_open_is_passed_on(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    put_five_pages();
    for (unsigned skip = 0; skip < 2; skip++) {
        faultio_reset();
        faultio_rule(FAULTIO_READ, skip, 1, FAULTIO_REFUSE, ESTALE);
        assert_fails(try_open(&err), -ESTALE, &err);
        faultio_reset();
        faultio_rule(FAULTIO_READ, skip, 1, FAULTIO_REFUSE, EIO);
        expect_unusable("Input/output error");
    }
}

static void a_find_that_fails_finds_nothing(void **state)
{
    struct err err = ERR_INIT;
    struct buf rows = {0};

    (void)state;
    for (uint32_t row = 0; row < 3400; row++)
        keytool_add(7, row);
    keytool_put();
    keytool_open();
    assert_int_equal(buf_append(&rows, "rows", 4), 0);
    for (unsigned skip = 0; skip < 5; skip++) {
        faultio_reset();
        faultio_rule(FAULTIO_READ, skip, 1, FAULTIO_REFUSE, ESTALE);
        assert_fails(keyindex_find(temp.store, key_index, 7, &rows, &err), -ESTALE, &err);
        assert_int_equal(rows.bytes, 4);
    }
    buf_finish(&rows);
}

static int add_put_open_find(struct keyindex_builder *builder, struct buf *rows, struct err *err)
{
    int r = keyindex_builder_add(builder, 7, 1);

    if (!r)
        r = keyindex_builder_put(builder, temp.store, &key_segment, KEYTOOL_SIGNATURE, err);
    if (!r)
        r = keyindex_open(temp.store, &key_segment, KEYTOOL_SIGNATURE, &key_index, err);
    if (!r)
        r = keyindex_find(temp.store, key_index, 7, rows, err);
    return r;
}

static void without_memory_nothing_is_lost(void **state)
{
    bool refused = true;
    unsigned granted;

    (void)state;
    for (granted = 0; refused; granted++) {
        struct keyindex_builder *builder = NULL;
        struct buf rows = {0};
        int r;

        keytool_again();
        nomem_after(granted);
        r = keyindex_builder_create(&builder);
        if (!r)
            r = add_put_open_find(builder, &rows, NULL);
        refused = nomem_end();
        assert_int_equal(r, refused ? -ENOMEM : 0);
        assert_int_equal(rows.bytes, refused ? 0 : 4);
        keyindex_builder_destroy(builder);
        buf_finish(&rows);
    }
    assert_true(granted > 5);
}

static void an_entry_without_memory_is_not_added(void **state)
{
    bool refused;

    (void)state;
    for (uint32_t row = 0; row < ENTRIES; row++) {
        nomem_after(0);
        refused = keyindex_builder_add(key_builder, 6, row) == -ENOMEM;
        assert_int_equal(nomem_end(), refused);
        if (refused)
            keytool_add(7, row);
    }
    keytool_put();
    keytool_open();
    keytool_expect(7);
}

#define test(name) cmocka_unit_test_setup_teardown(name, keytool_begin, keytool_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_file_is_as_it_is_drawn),
        test(no_byte_can_change_unseen),
        test(no_length_is_taken_for_the_whole),
        test(pages_that_changed_places_are_found_out),
        test(pages_of_another_index_are_found_out),
        test(an_index_of_something_else_is_not_used),
        test(a_number_of_entries_that_cannot_be_asks_for_no_memory),
        test(a_directory_that_lies_is_not_equal_to_the_entries),
        test(an_index_of_another_name_is_not_there),
        test(what_is_damaged_is_put_again_after_it_was_removed),
        test(who_has_it_open_is_not_misled_when_it_is_removed),
        test(a_put_that_fails_leaves_nothing_or_all),
        test(what_the_medium_says_of_an_open_is_passed_on),
        test(a_find_that_fails_finds_nothing),
        test(without_memory_nothing_is_lost),
        test(an_entry_without_memory_is_not_added),
    };

    return cmocka_run_group_tests_name("keyindex damage", tests, NULL, NULL);
}
