/* SPDX-License-Identifier: MIT */
/* Strong components and shortest ways. */
#include "tests/history/graph.h"

#include <stdlib.h>
#include <string.h>

#include "tests/history/array.h"

void graph_finish(struct graph *graph)
{
    free(graph->edges);
    free(graph->first);
    *graph = (struct graph){0};
}

void graph_add(struct graph *graph, uint32_t from, uint32_t to, unsigned label, uint32_t key,
               int64_t value)
{
    *ARRAY_ADD(graph->edges, graph->edge_count) =
        (struct graph_edge){.from = from, .to = to, .label = label, .key = key, .value = value};
}

/* A counting sort, so that the edges of a node are neighbours. */
void graph_seal(struct graph *graph)
{
    struct graph_edge *sorted = array_new(graph->edge_count, sizeof *sorted);
    size_t *next = array_new(graph->node_count + 1, sizeof *next);

    graph->first = array_new(graph->node_count + 1, sizeof *graph->first);
    for (size_t i = 0; i < graph->edge_count; i++)
        graph->first[graph->edges[i].from + 1]++;
    for (uint32_t n = 0; n < graph->node_count; n++)
        graph->first[n + 1] += graph->first[n];
    memcpy(next, graph->first, (graph->node_count + 1) * sizeof *next);
    for (size_t i = 0; i < graph->edge_count; i++)
        sorted[next[graph->edges[i].from]++] = graph->edges[i];
    free(graph->edges);
    free(next);
    graph->edges = sorted;
}

/* --- strong components ------------------------------------------------------------------ */

struct tarjan {
    const struct graph *graph;
    unsigned mask;
    uint32_t *index, *low; /* counted from 1; 0: not visited */
    size_t *next;          /* the edge to look at when the walk comes back */
    uint32_t *stack, *walk;
    uint32_t stack_count, walk_count, visited, found;
    uint32_t *component;
    bool *on_stack;
};

static void visit(struct tarjan *t, uint32_t node)
{
    t->index[node] = t->low[node] = ++t->visited;
    t->next[node] = t->graph->first[node];
    t->stack[t->stack_count++] = node;
    t->walk[t->walk_count++] = node;
    t->on_stack[node] = true;
}

static bool has_loop(const struct tarjan *t, uint32_t node)
{
    for (size_t e = t->graph->first[node]; e < t->graph->first[node + 1]; e++)
        if ((t->graph->edges[e].label & t->mask) && t->graph->edges[e].to == node)
            return true;
    return false;
}

/* The stack from `node` on is a component. */
static void pop_component(struct tarjan *t, uint32_t node)
{
    bool cyclic = t->stack[t->stack_count - 1] != node || has_loop(t, node);
    uint32_t popped;

    do {
        popped = t->stack[--t->stack_count];
        t->on_stack[popped] = false;
        t->component[popped] = cyclic ? t->found : GRAPH_NONE;
    } while (popped != node);
    t->found += cyclic;
}

/* Follows one edge of the node, or leaves it. */
static void step(struct tarjan *t, uint32_t node)
{
    while (t->next[node] < t->graph->first[node + 1]) {
        const struct graph_edge *edge = &t->graph->edges[t->next[node]++];

        if (!(edge->label & t->mask))
            continue;
        if (!t->index[edge->to]) {
            visit(t, edge->to);
            return;
        }
        if (t->on_stack[edge->to] && t->index[edge->to] < t->low[node])
            t->low[node] = t->index[edge->to];
    }
    t->walk_count--;
    if (t->walk_count && t->low[node] < t->low[t->walk[t->walk_count - 1]])
        t->low[t->walk[t->walk_count - 1]] = t->low[node];
    if (t->low[node] == t->index[node])
        pop_component(t, node);
}

