/* SPDX-License-Identifier: MIT */
/* What tests begin with and end with. */
#include "tests/lib/fixture.h"

#include "tests/lib/check.h"
#include "tests/lib/dbtool.h"
#include "tests/lib/faultio.h"

struct tempstore temp;
struct uuid t;
struct db *other;
struct openfile *file;

int fixture_begin(void **state)
{
    (void)state;
    tempstore_begin(&temp);
    faultio_install();
    return 0;
}

int fixture_begin_store(void **state)
{
    fixture_begin(state);
    tempstore_open_store(&temp);
    faultio_reset();
    return 0;
}

int fixture_begin_db(void **state)
{
    fixture_begin(state);
    tempstore_open_db(&temp);
    return 0;
}

int fixture_begin_table(void **state)
{
    fixture_begin_db(state);
    t = dbtool_table(temp.db, "t");
    return 0;
}

/* The second mount is there before the table: it has to follow. */
int fixture_begin_two_mounts(void **state)
{
    fixture_begin_db(state);
    other = tempstore_another(&temp);
    t = dbtool_table(temp.db, "t");
    return 0;
}

int fixture_begin_file(void **state)
{
    fixture_begin_table(state);
    file = filetool_open(temp.db, "t", NULL);
    return 0;
}

int fixture_begin_stream(void **state)
{
    struct openfile_options options = {.kind = OPENFILE_STREAM};

    fixture_begin_table(state);
    file = filetool_open(temp.db, "t", &options);
    return 0;
}

int fixture_end(void **state)
{
    (void)state;
    if (file)
        fixture_release();
    db_close(other);
    other = NULL;
    faultio_remove();
    tempstore_end(&temp);
    return 0;
}

int fixture_release(void)
{
    struct openfile *released = file;

    file = NULL;
    return filetool_release(released);
}

void fixture_write(uint64_t owner, const char *text)
{
    int r = filetool_write(file, owner, text);

    assert_ok(r, filetool_reason());
}
