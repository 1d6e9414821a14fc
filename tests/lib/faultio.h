/* SPDX-License-Identifier: MIT */
/*
 * Disks that fail on demand: takes the place of the system's calls (core/base/io.h)
 * and lets them all pass, except those that a rule is about. An fsync is counted
 * and succeeds, and that is all: no test here cuts the power, and the disk's time
 * would be most of theirs. Any thread may call them; installing and removing is
 * for when no other thread does I/O.
 */
#ifndef ROWFS_TESTS_LIB_FAULTIO_H
#define ROWFS_TESTS_LIB_FAULTIO_H

#include <stdbool.h>
#include <stddef.h>

enum faultio_call {
    FAULTIO_OPEN,
    FAULTIO_OPEN_UNNAMED, /* with O_TMPFILE */
    FAULTIO_READ,
    FAULTIO_WRITE,
    FAULTIO_TRUNCATE,
    FAULTIO_FSYNC,
    FAULTIO_FSYNC_DIR, /* of a directory */
    FAULTIO_LINK,
    FAULTIO_UNLINK,
    FAULTIO_MKDIR,
    FAULTIO_STAT_AT,
    FAULTIO_STAT_FD,
    FAULTIO_STATVFS,
    FAULTIO_ANY,
};

/* One letter for each of the calls above, as faultio_trace writes them. */
#define FAULTIO_LETTERS "otrwxfdlumasv"

enum faultio_how {
    FAULTIO_REFUSE, /* nothing happens, and errno says so */
    FAULTIO_LIE,    /* it happens, and errno says that it has not */
};

void faultio_install(void); /* no rules, counts at 0 */
void faultio_remove(void);  /* accepts that nothing is installed */

/* Of the calls of this kind from now on, passes `skip` and then fails `times`. */
void faultio_rule(enum faultio_call call, unsigned skip, unsigned times, enum faultio_how how,
                  int code);

/* Reads and writes transfer at most so many bytes a call; 0: as many as they like. */
void faultio_shorten(size_t bytes);

/* Forgets the rules; counts from 0 and traces from the beginning again. */
void faultio_reset(void);

unsigned faultio_count(enum faultio_call call);

/* Whether any rule has made a call fail since the last reset. */
bool faultio_struck(void);

/* The letters of the calls since the last reset, the first 255 of them; static. */
const char *faultio_trace(void);

/* Of the calls of this kind from now on, passes `skip` and stops one until faultio_let_go(). */
void faultio_hold(enum faultio_call call, unsigned skip);
void faultio_wait_held(void); /* until one has been stopped */
void faultio_let_go(void);
void faultio_hold_next(void); /* lets it go and stops the next one */

#endif
