/* SPDX-License-Identifier: MIT */
/* What transactions must come to. */
#include "tests/lib/txmodel.h"

#include <errno.h>
#include <string.h>

#include "tests/lib/check.h"

static unsigned tables, clock_now, places;

void txmodel_reset(struct txmodel_state *ret_state)
{
    memset(ret_state, 0, sizeof *ret_state);
    tables = clock_now = places = 0;
}

struct txmodel_table *txmodel_find(struct txmodel_state *state, unsigned name)
{
    for (size_t i = 0; i < state->count; i++)
        if (state->tables[i].name == name)
            return &state->tables[i];
    return NULL;
}

static struct txmodel_table *by_id(const struct txmodel_state *state, unsigned id)
{
    for (size_t i = 0; i < state->count; i++)
        if (state->tables[i].id == id)
            return (struct txmodel_table *)&state->tables[i];
    return NULL;
}

static void add(struct txmodel_state *state, unsigned id, unsigned name)
{
    struct txmodel_table *table = &state->tables[state->count++];

    assert_true(state->count <= TXMODEL_NAMES);
    table->id = id;
    table->name = name;
    table->count = 0;
    table->named = table->changed = clock_now;
}

static void drop(struct txmodel_state *state, struct txmodel_table *table)
{
    *table = state->tables[--state->count];
}

static void append(struct txmodel_table *table, unsigned text, unsigned place)
{
    assert_true(table->count < TXMODEL_ROWS);
    table->rows[table->count++] = (struct txmodel_row){.text = text, .place = place};
}

/* --- statements ------------------------------------------------------------------------ */

void txmodel_begin(struct txmodel_tx *tx, const struct txmodel_state *head)
{
    memset(tx, 0, sizeof *tx);
    tx->base = tx->view = *head;
}

static void note(struct txmodel_tx *tx, int op, unsigned table, unsigned name)
{
    assert_true(tx->naming_count < TXMODEL_NAMINGS);
    tx->namings[tx->naming_count++] =
        (struct txmodel_naming){.op = op, .table = table, .name = name};
}

int txmodel_create(struct txmodel_tx *tx, unsigned name)
{
    if (txmodel_find(&tx->view, name))
        return -EEXIST;
    assert_true(tables < TXMODEL_TABLES);
    add(&tx->view, tables, name);
    note(tx, TXMODEL_CREATE, tables++, name);
    return 0;
}

int txmodel_drop(struct txmodel_tx *tx, unsigned name)
{
    struct txmodel_table *table = txmodel_find(&tx->view, name);

    if (table->count)
        return -ENOTEMPTY;
    note(tx, TXMODEL_DROP, table->id, name);
    drop(&tx->view, table);
    return 0;
}

int txmodel_rename(struct txmodel_tx *tx, unsigned from, unsigned to)
{
    struct txmodel_table *target = txmodel_find(&tx->view, to), *table;

    if (from == to)
        return 0;
    if (target && target->count)
        return -ENOTEMPTY;
    if (target)
        txmodel_drop(tx, to);
    table = txmodel_find(&tx->view, from);
    table->name = to;
    note(tx, TXMODEL_RENAME, table->id, to);
    return 0;
}

int txmodel_write(struct txmodel_tx *tx, unsigned name, bool replace, const unsigned *texts,
                  size_t count)
{
    struct txmodel_table *table = txmodel_find(&tx->view, name);

    if (replace)
        table->count = 0;
    for (size_t i = 0; i < count; i++)
        append(table, texts[i], 0);
    return 0;
}

int txmodel_move(struct txmodel_tx *tx, unsigned from, unsigned to)
{
    struct txmodel_table *source = txmodel_find(&tx->view, from);
    struct txmodel_table *target = txmodel_find(&tx->view, to);

    if (from == to)
        return 0;
    target->count = 0;
    for (size_t i = 0; i < source->count; i++)
        append(target, source->rows[i].text, 0);
    source->count = 0;
    return 0;
}

void txmodel_read(struct txmodel_tx *tx, unsigned name)
{
    tx->read[txmodel_find(&tx->view, name)->id] = true;
}

