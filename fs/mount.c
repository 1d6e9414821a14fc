/* SPDX-License-Identifier: MIT */
/* `rowfs mount`: a daemon that says when it is usable, and ends when it is told to. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "fs/commands.h"
#include "fs/kernel_mount.h"
#include "fs/loop.h"
#include "fs/options.h"
#include "fs/trace.h"

/* --- readiness ------------------------------------------------------------------ */

/*
 * The daemon tells the command that started it how it went: one byte 0 for
 * usable, or the sentence why not. (fuse_daemonize would tell before the mount works.)
 */
static void tell(int fd, const char *sentence)
{
    ssize_t n = sentence ? write(fd, sentence, strlen(sentence)) : write(fd, "", 1);

    (void)n; /* whoever waited is gone, and with it the need */
}

static int wait_until_told(int fd)
{
    char sentence[ERR_TEXT_BYTES + 1];
    size_t got = 0;
    ssize_t n;

    while (got < sizeof sentence - 1 &&
           ((n = read(fd, sentence + got, sizeof sentence - 1 - got)) > 0 ||
            (n < 0 && errno == EINTR)))
        got += n > 0 ? (size_t)n : 0;
    if (got && !sentence[0])
        return 0;
    sentence[got] = '\0';
    fprintf(stderr, "rowfs: %s\n", got ? sentence : "the daemon ended before the mount was usable");
    return 1;
}

/* --- the mount point --------------------------------------------------------------- */

