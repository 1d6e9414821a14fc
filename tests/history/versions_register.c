/* SPDX-License-Identifier: MIT */
/* The order of a register: from its final row back to the first. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tests/history/array.h"
#include "tests/history/versions.h"

/* The walk ends where a row is met for the second time, or was written by nobody. */
static struct version_write *step_to(struct versions *v, size_t key, int64_t value,
                                     struct report *report)
{
    struct version_write *write = versions_find(v, key, value);

    if (!write)
        report_add(report, ANOMALY_UNKNOWN_VALUE, "%" PRId64 " is in %s, and nobody wrote it there",
                   value, v->history->keys[key]);
    else if (write->position)
        report_add(report, ANOMALY_INCOMPATIBLE_ORDER,
                   "%" PRId64 " of %s was replaced by what it had replaced itself", value,
                   v->history->keys[key]);
    return write && !write->position ? write : NULL;
}

static void number_versions(struct versions *v, struct version_order *order)
{
    for (size_t i = 0; i < order->count / 2; i++) {
        size_t other = order->count - 1 - i, write = order->writes[i];

        order->writes[i] = order->writes[other];
        order->writes[other] = write;
    }
    for (size_t i = 0; i < order->count; i++)
        v->writes[order->writes[i]].position = i + 1;
}

int versions_walk_register(struct versions *v, size_t key, struct report *report, struct err *err)
{
    struct version_order *order = &v->orders[key];
    const struct version_read *final;
    int64_t value;

    if (!order->complete)
        return err_set(err, -EINVAL, "%s is a register and has no final read",
                       v->history->keys[key]);
    final = &v->reads[order->reader];
    value = final->count ? final->values[0] : 0;
    while (value) {
        struct version_write *write = step_to(v, key, value, report);

        if (!write)
            break;
        write->position = SIZE_MAX; /* met; the number comes when the way is known */
        *ARRAY_ADD(order->writes, order->count) = (size_t)(write - v->writes);
        value = write->origin;
    }
    number_versions(v, order);
    return 0;
}
