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

/* The digits at the beginning of the text, and no sign or space before them. */
static int parse_digits(const char *text, int base, uint64_t *ret_value, const char **ret_rest)
{
    unsigned long long value;
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return -EINVAL;
    errno = 0;
    value = strtoull(text, &end, base);
    if (end == text || errno)
        return -EINVAL;
    *ret_value = value;
    *ret_rest = end;
    return 0;
}

static int parse_number(const char *text, int base, uint64_t max, uint64_t *ret_value)
{
    const char *rest;
    uint64_t value;

    if (parse_digits(text, base, &value, &rest) < 0 || *rest || value > max)
        return -EINVAL;
    *ret_value = value;
    return 0;
}

struct unit {
    char name; /* '\0' ends a list of units */
    uint64_t factor;
};

/* A number with one of the units or none, as what it makes: `max` at most. */
static int parse_with_unit(const char *text, const struct unit *units, uint64_t max,
                           uint64_t *ret_value)
{
    uint64_t value, factor = 1;
    const char *rest;

    if (parse_digits(text, 10, &value, &rest) < 0)
        return -EINVAL;
    if (*rest) {
        while (units->name && units->name != *rest)
            units++;
        if (!units->name || rest[1])
            return -EINVAL;
        factor = units->factor;
    }
    if (value > max / factor)
        return -EINVAL;
    *ret_value = value * factor;
    return 0;
}

/* "64M": a number of bytes, and not none. */
static int parse_bytes(const char *text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {'K', 1ULL << 10}, {'M', 1ULL << 20}, {'G', 1ULL << 30}, {'T', 1ULL << 40}, {0}};
    uint64_t bytes;

    if (parse_with_unit(text, units, INT64_MAX, &bytes) < 0 || !bytes)
        return -EINVAL;
    *ret_bytes = bytes;
    return 0;
}

/* "90s", "30m", "1h", "7d": a time in seconds unless it has a unit, of 136 years at most. */
static int parse_time(const char *text, uint64_t *ret_usec)
{
    static const struct unit units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {0}};
    uint64_t seconds;

    if (parse_with_unit(text, units, UINT32_MAX, &seconds) < 0)
        return -EINVAL;
    *ret_usec = seconds * 1000000;
    return 0;
}

/* Options of the kernel and of mount(8), passed on as they are. */
static bool is_kernel_option(const char *name)
{
    static const char *const names[] = {"allow_other", "suid",  "nosuid",  "dev",
                                        "nodev",       "exec",  "noexec",  "sync",
                                        "async",       "atime", "noatime", "dirsync"};

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

/* -ENOENT: not an option that has a value. */
static int parse_value(const char *name, const char *value, struct mount_options *options)
{
    uint64_t number;
    int r;

    if (!strcmp(name, "row_limit"))
        return parse_bytes(value, &options->db.limits.row_bytes);
    if (!strcmp(name, "tx_limit"))
        return parse_bytes(value, &options->db.limits.tx_bytes);
    if (!strcmp(name, "scratch_limit"))
        return parse_bytes(value, &options->db.limits.scratch_bytes);
    if (!strcmp(name, "tx_timeout"))
        return parse_time(value, &options->fs.tx_idle_usec);
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
    "  tx_limit=BYTES       most bytes of rows in one transaction or commit (64G)\n"               \
    "  tx_timeout=TIME      a transaction that nobody uses for so long is aborted (1h; 0:\n"       \
    "                       never); in seconds, or with s, m, h or d\n"                            \
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
    static const struct argp argp = {accepted, parse_arg, "STORE MOUNTPOINT", doc, NULL,
                                     NULL,     NULL};
    mode_t mask = umask(0);

    umask(mask);
    *ret_options = (struct mount_options){
        .db = {.limits = DB_LIMITS_DEFAULT, .before_wait = loop_pass_turn},
        .fs = {.uid = geteuid(),
               .gid = getegid(),
               .umask = mask,
               .tx_idle_usec = 3600ULL * 1000000},
    };
    argp_parse(&argp, argc, argv, 0, NULL, ret_options);
}