/* --- the commit --------------------------------------------------------------------------- */

static bool has_place(const struct txmodel_table *table, unsigned place)
{
    for (size_t i = 0; table && i < table->count; i++)
        if (table->rows[i].place == place)
            return true;
    return false;
}

static bool is_named(const struct txmodel_tx *tx, unsigned id)
{
    for (size_t i = 0; i < tx->naming_count; i++)
        if (tx->namings[i].table == id)
            return true;
    return false;
}

/* Whether it has deleted rows of the base: a row in one table is not that row in another. */
static bool deletes(const struct txmodel_tx *tx, const struct txmodel_table *base)
{
    return base && base->count && !has_place(by_id(&tx->view, base->id), base->rows[0].place);
}

static bool writes(const struct txmodel_tx *tx, unsigned id)
{
    const struct txmodel_table *base = by_id(&tx->base, id);

    return is_named(tx, id) || has_place(by_id(&tx->view, id), 0) || deletes(tx, base);
}

static bool has_changes(const struct txmodel_tx *tx)
{
    bool changes = tx->naming_count;

    for (size_t i = 0; i < tx->base.count; i++)
        changes |= writes(tx, tx->base.tables[i].id);
    return changes;
}

static bool conflicts(const struct txmodel_tx *tx, const struct txmodel_table *base,
                      const struct txmodel_state *head)
{
    const struct txmodel_table *now = by_id(head, base->id);
    bool reads = tx->serializable && tx->read[base->id];

    if (!reads && !writes(tx, base->id))
        return false;
    if (!now || now->named != base->named)
        return true;
    if ((reads || is_named(tx, base->id)) && now->changed != base->changed)
        return true;
    for (size_t i = 0; deletes(tx, base) && i < base->count; i++)
        if (!has_place(now, base->rows[i].place))
            return true;
    return false;
}

static int apply_naming(struct txmodel_state *head, const struct txmodel_naming *naming)
{
    struct txmodel_table *table = by_id(head, naming->table);

    head->listed = clock_now;
    if (naming->op == TXMODEL_DROP) {
        drop(head, table);
        return 0;
    }
    if (txmodel_find(head, naming->name))
        return -ECANCELED;
    if (naming->op == TXMODEL_CREATE) {
        add(head, naming->table, naming->name);
    } else {
        table->name = naming->name;
        table->named = clock_now;
    }
    return 0;
}

static void apply_rows(const struct txmodel_tx *tx, const struct txmodel_table *view,
                       struct txmodel_table *now)
{
    const struct txmodel_table *base = by_id(&tx->base, view->id);
    size_t kept = 0;

    for (size_t i = 0; i < now->count; i++)
        if (!deletes(tx, base) || !has_place(base, now->rows[i].place))
            now->rows[kept++] = now->rows[i];
    now->count = kept;
    for (size_t i = 0; i < view->count; i++)
        if (!view->rows[i].place)
            append(now, view->rows[i].text, ++places);
    if (deletes(tx, base) || has_place(view, 0))
        now->changed = clock_now;
}

int txmodel_commit(const struct txmodel_tx *tx, struct txmodel_state *head)
{
    static struct txmodel_state next;
    int r = 0;

    if (!has_changes(tx))
        return 0;
    if (tx->serializable && tx->listed && head->listed != tx->base.listed)
        return -ECANCELED;
    for (size_t i = 0; i < tx->base.count; i++)
        if (conflicts(tx, &tx->base.tables[i], head))
            return -ECANCELED;
    clock_now++;
    next = *head;
    for (size_t i = 0; i < tx->naming_count && !r; i++)
        r = apply_naming(&next, &tx->namings[i]);
    if (r < 0)
        return r;
    for (size_t i = 0; i < tx->view.count; i++)
        if (writes(tx, tx->view.tables[i].id)) /* others may be gone */
            apply_rows(tx, &tx->view.tables[i], by_id(&next, tx->view.tables[i].id));
    *head = next;
    return 0;
}
