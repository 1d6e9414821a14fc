/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out on demand. Link with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc: what the core asks for itself
 * goes through here, what libraries ask for does not. Any thread may ask; one
 * sets the limit.
 */
#ifndef ROWFS_TESTS_LIB_NOMEM_H
#define ROWFS_TESTS_LIB_NOMEM_H

#include <stdbool.h>

/* Grants `granted` more requests and refuses all that follow. */
void nomem_after(unsigned granted);

/* Memory again without end. Returns whether a request was refused since nomem_after. */
bool nomem_end(void);

/* How many requests there have been since the program began. */
unsigned long nomem_requests(void);

#endif
