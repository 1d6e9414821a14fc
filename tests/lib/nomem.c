/* SPDX-License-Identifier: MIT */
/* The allocator's functions, with a counter in front of them. */
#include "tests/lib/nomem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

static _Atomic bool limited, refused;
static _Atomic unsigned left;
static _Atomic unsigned long requests;

void nomem_after(unsigned granted)
{
    limited = true;
    refused = false;
    left = granted;
}

bool nomem_end(void)
{
    limited = false;
    return refused;
}

unsigned long nomem_requests(void)
{
    return requests;
}

static bool refuse(void)
{
    requests++;
    if (!limited)
        return false;
    if (left) {
        left--;
        return false;
    }
    refused = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t bytes)
{
    return refuse() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return refuse() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return refuse() ? NULL : __real_realloc(memory, bytes);
}
