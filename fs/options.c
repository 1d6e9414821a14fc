/* SPDX-License-Identifier: MIT */
/* The command line of `rowfs mount`: argp for its form, a table for -o. */
#include "fs/options.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "fs/loop.h"

const char rowfs_version[] = "rowfs " ROWFS_VERSION;

/* "64M": a number of bytes with an optional K, M, G or T. */
static int parse_bytes(const char *text, uint64_t *ret_bytes)
{
    static const char units[] = "KMGT";
    unsigned long long value;
    const char *unit;
    unsigned shift = 0;
    char *end;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (end == text || text[0] < '0' || text[0] > '9' || errno)
        return -EINVAL;
    if (*end) {
        unit = strchr(units, *end);
        if (!unit || end[1])
            return -EINVAL;
        shift = 10 * (unsigned)(unit - units + 1);
    }
    if (!value || value > (uint64_t)INT64_MAX >> shift)
        return -EINVAL;
    *ret_bytes = value << shift;
    return 0;
}

static int parse_number(const char *text, int base, unsigned long max, unsigned long *ret_value)
{
    unsigned long value;
    char *end;

    errno = 0;
    value = strtoul(text, &end, base);
    if (end == text || *end || text[0] < '0' || text[0] > '9' || errno || value > max)
        return -EINVAL;
    *ret_value = value;
    return 0;
}