static int check_empty(const char *path, struct err *err)
{
    struct dirent *entry;
    DIR *dir = opendir(path);
    int r = 0;

    if (!dir)
        return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
    while (!r && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            r = err_set(err, -ENOTEMPTY,
                        "%s is not empty, its files would be hidden (-o nonempty to do so)", path);
    closedir(dir);
    return r;
}

/* Whether one of two absolute paths is the other or lies in it. */
static bool overlap(const char *a, const char *b)
{
    size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    char after_a = a[n], after_b = b[n];

    return !strncmp(a, b, n) && (!after_a || after_a == '/') && (!after_b || after_b == '/');
}

static int check_mountpoint(const struct mount_options *options, char **ret_path, struct err *err)
{
    cleanup_free char *path = NULL, *store = NULL;
    struct statvfs vfs;
    struct stat st;
    int r = 0;

    /*
     * What a daemon that was killed has left behind answers nothing else any more. Attributes
     * the kernel may still remember; this it asks the daemon each time.
     */
    if (statvfs(options->mountpoint, &vfs) < 0 && errno == ENOTCONN)
        r = kernel_unmount(options->mountpoint, true, err);
    if (r < 0)
        return r;
    path = realpath(options->mountpoint, NULL);
    if (!path || stat(path, &st) < 0)
        return err_set(err, -errno, "%s: %s", options->mountpoint, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return err_set(err, -ENOTDIR, "%s is not a directory", path);
    store = realpath(options->store, NULL);
    if (store && overlap(store, path))
        return err_set(err, -EINVAL, "the store %s and the mount point %s lie in each other", store,
                       path);
    if (!options->nonempty && kernel_has_rowfs(path))
        return err_set(err, -EBUSY, "a rowfs is mounted on %s already", path);
    if (!options->nonempty)
        r = check_empty(path, err);
    if (!r)
        *ret_path = steal_pointer(path);
    return r;
}

/* --- the daemon ------------------------------------------------------------------------ */

struct readiness {
    int fd;
    bool foreground;
};

/* Called at the kernel's first request: from now on every other one is answered. */
static void usable(void *context)
{
    struct readiness *readiness = context;

    if (!readiness->foreground)
        dup2(STDOUT_FILENO, STDERR_FILENO); /* /dev/null */
    tell(readiness->fd, NULL);
    close(readiness->fd);
}

static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void block_signals(void)
{
    static const int blocked[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    sigset_t signals;

    sigemptyset(&signals);
    for (size_t i = 0; i < ARRAY_COUNT(blocked); i++)
        sigaddset(&signals, blocked[i]);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int new_session(struct fs *fs, const struct mount_options *options, struct err *err)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    cleanup_free char *list = NULL, *fsname = NULL;
    int r = asprintf(&fsname, "fsname=%s", fs->store_path);

    if (r >= 0)
        r = fuse_opt_add_opt(&list, "subtype=rowfs,default_permissions");
    if (r >= 0 && options->kernel)
        r = fuse_opt_add_opt(&list, options->kernel);
    if (r >= 0)
        r = fuse_opt_add_opt_escaped(&list, fsname); /* a path may hold commas */
    if (r < 0 || fuse_opt_add_arg(&args, "rowfs") < 0 || fuse_opt_add_arg(&args, "-o") < 0 ||
        fuse_opt_add_arg(&args, list) < 0) {
        fuse_opt_free_args(&args);
        return err_nomem(err);
    }
    fs->session = fuse_session_new(&args, &fs_ops, sizeof fs_ops, fs);
    fuse_opt_free_args(&args);
    return fs->session ? 0 : err_set(err, -EINVAL, "libfuse refuses these options");
}

/* Serves until the end. The file system is finished then, also on failure. */
static int serve(struct fs *fs, const char *mountpoint, struct readiness *readiness,
                 struct err *err)
{
    struct loop *loop;
    bool unmounted;
    int r;

    if (fuse_session_mount(fs->session, mountpoint) < 0) {
        fs_finish(fs, false);
        return err_set(err, -EIO, "cannot mount on %s", mountpoint);
    }
    fs->on_init = usable;
    fs->on_init_context = readiness;
    r = loop_start(fs, &loop);
    if (r < 0) {
        fs_finish(fs, false);
        fuse_session_unmount(fs->session);
        return err_set(err, r, "cannot start a thread");
    }
    loop_run(loop, &unmounted);
    /* First what was acknowledged or is being decided, then the mount. */
    fs_finish(fs, unmounted);
    fuse_session_unmount(fs->session);
    return 0;
}

static int run(const struct mount_options *options, struct readiness *readiness, struct err *err)
{
    cleanup_free char *mountpoint = NULL, *store = NULL;
    struct fs *fs = NULL;
    struct db *db = NULL;
    int r = check_mountpoint(options, &mountpoint, err);

    if (!r)
        r = db_open(options->store, &options->db, &db, err);
    if (r < 0)
        return r;
    /* So far nothing was to be ended in order, and a path that hangs could be interrupted. */
    block_signals();
    prctl(PR_SET_PDEATHSIG, 0);
    store = realpath(options->store, NULL);
    fs = calloc(1, sizeof *fs);
    if (!fs || fs_init(fs, db, &options->fs, store ? store : options->store) < 0)
        r = err_nomem(err);
    if (!r) {
        r = new_session(fs, options, err);
        if (r < 0)
            fs_finish(fs, false);
    }
    if (!r) {
        if (!options->foreground && chdir("/") < 0)
            trace_error("cannot leave the current directory");
        r = serve(fs, mountpoint, readiness, err);
    }
    if (fs && fs->session)
        fuse_session_destroy(fs->session);
    free(fs);
    db_close(db);
    return r;
}

/* Leaves the terminal and everything else of the shell that started it. */
static void detach(void)
{
    int null = open("/dev/null", O_RDWR);

    setsid();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    /* Standard error is needed until the mount is usable: libfuse and fusermount3 explain there. */
    if (null > STDERR_FILENO)
        close(null);
}

int command_mount(int argc, char **argv)
{
    struct readiness readiness;
    struct mount_options options;
    struct err err = ERR_INIT;
    int pipes[2], r;

    options_parse(argc, argv, &options);
    raise_limits();
    if (pipe2(pipes, O_CLOEXEC) < 0) {
        perror("rowfs: pipe");
        return 1;
    }
    readiness = (struct readiness){.fd = pipes[1], .foreground = options.foreground};
    if (!options.foreground) {
        pid_t child = fork();

        if (child < 0) {
            perror("rowfs: fork");
            return 1;
        }
        if (child > 0) {
            close(pipes[1]);
            options_finish(&options);
            return wait_until_told(pipes[0]);
        }
        close(pipes[0]);
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* until it is clear that there will be a mount */
        detach();
        trace_to_syslog();
    }
    r = run(&options, &readiness, &err);
    if (r < 0 && options.foreground)
        fprintf(stderr, "rowfs: %s\n", err.text);
    else if (r < 0)
        tell(pipes[1], err.text);
    options_finish(&options);
    return r < 0;
}
