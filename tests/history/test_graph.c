/* SPDX-License-Identifier: MIT */
/* Components and ways of random graphs, against a matrix of all distances. */
#include "tests/history/graph.h"
#include "tests/lib/check.h"

#define NODES 12
#define FAR   1000

static uint64_t seed = 362436069u;
static struct graph graph;
static unsigned distance[NODES][NODES]; /* of ways with at least one edge */

static unsigned cost_of(const struct graph_edge *edge)
{
    return !(edge->label & graph.free_labels);
}

static void make_graph(size_t edges)
{
    graph = (struct graph){.node_count = NODES, .free_labels = 1};
    for (size_t i = 0; i < edges; i++) {
        uint32_t from = (uint32_t)check_random_below(&seed, NODES);
        uint32_t to = (uint32_t)check_random_below(&seed, NODES);
        unsigned label = 1u << check_random_below(&seed, 3);

        /* What costs nothing makes no cycle, as in the graphs of histories. */
        if (label != 1 || from < to)
            graph_add(&graph, from, to, label, 0, 0);
    }
    graph_seal(&graph);
}

/* Floyd and Warshall. */
static void measure(unsigned mask)
{
    for (size_t i = 0; i < NODES; i++)
        for (size_t j = 0; j < NODES; j++)
            distance[i][j] = FAR;
    for (size_t e = 0; e < graph.edge_count; e++) {
        const struct graph_edge *edge = &graph.edges[e];
        unsigned *d = &distance[edge->from][edge->to];

        if ((edge->label & mask) && cost_of(edge) < *d)
            *d = cost_of(edge);
    }
    for (size_t k = 0; k < NODES; k++)
        for (size_t i = 0; i < NODES; i++)
            for (size_t j = 0; j < NODES; j++)
                if (distance[i][k] + distance[k][j] < distance[i][j])
                    distance[i][j] = distance[i][k] + distance[k][j];
}

static void expect_components(unsigned mask, uint32_t component[NODES])
{
    uint32_t count = graph_components(&graph, mask, component);

    for (size_t i = 0; i < NODES; i++) {
        assert_int_equal(component[i] != GRAPH_NONE, distance[i][i] < FAR);
        assert_true(component[i] == GRAPH_NONE || component[i] < count);
        for (size_t j = 0; j < NODES; j++)
            if (component[i] != GRAPH_NONE && component[j] != GRAPH_NONE)
                assert_int_equal(component[i] == component[j],
                                 distance[i][j] < FAR && distance[j][i] < FAR);
    }
}

static void expect_way(struct graph_search *search, unsigned mask, const uint32_t *component,
                       uint32_t from, uint32_t to)
{
    struct graph_edge *way;
    size_t count = graph_way(search, mask, component, from, to, &way);
    unsigned cost = 0;

    assert_true(count > 0);
    assert_int_equal(way[0].from, from);
    assert_int_equal(way[count - 1].to, to);
    for (size_t i = 0; i < count; i++) {
        assert_true(way[i].label & mask);
        assert_true(i == 0 || way[i].from == way[i - 1].to);
        cost += cost_of(&way[i]);
    }
    assert_int_equal(cost, distance[from][to]);
    free(way);
}

static void expect_ways(unsigned mask, const uint32_t *component)
{
    struct graph_search search;

    graph_search_init(&search, &graph, SIZE_MAX);
    for (uint32_t i = 0; i < NODES; i++)
        for (uint32_t j = 0; j < NODES; j++)
            if (component[i] != GRAPH_NONE && component[i] == component[j])
                expect_way(&search, mask, component, i, j);
    graph_search_finish(&search);
}

static void components_and_ways_are_those_of_the_matrix(void **state)
{
    (void)state;
    for (int n = 0; n < 1000; n++) {
        unsigned mask = 1 + (unsigned)check_random_below(&seed, 7);
        uint32_t component[NODES];

        make_graph(check_random_below(&seed, 40));
        measure(mask);
        expect_components(mask, component);
        expect_ways(mask, component);
        graph_finish(&graph);
    }
}

static void a_long_chain_needs_no_deep_stack(void **state)
{
    enum { LENGTH = 1000000 };
    uint32_t *component = malloc(LENGTH * sizeof *component);

    (void)state;
    assert_non_null(component);
    graph = (struct graph){.node_count = LENGTH};
    for (uint32_t i = 0; i < LENGTH; i++)
        graph_add(&graph, i, (i + 1) % LENGTH, 1, 0, 0);
    graph_seal(&graph);
    assert_int_equal(graph_components(&graph, 1, component), 1);
    assert_int_equal(component[0], component[LENGTH - 1]);
    graph_finish(&graph);
    free(component);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(components_and_ways_are_those_of_the_matrix),
        cmocka_unit_test(a_long_chain_needs_no_deep_stack),
    };

    return cmocka_run_group_tests_name("history_graph", tests, NULL, NULL);
}
