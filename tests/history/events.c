/* SPDX-License-Identifier: MIT */
/* The graph of a history's begins and commits. */
#include "tests/history/events.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tests/history/array.h"

/* --- what the reads and the orders say -------------------------------------------------- */

/* The next entry of an order from i on that a committed transaction wrote; `count`: none. */
static size_t next_version(const struct versions *v, const struct version_order *order, size_t i)
{
    while (i < order->count &&
           (order->writes[i] == VERSIONS_NONE || !v->committed[versions_writer(v, order, i)]))
        i++;
    return i;
}

/* The same, of the first `count` the last; VERSIONS_NONE: none. */
static size_t last_version(const struct versions *v, const struct version_order *order,
                           size_t count)
{
    while (count-- > 0)
        if (order->writes[count] != VERSIONS_NONE && v->committed[versions_writer(v, order, count)])
            return count;
    return VERSIONS_NONE;
}

static void add_order(const struct versions *v, size_t key, struct graph *graph)
{
    const struct version_order *order = &v->orders[key];
    size_t i = next_version(v, order, 0), next;

    for (; i < order->count; i = next) {
        next = next_version(v, order, i + 1);
        if (next < order->count && versions_writer(v, order, i) != versions_writer(v, order, next))
            graph_add(graph, event_commit(versions_writer(v, order, i)),
                      event_commit(versions_writer(v, order, next)), EVENT_WW, (uint32_t)key,
                      v->writes[order->writes[next]].value);
    }
}

/*
 * A serializable transaction that wrote was checked once more at its commit:
 * what it read had not changed by then. One that only read is in its place in
 * the order of the commits by its snapshot alone.
 */
static void add_missed(const struct versions *v, const struct version_read *read, size_t next,
                       struct graph *graph)
{
    const struct version_write *write = &v->writes[v->orders[read->key].writes[next]];
    const struct history_txn *txn = &v->history->txns[read->txn];

    if (write->txn == read->txn)
        return;
    graph_add(graph, event_begin(read->txn), event_commit(write->txn), EVENT_RW,
              (uint32_t)read->key, write->value);
    if (txn->isolation == HISTORY_SERIALIZABLE && v->committed[read->txn] && history_writes(txn))
        graph_add(graph, event_commit(read->txn), event_commit(write->txn), EVENT_RW_COMMIT,
                  (uint32_t)read->key, write->value);
}

static void add_read(const struct versions *v, const struct version_read *read, struct graph *graph)
{
    const struct version_order *order = &v->orders[read->key];
    size_t last, next;

    if (read->seen == VERSIONS_NONE)
        return;
    last = last_version(v, order, read->seen);
    next = next_version(v, order, read->seen);
    /* Also from its own commit, if it found there what it wrote only later. */
    if (last != VERSIONS_NONE)
        graph_add(graph, event_commit(versions_writer(v, order, last)), event_begin(read->txn),
                  EVENT_WR, (uint32_t)read->key, v->writes[order->writes[last]].value);
    if (next < order->count)
        add_missed(v, read, next, graph);
}

/* --- what the clock says ---------------------------------------------------------------- */

/* An event was after a moment, or before it. */
struct moment {
    int64_t at;
    uint32_t event;
    int mount;
    bool before;
    bool acknowledged; /* a commit that wrote something had been acknowledged by then */
};

struct moments {
    struct moment *items;
    size_t count;
};

static bool is_begin(const struct moment *moment)
{
    return moment->event % 2 == 0;
}

static void add_moment(const struct versions *v, struct moments *moments, int64_t at, bool before,
                       uint32_t event)
{
    const struct history_txn *txn = &v->history->txns[event / 2];

    if (at)
        *ARRAY_ADD(moments->items, moments->count) =
            (struct moment){.at = at,
                            .event = event,
                            .mount = txn->mount,
                            .before = before,
                            .acknowledged = before && event % 2 && history_writes(txn)};
}

static void add_times(const struct versions *v, size_t t, struct moments *moments)
{
    const struct history_txn *txn = &v->history->txns[t];

    add_moment(v, moments, txn->start, false, event_begin(t));
    add_moment(v, moments, txn->begun ? txn->begun : txn->committing, true, event_begin(t));
    if (!v->committed[t]) {
        add_moment(v, moments, txn->end, true, event_begin(t));
        return;
    }
    add_moment(v, moments, txn->committing ? txn->committing : txn->start, false, event_commit(t));
    /* Of one without an answer it is not known when it committed. */
    if (txn->outcome == HISTORY_OK)
        add_moment(v, moments, txn->end, true, event_commit(t));
}

/* At equal times nothing is known: what was after it comes first, and is not after anything. */
static int compare_moments(const void *a, const void *b)
{
    const struct moment *one = a, *other = b;

    if (one->at != other->at)
        return one->at < other->at ? -1 : 1;
    return (int)one->before - (int)other->before;
}

/* Which moments are in a line with each other: numbers from 0 on are those of mounts. */
#define LINE_ALL     (-1)
#define LINE_COMMITS (-2)

