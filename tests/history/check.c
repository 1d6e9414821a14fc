/* SPDX-License-Identifier: MIT */
/* The checker: all checks, one after the other. */
#include "tests/history/check.h"

#include "tests/history/check_amounts.h"
#include "tests/history/check_cycles.h"
#include "tests/history/check_values.h"

int check_history(const struct history *history, const struct check_rules *rules,
                  struct report *report, struct err *err)
{
    static const struct check_rules none = {0};
    struct versions versions;
    int r = versions_init(&versions, history, report, err);

    rules = rules ? rules : &none;
    if (r == 0) {
        check_reads(&versions, report);
        check_writes(&versions, report);
        check_fractured(&versions, report);
        check_cycles(&versions, rules, report);
        check_amounts(&versions, report);
        if (rules->total)
            check_bank(&versions, rules->total, report);
        if (rules->on_call)
            check_on_call(&versions, report);
    }
    versions_finish(&versions);
    return r;
}
