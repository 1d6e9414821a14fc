/* SPDX-License-Identifier: MIT */
/* Looks at the calling process through /proc, in the order that cannot deadlock. */
#include "fs/caller.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/mem.h"

/* Flags of field 9 of /proc/<pid>/stat: include/linux/sched.h. */
#define PF_EXITING  0x00000004u
#define PF_SIGNALED 0x00000400u

#define STAT_FLAGS     9
#define STAT_EXIT_CODE 52

static ssize_t read_proc(pid_t tid, const char *file, char *buf, size_t bytes)
{
    char path[48];
    cleanup_fd int fd = -1;
    ssize_t n;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)tid, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, buf, bytes - 1);
    buf[n < 0 ? 0 : n] = '\0';
    return n;
}

/* A number of /proc/<tid>/status, which can be read at any time: 0 when there is none. */
static pid_t status_number(pid_t tid, const char *name)
{
    char status[1024], *line;

    if (read_proc(tid, "status", status, sizeof status) <= 0)
        return 0;
    line = strstr(status, name);
    return line ? (pid_t)atoi(line + strlen(name)) : 0;
}

pid_t caller_parent(pid_t process)
{
    return process > 0 ? status_number(process, "\nPPid:") : 0;
}

pid_t caller_process(pid_t tid)
{
    pid_t process;

    if (tid <= 0)
        return tid;
    /* The usual case is the process's first thread, and costs one call: tgkill sends nothing. */
    if (syscall(SYS_tgkill, tid, tid, 0) == 0 || errno == EPERM)
        return tid;
    process = status_number(tid, "\nTgid:");
    return process ? process : tid;
}

bool caller_is_visible(pid_t tid)
{
    char path[48];

    snprintf(path, sizeof path, "/proc/%d/statm", (int)tid);
    return tid > 0 && access(path, R_OK) == 0;
}

/* Field `n` of a stat line, counted from 1; the second is in parentheses and may hold anything. */
static unsigned long stat_field(const char *stat, int n)
{
    const char *p = strrchr(stat, ')');

    for (int i = 2; p && i < n; i++) {
        p = strchr(p, ' ');
        if (p)
            p++;
    }
    return p ? strtoul(p, NULL, 10) : 0;
}

static enum openfile_end explain(unsigned long exit_code, char *why, size_t why_bytes)
{
    unsigned signal = exit_code & 0x7f;

    if (!signal) {
        snprintf(why, why_bytes, "the process ended with exit status %lu", exit_code >> 8 & 0xff);
        return OPENFILE_FAILED;
    }
    snprintf(why, why_bytes, "the process was killed by signal %u (SIG%s)", signal,
             sigabbrev_np((int)signal) ? sigabbrev_np((int)signal) : "?");
    return OPENFILE_KILLED;
}

/* Whether descriptor `fd` of the process writes to inode `ino`. */
static bool descriptor_writes(pid_t tid, const char *fd, uint64_t ino)
{
    char file[40], info[512], *line;

    snprintf(file, sizeof file, "fdinfo/%.16s", fd);
    if (read_proc(tid, file, info, sizeof info) <= 0)
        return false;
    line = strstr(info, "flags:");
    if (!line || (strtol(line + 6, NULL, 8) & O_ACCMODE) == O_RDONLY)
        return false;
    line = strstr(info, "ino:"); /* since Linux 5.14; proc_pid_fdinfo(5) */
    return line && strtoull(line + 4, NULL, 10) == ino;
}

/*
 * Reads fdinfo/ and never fd/: readlink(2) there waits for the lock that a task in
 * execve holds while it waits for this FLUSH (seen: ksh, which sets O_CLOEXEC on what
 * `exec 3>>` opens, and then every ps). The descriptor that is being closed is not
 * in the table any more.
 */
static bool holds_another(pid_t tid, uint64_t ino)
{
    char path[48];
    struct dirent *entry;
    bool found = false;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)tid);
    dir = opendir(path);
    while (dir && !found && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            found = descriptor_writes(tid, entry->d_name, ino);
    if (dir)
        closedir(dir);
    return found;
}

enum openfile_end caller_end(pid_t tid, uint64_t ino, char *why, size_t why_bytes)
{
    char stat[2048];
    unsigned long exit_code, flags;

    if (tid <= 0)
        return OPENFILE_ALIVE; /* trust_close: nothing can be known */
    /*
     * First statm, which takes no lock: an execve that closes a descriptor of
     * ours waits for this FLUSH with a lock held that reading `stat` waits for.
     * Only a task whose memory is gone is past all that.
     */
    if (read_proc(tid, "statm", stat, sizeof stat) <= 0 || strncmp(stat, "0 ", 2))
        return ino && holds_another(tid, ino) ? OPENFILE_HOLDS : OPENFILE_ALIVE;
    if (read_proc(tid, "stat", stat, sizeof stat) <= 0)
        return OPENFILE_ALIVE;
    exit_code = stat_field(stat, STAT_EXIT_CODE);
    if (exit_code)
        return explain(exit_code, why, why_bytes);
    /*
     * 0 also where we may not see another user's exit code; the flags are always
     * shown, and then a signal is all that can be known.
     */
    flags = stat_field(stat, STAT_FLAGS);
    if (geteuid() == 0 || !(flags & PF_EXITING) || !(flags & PF_SIGNALED))
        return OPENFILE_ALIVE;
    snprintf(why, why_bytes, "the process was killed by a signal");
    return OPENFILE_KILLED;
}