static bool is_in_line(const struct moment *moment, int line)
{
    if (line == LINE_COMMITS)
        return moment->before || !is_begin(moment);
    return line == LINE_ALL || moment->acknowledged || (is_begin(moment) && moment->mount == line);
}

/*
 * Every pair of events in the order of the clock would be a square of edges. A
 * chain of moments, which the events hang on, says the same.
 */
static void add_line(const struct moments *moments, int line, struct graph *graph)
{
    uint32_t first = graph->node_count, node = first;

    for (size_t i = 0; i < moments->count; i++) {
        const struct moment *moment = &moments->items[i];

        if (!is_in_line(moment, line))
            continue;
        if (node > first)
            graph_add(graph, node - 1, node, EVENT_TIME, 0, 0);
        if (moment->before)
            graph_add(graph, moment->event, node, EVENT_TIME, 0, 0);
        else
            graph_add(graph, node, moment->event, EVENT_TIME, 0, 0);
        node++;
    }
    graph->node_count = node;
}

static int last_mount(const struct history *history)
{
    int last = 0;

    for (size_t t = 0; t < history->txn_count; t++)
        if (history->txns[t].mount > last)
            last = history->txns[t].mount;
    return last;
}

static void add_clock(const struct versions *v, bool mounts_may_lag, struct graph *graph)
{
    struct moments moments = {0};

    for (size_t t = 0; t < v->history->txn_count; t++)
        add_times(v, t, &moments);
    if (moments.count)
        qsort(moments.items, moments.count, sizeof *moments.items, compare_moments);
    if (!mounts_may_lag) {
        add_line(&moments, LINE_ALL, graph);
    } else {
        /* All pairs but those of a begin on one mount and a later begin on another. */
        add_line(&moments, LINE_COMMITS, graph);
        for (int mount = 0; mount <= last_mount(v->history); mount++)
            add_line(&moments, mount, graph);
    }
    free(moments.items);
}

/* --- what the store says ---------------------------------------------------------------- */

struct numbered {
    int64_t version;
    size_t txn;
};

static int compare_numbered(const void *a, const void *b)
{
    const struct numbered *one = a, *other = b;

    return one->version < other->version ? -1 : one->version > other->version;
}

static size_t collect_numbered(const struct versions *v, struct numbered *ret_commits)
{
    size_t count = 0;

    for (size_t t = 0; t < v->history->txn_count; t++) {
        const struct history_txn *txn = &v->history->txns[t];

        /* One that wrote nothing need not have a version of its own. */
        if (txn->version && v->committed[t] && history_writes(txn))
            ret_commits[count++] = (struct numbered){txn->version, t};
    }
    qsort(ret_commits, count, sizeof *ret_commits, compare_numbered);
    return count;
}

static void add_base(size_t t, int64_t base, const struct numbered *commits, size_t count,
                     struct graph *graph)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (commits[middle].version <= base)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0)
        graph_add(graph, event_commit(commits[low - 1].txn), event_begin(t), EVENT_VERSION, 0,
                  base);
    if (low < count)
        graph_add(graph, event_begin(t), event_commit(commits[low].txn), EVENT_VERSION, 0,
                  commits[low].version);
}

static void add_versions(const struct versions *v, struct graph *graph, struct report *report)
{
    struct numbered *commits = array_new(v->history->txn_count, sizeof *commits);
    size_t count = collect_numbered(v, commits);

    for (size_t i = 0; i + 1 < count; i++) {
        if (commits[i].version == commits[i + 1].version)
            report_add(report, ANOMALY_VERSION_ORDER, "%s and %s both have version %" PRId64,
                       v->history->txns[commits[i].txn].id, v->history->txns[commits[i + 1].txn].id,
                       commits[i].version);
        graph_add(graph, event_commit(commits[i].txn), event_commit(commits[i + 1].txn),
                  EVENT_VERSION, 0, commits[i + 1].version);
    }
    for (size_t t = 0; t < v->history->txn_count; t++)
        if (v->history->txns[t].base)
            add_base(t, v->history->txns[t].base, commits, count, graph);
    free(commits);
}

void events_make(const struct versions *v, bool mounts_may_lag, struct graph *ret_graph,
                 struct report *report)
{
    struct graph graph = {.node_count = (uint32_t)(2 * v->history->txn_count),
                          .free_labels = EVENT_OWN | EVENT_TIME};

    for (size_t t = 0; t < v->history->txn_count; t++)
        if (v->committed[t])
            graph_add(&graph, event_begin(t), event_commit(t), EVENT_OWN, 0, 0);
    for (size_t k = 0; k < v->history->key_count; k++)
        add_order(v, k, &graph);
    for (size_t i = 0; i < v->read_count; i++)
        add_read(v, &v->reads[i], &graph);
    add_clock(v, mounts_may_lag, &graph);
    add_versions(v, &graph, report);
    graph_seal(&graph);
    *ret_graph = graph;
}
