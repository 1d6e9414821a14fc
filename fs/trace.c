/* SPDX-License-Identifier: MIT */
/* Diagnostics of the daemon. */
#include "fs/trace.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

static bool use_syslog;

void trace_to_syslog(void)
{
    openlog("rowfs", LOG_PID, LOG_DAEMON);
    use_syslog = true;
}

static void trace(int priority, const char *fmt, va_list args)
{
    char line[1024];

    vsnprintf(line, sizeof line, fmt, args);
    if (use_syslog)
        syslog(priority, "%s", line);
    else
        fprintf(stderr, "rowfs: %s\n", line);
}

void trace_note(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    trace(LOG_NOTICE, fmt, args);
    va_end(args);
}

void trace_error(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    trace(LOG_ERR, fmt, args);
    va_end(args);
}
