/* SPDX-License-Identifier: MIT */
/* Random identifiers (RFC 9562, version 4): tables, objects, transactions, nonces, stores. */
#ifndef ROWFS_BASE_UUID_H
#define ROWFS_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT_BYTES 36 /* without the terminating NUL */

struct uuid {
    uint8_t bytes[16];
};

/* Never fails: without the kernel's random numbers nothing here is safe, so it aborts. */
struct uuid uuid_random(void);

/* <0, 0, >0 by bytes. */
int uuid_compare(struct uuid a, struct uuid b);
static inline bool uuid_equal(struct uuid a, struct uuid b)
{
    return uuid_compare(a, b) == 0;
}

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", lower case. */
void uuid_to_text(struct uuid uuid, char ret_text[UUID_TEXT_BYTES + 1]);

/* The text must be exactly that form. Errors: -EINVAL. */
int uuid_from_text(const char *text, struct uuid *ret_uuid);

#endif
