/* SPDX-License-Identifier: MIT */
/* A bounded memory of refusals, by user. */
#include "fs/refusals.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/timefmt.h"

void refusals_init(struct refusals *refusals)
{
    memset(refusals, 0, sizeof *refusals);
    pthread_mutex_init(&refusals->lock, NULL);
}

static void forget(struct refusals_user *user)
{
    for (size_t i = 0; i < REFUSALS_KEPT; i++)
        free(user->lines[i]);
    *user = (struct refusals_user){0};
}

void refusals_finish(struct refusals *refusals)
{
    for (size_t i = 0; i < REFUSALS_USERS; i++)
        forget(&refusals->users[i]);
    pthread_mutex_destroy(&refusals->lock);
}

static struct refusals_user *find(struct refusals *refusals, uid_t uid)
{
    for (size_t i = 0; i < REFUSALS_USERS; i++)
        if (refusals->users[i].used && refusals->users[i].uid == uid)
            return &refusals->users[i];
    return NULL;
}

static struct refusals_user *find_or_replace(struct refusals *refusals, uid_t uid)
{
    struct refusals_user *user = find(refusals, uid);

    if (user)
        return user;
    user = &refusals->users[0];
    for (size_t i = 1; i < REFUSALS_USERS; i++)
        if (refusals->users[i].used < user->used)
            user = &refusals->users[i];
    forget(user);
    user->uid = uid;
    return user;
}

static char *print(int64_t now, pid_t pid, const char *path, int code, const struct err *err)
{
    char time[TIMEFMT_BYTES + 1];
    json_t *line;
    char *text;

    time_to_text(now, time);
    line = json_pack("{ss si ss ss ss}", "time", time, "pid", (int)pid, "path", path, "errno",
                     err_name(code), "reason", err->text);
    if (!line) /* the path is not UTF-8 */
        line = json_pack("{ss si ss ss ss}", "time", time, "pid", (int)pid, "path", "?", "errno",
                         err_name(code), "reason", err->text);
    if (line && err->line)
        json_object_set_new(line, "line", json_integer((json_int_t)err->line));
    /* ASCII only, so that nothing in it can speak to a terminal. */
    text = line ? json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII) : NULL;
    json_decref(line);
    return text;
}

char *refusals_add(struct refusals *refusals, uid_t uid, pid_t pid, const char *path, int code,
                   const struct err *err)
{
    int64_t now = time_now_usec();
    char *line = print(now, pid, path, code, err), *copy = line ? strdup(line) : NULL;
    struct refusals_user *user;
    char **slot;

    if (!copy)
        return line;
    pthread_mutex_lock(&refusals->lock);
    user = find_or_replace(refusals, uid);
    user->used = ++refusals->clock;
    user->time_usec = now;
    slot = &user->lines[user->count++ % REFUSALS_KEPT];
    free(*slot);
    *slot = copy;
    pthread_mutex_unlock(&refusals->lock);
    return line;
}

int refusals_print(struct refusals *refusals, uid_t uid, struct buf *buf, int64_t *ret_time_usec)
{
    const struct refusals_user *user;
    int r = 0;

    pthread_mutex_lock(&refusals->lock);
    user = find(refusals, uid);
    *ret_time_usec = user ? user->time_usec : 0;
    for (uint64_t i = 0; user && i < REFUSALS_KEPT && !r; i++) {
        const char *line = user->lines[(user->count + i) % REFUSALS_KEPT];

        if (line)
            r = buf_printf(buf, "%s\n", line);
    }
    pthread_mutex_unlock(&refusals->lock);
    return r;
}
