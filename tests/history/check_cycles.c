/* SPDX-License-Identifier: MIT */
/* Cycles of events: found, named, and put into words. */
#include "tests/history/check_cycles.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tests/history/array.h"
#include "tests/history/events.h"

/* Edges that the searches of one level may look at: a second or two. */
#define LEVEL_BUDGET 40000000

/*
 * What kinds of cycles are searched, one after the other, as Elle does: a cycle
 * has an edge of `pivot`, and its others are of `rest`. Whatever has no cycle of
 * an earlier level, has one here only if `pivot` is in it.
 */
struct level {
    unsigned pivot, rest;
    enum anomaly anomaly;
};

#define READ_WRITES  (EVENT_OWN | EVENT_WW | EVENT_WR)
#define DEPENDENCIES (READ_WRITES | EVENT_RW | EVENT_RW_COMMIT)

static const struct level levels[] = {
    {EVENT_WW, EVENT_OWN | EVENT_WW, ANOMALY_DIRTY_WRITE},
    {EVENT_WR, READ_WRITES, ANOMALY_CIRCULAR},
    {EVENT_RW, READ_WRITES, ANOMALY_READ_SKEW},
    {EVENT_RW, READ_WRITES | EVENT_RW, ANOMALY_LONG_FORK},
    {EVENT_RW_COMMIT, DEPENDENCIES, ANOMALY_DEPENDENCY_CYCLE},
    {EVENT_WW, EVENT_OWN | EVENT_WW | EVENT_TIME, ANOMALY_REAL_TIME},
    {EVENT_WR, READ_WRITES | EVENT_TIME, ANOMALY_DIRTY_READ},
    {EVENT_RW, READ_WRITES | EVENT_TIME, ANOMALY_STALE_READ},
    {EVENT_RW | EVENT_RW_COMMIT, DEPENDENCIES | EVENT_TIME, ANOMALY_REAL_TIME},
    {EVENT_VERSION, DEPENDENCIES | EVENT_TIME | EVENT_VERSION, ANOMALY_VERSION_ORDER},
};

struct cycle {
    struct graph_edge *edges;
    size_t count, cost;
};

struct cycles {
    const struct versions *versions;
    const struct check_rules *rules;
    struct report *report;
    struct graph graph;
    struct graph_search search;
    uint32_t *component;
    bool *reported; /* per node: it was in a component with a cycle of an earlier level */
};

/* --- names ------------------------------------------------------------------------------ */

static bool is_rw(const struct graph_edge *edge)
{
    return edge->label & (EVENT_RW | EVENT_RW_COMMIT);
}

static bool has_read(const struct versions *v, size_t txn, size_t key)
{
    for (size_t i = v->first_read[txn]; i < v->first_read[txn + 1]; i++)
        if (v->reads[i].key == key)
            return true;
    return false;
}

static bool has_written(const struct versions *v, size_t txn, size_t key)
{
    for (size_t i = v->first_write[txn]; i < v->first_write[txn + 1]; i++)
        if (v->writes[i].key == key)
            return true;
    return false;
}

/* The cycle's edges that count, if they are two; false: they are fewer or more. */
static bool get_pair(const struct cycle *cycle, const struct graph *graph,
                     const struct graph_edge *ret_pair[2])
{
    size_t count = 0;

    for (size_t i = 0; i < cycle->count; i++) {
        if (cycle->edges[i].label & graph->free_labels)
            continue;
        if (count == 2)
            return false;
        ret_pair[count++] = &cycle->edges[i];
    }
    return count == 2;
}

/* Both have read and written the same, and the one did not see the other's. */
static bool is_lost_update(const struct versions *v, const struct graph_edge *edge)
{
    size_t one = edge->from / 2, other = edge->to / 2;

    return is_rw(edge) && has_written(v, one, edge->key) && has_read(v, other, edge->key);
}

static enum anomaly name_cycle(const struct cycles *c, const struct level *level,
                               const struct cycle *cycle)
{
    const struct graph_edge *pair[2];

    if (!get_pair(cycle, &c->graph, pair))
        return level->anomaly;
    if (level->anomaly == ANOMALY_READ_SKEW && ((pair[0]->label | pair[1]->label) & EVENT_WR))
        return pair[0]->key == pair[1]->key ? ANOMALY_INTERMEDIATE_READ : ANOMALY_FRACTURED_READ;
    if (level->anomaly != ANOMALY_DEPENDENCY_CYCLE)
        return level->anomaly;
    if (is_lost_update(c->versions, pair[0]) || is_lost_update(c->versions, pair[1]))
        return ANOMALY_LOST_UPDATE;
    return is_rw(pair[0]) && is_rw(pair[1]) ? ANOMALY_WRITE_SKEW : level->anomaly;
}

/* --- words ------------------------------------------------------------------------------ */

static const char *id_of(const struct cycles *c, uint32_t event)
{
    return c->versions->history->txns[event / 2].id;
}

static void describe_time(const struct cycles *c, uint32_t from, uint32_t to, struct buf *text)
{
    const char *past = from % 2 ? "had ended" : "had begun";
    const char *later = to % 2 ? "asked to commit" : "began";

    buf_printf(text, "%s -time-> %s: %s %s before %s %s\n", id_of(c, from), id_of(c, to),
               id_of(c, from), past, id_of(c, to), later);
}

