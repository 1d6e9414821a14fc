/* SPDX-License-Identifier: MIT */
/* rowfs check STORE. Exits as fsck(8) does where nothing is repaired. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/check.h"
#include "fs/commands.h"

#define EXIT_CLEAN   0
#define EXIT_WARNED  1
#define EXIT_DAMAGED 2
#define EXIT_FAILED  8

static error_t parse_arg(int key, char *arg, struct argp_state *state)
{
    char **store = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num)
            argp_error(state, "too many arguments: %s", arg);
        *store = arg;
        return 0;
    case ARGP_KEY_END:
        if (!state->arg_num)
            argp_error(state, "STORE is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_finding(void *context, enum check_severity severity, const char *sentence)
{
    (void)context;
    printf("%s: %s\n", severity == CHECK_WARNING ? "warning" : "damage", sentence);
}

static int print_result(const struct check_result *result)
{
    printf("%" PRIu64 " records, %" PRIu64 " tables, %" PRIu64 " rows, %" PRIu64
           " segments of %" PRIu64 " bytes, %" PRIu64 " indexes: ",
           result->records, result->tables, result->rows, result->segments, result->bytes,
           result->indexes);
    if (result->damages)
        printf("damaged\n");
    else
        printf(result->warnings ? "what was warned of can be removed\n" : "clean\n");
    return result->damages ? EXIT_DAMAGED : result->warnings ? EXIT_WARNED : EXIT_CLEAN;
}

static int check(const char *path)
{
    struct db_options options = {.read_only = true, .limits = DB_LIMITS_DEFAULT};
    struct check_result result;
    struct err err = ERR_INIT;
    struct db *db;
    int r = db_open(path, &options, &db, &err);

    if (r == -EIO) { /* the log itself */
        print_finding(NULL, CHECK_DAMAGE, err.text);
        return EXIT_DAMAGED;
    }
    if (!r) {
        r = check_store(db, print_finding, NULL, &result, &err);
        db_close(db);
    }
    if (r < 0) {
        fprintf(stderr, "rowfs: %s\n", err.text);
        return EXIT_FAILED;
    }
    return print_result(&result);
}

int command_check(int argc, char **argv)
{
    static const struct argp argp = {
        NULL,
        parse_arg,
        "STORE",
        "Reads the whole store, which may be mounted, and says what is wrong with it."
        "\vExit status: 0, clean; 1, indexes are damaged, which can be removed; 2, rows are lost "
        "or wrong; 8, it could not be checked.",
        NULL,
        NULL,
        NULL};
    char *store = NULL;

    argp_parse(&argp, argc, argv, 0, NULL, &store);
    return check(store);
}