uint32_t graph_components(const struct graph *graph, unsigned mask, uint32_t *ret_component)
{
    size_t n = graph->node_count;
    struct tarjan t = {.graph = graph, .mask = mask, .component = ret_component};

    t.index = array_new(n, sizeof *t.index);
    t.low = array_new(n, sizeof *t.low);
    t.next = array_new(n, sizeof *t.next);
    t.stack = array_new(n, sizeof *t.stack);
    t.walk = array_new(n, sizeof *t.walk);
    t.on_stack = array_new(n, sizeof *t.on_stack);
    for (uint32_t node = 0; node < graph->node_count; node++) {
        if (!t.index[node])
            visit(&t, node);
        while (t.walk_count)
            step(&t, t.walk[t.walk_count - 1]);
    }
    free(t.index);
    free(t.low);
    free(t.next);
    free(t.stack);
    free(t.walk);
    free(t.on_stack);
    return t.found;
}

/* --- shortest ways ---------------------------------------------------------------------- */

void graph_search_init(struct graph_search *search, const struct graph *graph, size_t budget)
{
    size_t n = graph->node_count;

    *search = (struct graph_search){.graph = graph, .budget = budget};
    search->distance = array_new(n, sizeof *search->distance);
    memset(search->distance, 0xff, n * sizeof *search->distance);
    search->via = array_new(n, sizeof *search->via);
    search->done = array_new(n, sizeof *search->done);
    search->touched = array_new(n, sizeof *search->touched);
    /* A deque that grows from its middle: each edge puts one node in, at either end. */
    search->queue = array_new(2 * (graph->edge_count + 1), sizeof *search->queue);
}

void graph_search_finish(struct graph_search *search)
{
    free(search->distance);
    free(search->via);
    free(search->done);
    free(search->touched);
    free(search->queue);
    *search = (struct graph_search){0};
}

static void forget(struct graph_search *search)
{
    for (size_t i = 0; i < search->touched_count; i++) {
        search->distance[search->touched[i]] = UINT32_MAX;
        search->done[search->touched[i]] = 0;
    }
    search->touched_count = 0;
}

static bool reach(struct graph_search *search, uint32_t node, uint32_t distance, size_t via)
{
    if (search->distance[node] <= distance)
        return false;
    if (search->distance[node] == UINT32_MAX)
        search->touched[search->touched_count++] = node;
    search->distance[node] = distance;
    search->via[node] = via;
    return true;
}

struct ends {
    size_t head, tail;
};

/* Looks at the edges of one node; what costs nothing goes to the front. */
static void spread(struct graph_search *search, unsigned mask, const uint32_t *component,
                   uint32_t node, uint32_t distance, struct ends *ends)
{
    const struct graph *graph = search->graph;

    for (size_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
        const struct graph_edge *edge = &graph->edges[e];
        bool costs = !(edge->label & graph->free_labels);

        if (!(edge->label & mask) || component[edge->to] != component[node] ||
            !reach(search, edge->to, distance + costs, e))
            continue;
        if (costs)
            search->queue[ends->tail++] = edge->to;
        else
            search->queue[--ends->head] = edge->to;
    }
    search->budget -= search->budget < graph->first[node + 1] - graph->first[node]
                          ? search->budget
                          : graph->first[node + 1] - graph->first[node];
}

static size_t trace_back(const struct graph_search *search, uint32_t from, uint32_t to,
                         struct graph_edge **ret_way)
{
    const struct graph_edge *edges = search->graph->edges;
    struct graph_edge *way;
    size_t count = 1, i;

    for (size_t e = search->via[to]; edges[e].from != from; e = search->via[edges[e].from])
        count++;
    way = array_new(count, sizeof *way);
    i = count;
    for (size_t e = search->via[to]; i-- > 0; e = search->via[edges[e].from])
        way[i] = edges[e];
    *ret_way = way;
    return count;
}

size_t graph_way(struct graph_search *search, unsigned mask, const uint32_t *component,
                 uint32_t from, uint32_t to, struct graph_edge **ret_way)
{
    size_t middle = search->graph->edge_count, count = 0;
    struct ends ends = {middle, middle};

    /* `from` has no distance itself, so that a way around to it is found like any other. */
    spread(search, mask, component, from, 0, &ends);
    while (ends.head < ends.tail && search->budget) {
        uint32_t node = search->queue[ends.head++];

        if (node == to) {
            count = trace_back(search, from, to, ret_way);
            break;
        }
        if (search->done[node])
            continue;
        search->done[node] = 1;
        spread(search, mask, component, node, search->distance[node], &ends);
    }
    forget(search);
    return count;
}