static void describe_edge(const struct cycles *c, const struct graph_edge *edge, struct buf *text)
{
    const char *from = id_of(c, edge->from), *to = id_of(c, edge->to);
    const char *key = edge->label == EVENT_VERSION ? "" : c->versions->history->keys[edge->key];

    if (edge->label == EVENT_WW)
        buf_printf(text, "%s -ww-> %s: %s wrote %" PRId64 " to %s behind what %s wrote\n", from, to,
                   to, edge->value, key, from);
    else if (edge->label == EVENT_WR)
        buf_printf(text, "%s -wr-> %s: %s read %s up to %" PRId64 ", which %s wrote\n", from, to,
                   to, key, edge->value, from);
    else if (is_rw(edge))
        buf_printf(text, "%s -rw-> %s: %s read %s without %" PRId64 ", which %s wrote\n", from, to,
                   from, key, edge->value, to);
    else if (edge->label == EVENT_VERSION)
        buf_printf(text, "%s -version-> %s: by the store's numbers, up to %" PRId64 "\n", from, to,
                   edge->value);
}

/* The moments between two events are one step for the reader. */
static void describe_cycle(const struct cycles *c, const struct cycle *cycle, struct buf *text)
{
    uint32_t since = GRAPH_NONE;

    for (size_t i = 0; i < cycle->count; i++) {
        const struct graph_edge *edge = &cycle->edges[i];

        if (edge->label != EVENT_TIME) {
            describe_edge(c, edge, text);
            continue;
        }
        if (since == GRAPH_NONE)
            since = edge->from;
        if (edge->to < 2 * c->versions->history->txn_count) {
            describe_time(c, since, edge->to, text);
            since = GRAPH_NONE;
        }
    }
}

static void report_cycle(struct cycles *c, const struct level *level, const struct cycle *cycle)
{
    struct buf text = {0};

    describe_cycle(c, cycle, &text);
    report_add(c->report, name_cycle(c, level, cycle), "a cycle:\n%.*s", (int)text.bytes,
               text.data);
    buf_finish(&text);
}

/* --- search ----------------------------------------------------------------------------- */

static void keep_shorter(struct cycle *best, const struct graph_edge *pivot, struct graph_edge *way,
                         size_t count, unsigned free_labels)
{
    struct cycle found = {.edges = array_new(count + 1, sizeof *way), .count = count + 1};

    found.edges[0] = *pivot;
    for (size_t i = 0; i < count; i++)
        found.edges[i + 1] = way[i];
    for (size_t i = 0; i < found.count; i++)
        found.cost += !(found.edges[i].label & free_labels);
    free(way);
    if (best->edges && best->cost <= found.cost) {
        free(found.edges);
        return;
    }
    free(best->edges);
    *best = found;
}

/* The shortest cycle of each component, as far as the budget goes. */
static void search_level(struct cycles *c, const struct level *level, const bool *skip,
                         struct cycle *best)
{
    c->search.budget = c->rules->budget ? c->rules->budget : LEVEL_BUDGET;
    for (size_t i = 0; i < c->graph.edge_count; i++) {
        const struct graph_edge *edge = &c->graph.edges[i];
        uint32_t component = c->component[edge->from];
        struct graph_edge *way;
        size_t count;

        if (!(edge->label & level->pivot) || component == GRAPH_NONE ||
            component != c->component[edge->to] || skip[component] ||
            (best[component].edges && best[component].cost <= 2))
            continue;
        count = graph_way(&c->search, level->rest, c->component, edge->to, edge->from, &way);
        if (count)
            keep_shorter(&best[component], edge, way, count, c->graph.free_labels);
    }
}

static void check_level(struct cycles *c, const struct level *level)
{
    uint32_t count = graph_components(&c->graph, level->pivot | level->rest, c->component);
    struct cycle *best = array_new(count, sizeof *best);
    bool *skip = array_new(count, sizeof *skip);

    for (uint32_t n = 0; n < c->graph.node_count; n++)
        if (c->component[n] != GRAPH_NONE && c->reported[n])
            skip[c->component[n]] = true;
    if (count)
        search_level(c, level, skip, best);
    for (uint32_t n = 0; n < c->graph.node_count; n++)
        if (c->component[n] != GRAPH_NONE && best[c->component[n]].edges)
            c->reported[n] = true;
    for (uint32_t i = 0; i < count; i++) {
        if (best[i].edges)
            report_cycle(c, level, &best[i]);
        free(best[i].edges);
    }
    free(best);
    free(skip);
}

/* Where the budget did not suffice to show a cycle there is one all the same. */
static void check_rest(struct cycles *c)
{
    uint32_t count = graph_components(&c->graph, ~0u, c->component);
    bool *shown = array_new(count, sizeof *shown);

    for (uint32_t n = 0; n < c->graph.node_count; n++)
        if (c->component[n] != GRAPH_NONE && c->reported[n])
            shown[c->component[n]] = true;
    for (uint32_t n = 0; n < 2 * c->versions->history->txn_count; n++) {
        if (c->component[n] == GRAPH_NONE || shown[c->component[n]])
            continue;
        shown[c->component[n]] = true;
        report_add(c->report, ANOMALY_DEPENDENCY_CYCLE, "a cycle through %s, too long to be shown",
                   id_of(c, n));
    }
    free(shown);
}

void check_cycles(const struct versions *versions, const struct check_rules *rules,
                  struct report *report)
{
    struct cycles c = {.versions = versions, .rules = rules, .report = report};

    events_make(versions, rules->mounts_may_lag, &c.graph, report);
    c.component = array_new(c.graph.node_count, sizeof *c.component);
    c.reported = array_new(c.graph.node_count, sizeof *c.reported);
    graph_search_init(&c.search, &c.graph, 0);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        check_level(&c, &levels[i]);
    check_rest(&c);
    graph_search_finish(&c.search);
    graph_finish(&c.graph);
    free(c.component);
    free(c.reported);
}
