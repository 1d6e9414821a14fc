/* SPDX-License-Identifier: MIT */
/* `rowfs unmount`: asks the kernel, then waits for the daemon. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "fs/commands.h"
#include "fs/kernel_mount.h"

#define INFO_SECONDS 10
#define END_MSEC     60000

static error_t parse_arg(int key, char *arg, struct argp_state *state)
{
    char **mountpoint = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "too many arguments: %s", arg);
        *mountpoint = arg;
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 1)
            argp_error(state, "MOUNTPOINT is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void on_alarm(int signal)
{
    (void)signal;
}

/* What the daemon says of itself; NULL when it does not answer. */
static json_t *read_info(const char *mountpoint)
{
    struct sigaction action = {.sa_handler = on_alarm};
    cleanup_free char *path = NULL;
    json_t *info;

    if (asprintf(&path, "%s/info", mountpoint) < 0)
        return NULL;
    sigaction(SIGALRM, &action, NULL);
    alarm(INFO_SECONDS);
    info = json_load_file(path, 0, NULL);
    alarm(0);
    return info;
}

static void print_busy(json_t *info)
{
    json_t *writers = json_object_get(info, "writers"), *writer;
    size_t i;

    if (json_array_size(writers))
        fprintf(stderr, "rowfs: files with unsaved rows are open in:");
    json_array_foreach (writers, i, writer)
        fprintf(stderr, " pid %d", (int)json_integer_value(json_object_get(writer, "pid")));
    if (json_array_size(writers))
        fprintf(stderr, "\n");
    else
        fprintf(stderr, "rowfs: nobody writes, but files or directories may be in use: fuser -vm "
                        "MOUNTPOINT tells by whom\n");
}

/* Until the daemon, which writes nothing more after that, is gone. */
static int wait_for_end(int pidfd, int pid)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};

    if (poll(&end, 1, END_MSEC) == 1)
        return 0;
    fprintf(stderr, "rowfs: unmounted, but the daemon (pid %d) is still busy\n", pid);
    return 1;
}

static int unmount(const char *mountpoint)
{
    json_t *info = read_info(mountpoint);
    int pid = (int)json_integer_value(json_object_get(info, "pid"));
    cleanup_fd int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    struct err err = ERR_INIT;
    int r = kernel_unmount(mountpoint, false, &err), status = 0;

    if (r < 0) {
        fprintf(stderr, "rowfs: %s\n", err.text);
        if (r == -EBUSY)
            print_busy(info);
        status = 1;
    } else if (pidfd >= 0) {
        status = wait_for_end(pidfd, pid);
    } else {
        fprintf(stderr, "rowfs: unmounted; its daemon did not answer and may have been dead\n");
    }
    json_decref(info);
    return status;
}

int command_unmount(int argc, char **argv)
{
    static const struct argp argp = {
        NULL,
        parse_arg,
        "MOUNTPOINT",
        "Unmounts, and returns when everything is written and the daemon is gone. Refused while "
        "files are open; the processes that write are named.",
        NULL,
        NULL,
        NULL};
    cleanup_free char *path = NULL;
    char *mountpoint = NULL;

    argp_parse(&argp, argc, argv, 0, NULL, &mountpoint);
    path = realpath(mountpoint, NULL);
    if (!path && errno == ENOTCONN)
        return unmount(mountpoint); /* its daemon is dead, but it can be unmounted */
    if (!path || !kernel_has_rowfs(path)) {
        fprintf(stderr, "rowfs: %s: %s\n", mountpoint,
                path ? "no rowfs is mounted there" : strerror(errno));
        return 1;
    }
    return unmount(path);
}
