/* SPDX-License-Identifier: MIT */
/* Names of tables: anything that can be printed without harm. */
#include "core/name.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static int is_control(const unsigned char *p)
{
    return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
}

int name_check(const char *name, struct err *err)
{
    json_t *text;

    if (strlen(name) > NAME_MAX_BYTES)
        return err_set(err, -ENAMETOOLONG, "a table's name has at most %d bytes", NAME_MAX_BYTES);
    if (!name[0] || !strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/'))
        return err_set(err, -EINVAL, "a table cannot be called so");
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        if (is_control(p))
            return err_set(err, -EINVAL, "a table's name has no control characters");
    text = json_string(name);
    if (!text)
        return err_set(err, -EINVAL, "a table's name must be valid UTF-8");
    json_decref(text);
    return 0;
}