/* Options of the kernel and of mount(8), passed on as they are. */
static bool is_kernel_option(const char *name)
{
    static const char *const names[] = {
        "allow_other", "suid", "nosuid", "dev", "nodev", "exec",
        "noexec",      "sync", "async", "atime",  "noatime", "dirsync"};

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static int pass_on(struct mount_options *options, const char *option)
{
    char *joined;

    if (asprintf(&joined, "%s%s%s", options->kernel ? options->kernel : "",
                 options->kernel ? "," : "", option) < 0)
        return -ENOMEM;
    free(options->kernel);
    options->kernel = joined;
    return 0;
}

/* "90s", "30m", "1h", "7d": a time in seconds unless it has a unit. */
static int parse_seconds(const char *text, uint64_t *ret_seconds)
{
    static const struct {
        char name;
        unsigned seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    unsigned long long value;
    unsigned unit = 1;
    char *end;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (end == text || text[0] < '0' || text[0] > '9' || errno)
        return -EINVAL;
    if (*end) {
        unit = 0;
        for (size_t i = 0; i < ARRAY_COUNT(units); i++)
            if (*end == units[i].name && !end[1])
                unit = units[i].seconds;
    }
    if (!unit || value > UINT32_MAX)
        return -EINVAL;
    *ret_seconds = value * unit;
    return 0;
}

/* -ENOENT: not an option that has a value. */
static int parse_value(const char *name, const char *value, struct mount_options *options)
{
    unsigned long number;
    int r;

    if (!strcmp(name, "row_limit"))
        return parse_bytes(value, &options->db.limits.row_bytes);
    if (!strcmp(name, "tx_limit"))
        return parse_bytes(value, &options->db.limits.tx_bytes);
    if (!strcmp(name, "scratch_limit"))
        return parse_bytes(value, &options->db.limits.scratch_bytes);
    if (!strcmp(name, "tx_timeout")) {
        r = parse_seconds(value, &options->fs.tx_idle_usec);
        options->fs.tx_idle_usec *= 1000000;
        return r;
    }
    if (!strcmp(name, "uid")) {
        r = parse_number(value, 10, UINT32_MAX - 1, &number);
        if (!r)
            options->fs.uid = (uid_t)number;
        return r;
    }
    if (!strcmp(name, "gid")) {
        r = parse_number(value, 10, UINT32_MAX - 1, &number);
        if (!r)
            options->fs.gid = (gid_t)number;
        return r;
    }
    if (!strcmp(name, "umask")) {
        r = parse_number(value, 8, 0777, &number);
        if (!r)
            options->fs.umask = (mode_t)number;
        return r;
    }
    return -ENOENT;
}

/* -ENOENT: not an option without a value. */
static int parse_flag(const char *name, struct mount_options *options)
{
    if (!strcmp(name, "ro")) {
        options->db.read_only = true;
        return pass_on(options, name);
    }
    if (!strcmp(name, "rw")) { /* the last of several says it, as for mount(8) */
        options->db.read_only = false;
        return pass_on(options, name);
    }
    if (!strcmp(name, "trust_close")) {
        options->fs.trust_close = true;
        return 0;
    }
    if (!strcmp(name, "nonempty")) {
        options->nonempty = true;
        return 0;
    }
    /* Always in effect: a mode that the kernel did not check would be one that is ignored. */
    if (!strcmp(name, "default_permissions") || !strcmp(name, "defaults"))
        return 0;
    return -ENOENT;
}

static int parse_option(char *option, struct mount_options *options, struct err *err)
{
    cleanup_free char *whole = strdup(option);
    char *value = strchr(option, '=');
    int r;

    if (!whole)
        return err_nomem(err);
    if (value)
        *value++ = '\0';
    r = value ? parse_value(option, value, options) : parse_flag(option, options);
    if (r == -ENOENT && is_kernel_option(option))
        r = pass_on(options, whole);
    if (r == -ENOENT)
        return err_set(err, -EINVAL, "unknown option: %s", option);
    if (r == -EINVAL)
        return err_set(err, -EINVAL, "option %s: %s is not a value for it", option,
                       value && *value ? value : "nothing");
    return r;
}

int options_parse_list(const char *list, struct mount_options *options, struct err *err)
{
    cleanup_free char *copy = strdup(list);
    char *rest = copy, *option;
    int r = copy ? 0 : err_nomem(err);

    while (!r && (option = strsep(&rest, ",")))
        if (*option)
            r = parse_option(option, options, err);
    return r;
}

void options_finish(struct mount_options *options)
{
    free(options->kernel);
}

static error_t parse_arg(int key, char *arg, struct argp_state *state)
{
    struct mount_options *options = state->input;
    struct err err = ERR_INIT;

    switch (key) {
    case 'f':
        options->foreground = true;
        return 0;
    case 'o':
        if (options_parse_list(arg, options, &err) < 0)
            argp_error(state, "%s", err.text);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            options->store = arg;
        else if (state->arg_num == 1)
            options->mountpoint = arg;
        else
            argp_error(state, "too many arguments: %s", arg);
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            argp_error(state, "STORE and MOUNTPOINT are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define OPTIONS_HELP                                                                               \
    "Options of -o, separated by commas:\n"                                                        \
    "  ro                   read only; writes nothing to the store\n"                              \
    "  allow_other          other users may use the mount, as far as the modes let them\n"         \
    "  default_permissions  modes are checked by the kernel; always so\n"                          \
    "  uid=N, gid=N         owner and group of everything (yours)\n"                               \
    "  umask=OCTAL          bits that modes do not have (your umask)\n"                            \
    "  row_limit=BYTES      longest row that can be written (16M)\n"                               \
    "  tx_limit=BYTES       most bytes of rows in one transaction or commit (64G)\n"                              \
    "  tx_timeout=TIME      a transaction that nobody uses for so long is aborted (1h; 0:\n"         \
    "                       never); in seconds, or with s, m, h or d\n"                             \
    "  scratch_limit=BYTES  all scratch files together (16G)\n"                                    \
    "  trust_close          let processes write whose end cannot be seen from here\n"              \
    "                       (another pid namespace, hidepid), their close is success\n"            \
    "  nonempty             mount over a directory that is not empty\n"                            \
    "and those of mount(8): defaults, rw, [no]suid, [no]dev, [no]exec, [a]sync,\n"                 \
    "dirsync, [no]atime. BYTES may end in K, M, G or T."

const char options_help[] = OPTIONS_HELP;

static const char doc[] =
    "Mounts the store in directory STORE on MOUNTPOINT and returns when it can be used. "
    "A STORE that is missing or empty is initialised; a directory with anything else in it "
    "is refused."
    "\v" OPTIONS_HELP;

void options_parse(int argc, char **argv, struct mount_options *ret_options)
{
    static const struct argp_option accepted[] = {
        {"foreground", 'f', NULL, 0, "Stay in the foreground and log to standard error", 0},
        {"options", 'o', "LIST", 0, "Mount options, see below", 0},
        {0}};
    static const struct argp argp = {accepted, parse_arg, "STORE MOUNTPOINT", doc, NULL, NULL,
                                     NULL};
    mode_t mask = umask(0);

    umask(mask);
    *ret_options = (struct mount_options){
        .db = {.limits = DB_LIMITS_DEFAULT, .before_wait = loop_pass_turn},
        .fs = {.uid = geteuid(), .gid = getegid(), .umask = mask, .tx_idle_usec = 3600ULL * 1000000},
    };
    argp_parse(&argp, argc, argv, 0, NULL, ret_options);
}
