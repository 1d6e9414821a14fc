/* SPDX-License-Identifier: MIT */
/*
 * A directed graph with labelled edges, and what a search for short cycles
 * needs: strong components and shortest ways, both restricted to some labels.
 */
#ifndef ROWFS_TESTS_HISTORY_GRAPH_H
#define ROWFS_TESTS_HISTORY_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_NONE UINT32_MAX

struct graph_edge {
    uint32_t from, to;
    unsigned label; /* one bit */
    uint32_t key;   /* what the edge is about; the graph does not look at these two */
    int64_t value;
};

/* Zeroed is empty; nodes are 0 .. node_count - 1. */
struct graph {
    uint32_t node_count;
    struct graph_edge *edges; /* sorted by `from` once sealed */
    size_t edge_count;
    size_t *first;        /* per node, and one behind the last: its edges */
    unsigned free_labels; /* edges that cost nothing on a way */
};

void graph_finish(struct graph *graph);
void graph_add(struct graph *graph, uint32_t from, uint32_t to, unsigned label, uint32_t key,
               int64_t value);

/* No edge is added after this, and nothing is asked before. */
void graph_seal(struct graph *graph);

/*
 * Strong components over the edges with a label in `mask` (Tarjan 1972, without
 * recursion): for each node the number of its component, GRAPH_NONE if it is on
 * no cycle. Returns how many components there are that have cycles.
 */
uint32_t graph_components(const struct graph *graph, unsigned mask, uint32_t *ret_component);

/* For many searches in one graph; made once. */
struct graph_search {
    const struct graph *graph;
    uint32_t *distance; /* UINT32_MAX outside of a search */
    size_t *via;        /* the edge by which a node was reached */
    uint32_t *queue;
    uint8_t *done;
    uint32_t *touched;
    size_t touched_count;
    size_t budget; /* edges that may still be looked at, by all searches together */
};

void graph_search_init(struct graph_search *search, const struct graph *graph, size_t budget);
void graph_search_finish(struct graph_search *search);

/*
 * The way from one node to another (or around to itself) with the fewest edges
 * that cost, over edges in `mask` within one component of `component`.
 * Returns how many edges it has, in `*ret_way` (new, free); 0: there is none,
 * or the budget is used up.
 */
size_t graph_way(struct graph_search *search, unsigned mask, const uint32_t *component,
                 uint32_t from, uint32_t to, struct graph_edge **ret_way);

#endif
