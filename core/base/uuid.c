/* SPDX-License-Identifier: MIT */
/* Random identifiers and their one spelling. */
#include "core/base/uuid.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/hex.h"

struct uuid uuid_random(void)
{
    struct uuid uuid;
    ssize_t n;

    do
        n = getrandom(uuid.bytes, sizeof uuid.bytes, 0);
    while (n < 0 && errno == EINTR);
    if (n != sizeof uuid.bytes)
        abort();
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

int uuid_compare(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

/* A dash stands before bytes 4, 6, 8 and 10. */
static bool dash_before(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void uuid_to_text(struct uuid uuid, char ret_text[UUID_TEXT_BYTES + 1])
{
    char *p = ret_text;

    for (size_t i = 0; i < sizeof uuid.bytes; i++) {
        if (dash_before(i))
            *p++ = '-';
        snprintf(p, 3, "%02x", uuid.bytes[i]);
        p += 2;
    }
}

int uuid_from_text(const char *text, struct uuid *ret_uuid)
{
    struct uuid uuid;

    if (strlen(text) != UUID_TEXT_BYTES)
        return -EINVAL;
    for (size_t i = 0; i < sizeof uuid.bytes; i++) {
        uint64_t byte;

        if (dash_before(i) && *text++ != '-')
            return -EINVAL;
        if (hex_to_u64(text, 2, &byte) < 0)
            return -EINVAL;
        uuid.bytes[i] = (uint8_t)byte;
        text += 2;
    }
    *ret_uuid = uuid;
    return 0;
}
