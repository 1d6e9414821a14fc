/* SPDX-License-Identifier: MIT */
/* Scope-bound ownership: what a function still holds when it returns is released. */
#ifndef ROWFS_BASE_MEM_H
#define ROWFS_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(fn) __attribute__((cleanup(fn)))

/* Defines `fn##_p` for `cleanup(fn##_p)`: calls fn on a pointer variable unless it is NULL. */
#define CLEANUP_POINTER(type, fn)                                                                  \
    static inline void fn##_p(type **p)                                                            \
    {                                                                                              \
        if (*p)                                                                                    \
            fn(*p);                                                                                \
    }

static inline void mem_free_p(void *p)
{
    free(*(void **)p);
}

static inline void mem_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define cleanup_free cleanup(mem_free_p)
#define cleanup_fd   cleanup(mem_close_fd)

/* Hands a pointer or descriptor over: the variable no longer owns it. */
#define steal_pointer(p)                                                                           \
    ({                                                                                             \
        __typeof__(p) stolen_ = (p);                                                               \
        (p) = NULL;                                                                                \
        stolen_;                                                                                   \
    })

static inline int steal_fd(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
