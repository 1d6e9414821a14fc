/* SPDX-License-Identifier: MIT */
/* rowfs COMMAND ARGUMENTS, or rowfs STORE MOUNTPOINT for mount(8). */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "fs/commands.h"
#include "fs/options.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *summary;
} commands[] = {
    {"mount", command_mount, "mount STORE MOUNTPOINT [-f] [-o OPTIONS]",
     "mount a store; returns when it can be used"},
    {"unmount", command_unmount, "unmount MOUNTPOINT",
     "unmount; returns when everything is written and the daemon is gone"},
    {"check", command_check, "check STORE", "read a whole store and say what is wrong with it"},
};

static void print_help(FILE *to)
{
    fprintf(to, "rowfs makes a small ACID database out of a directory, with the shell as its "
                "client.\n\n");
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        fprintf(to, "  rowfs %s\n      %s\n", commands[i].usage, commands[i].summary);
    fprintf(to,
            "  rowfs STORE MOUNTPOINT [-o OPTIONS]\n      the same as mount, for mount(8) and "
            "fstab\n\n%s\n\n"
            "See also rowfs(1), and README in the mount.\n",
            options_help);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    argp_program_version = rowfs_version;
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_help(stdout);
        return 0;
    }
    if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
        puts(rowfs_version);
        return 0;
    }
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (!strcmp(name, commands[i].name)) {
            char program[64];

            snprintf(program, sizeof program, "rowfs %s", name);
            argv[1] = program;
            return commands[i].run(argc - 1, argv + 1);
        }
    if (argc < 3 && name[0] != '-') {
        fprintf(stderr, "rowfs: unknown command: %s\n", name);
        print_help(stderr);
        return 2;
    }
    return command_mount(argc, argv);
}
