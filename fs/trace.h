/* SPDX-License-Identifier: MIT */
/* What the daemon says: to standard error in the foreground, to syslog in the background. */
#ifndef ROWFS_FS_TRACE_H
#define ROWFS_FS_TRACE_H

void trace_to_syslog(void);
void trace_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void trace_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
