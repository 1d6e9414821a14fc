/* SPDX-License-Identifier: MIT */
/* Reads what tests write as histories. */
#include "tests/history/written.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 64

static void give_up(const char *text)
{
    fprintf(stderr, "not a transaction: %s\n", text);
    abort();
}

static void set_times(struct history_txn *txn, const char *text)
{
    int n = sscanf(text, "%" SCNd64 "-%" SCNd64 "-%" SCNd64 "-%" SCNd64, &txn->start, &txn->begun,
                   &txn->committing, &txn->end);

    if (n == 2) {
        txn->end = txn->begun;
        txn->begun = 0;
    } else if (n != 1 && n != 4) {
        give_up(text);
    }
}

static bool set_word(struct history_txn *txn, const char *word)
{
    if (strcmp(word, "ok") == 0)
        txn->outcome = HISTORY_OK;
    else if (strcmp(word, "aborted") == 0)
        txn->outcome = HISTORY_ABORTED;
    else if (strcmp(word, "logged") == 0)
        txn->logged = HISTORY_LOGGED;
    else if (strcmp(word, "unlogged") == 0)
        txn->logged = HISTORY_NOT_LOGGED;
    else if (strcmp(word, "final") == 0)
        txn->final = true;
    else if (strcmp(word, "serializable") == 0)
        txn->isolation = HISTORY_SERIALIZABLE;
    else if (strcmp(word, "unknown") != 0 && sscanf(word, "v%" SCNd64, &txn->version) != 1 &&
             sscanf(word, "b%" SCNd64, &txn->base) != 1 && sscanf(word, "m%d", &txn->mount) != 1)
        return false;
    return true;
}

static void add_read(struct history_txn *txn, size_t key, char *text)
{
    int64_t values[VALUES_MAX], amount = 0;
    char *rest = NULL, *at = strchr(text, '@');
    size_t count = 0;

    if (at) {
        amount = strtoll(at + 1, NULL, 10);
        *at = '\0';
    }
    for (char *value = strtok_r(text, ",", &rest); value && count < VALUES_MAX;
         value = strtok_r(NULL, ",", &rest))
        values[count++] = strtoll(value, NULL, 10);
    history_read(txn, key, values, count, amount);
}

static void add_replace(struct history_txn *txn, size_t key, const char *text)
{
    int64_t previous, value, amount = 0;

    if (sscanf(text, "%" SCNd64 ">%" SCNd64 "@%" SCNd64, &previous, &value, &amount) < 2)
        give_up(text);
    history_replace(txn, key, value, previous, amount);
}

static void add_op(struct history *history, struct history_txn *txn, char *word)
{
    size_t bytes = strcspn(word, "+=:"), key;
    char kind = word[bytes];

    word[bytes] = '\0';
    if (!kind || !bytes)
        give_up(word);
    key = history_key(history, word);
    if (kind == '+')
        history_append(txn, key, strtoll(word + bytes + 1, NULL, 10));
    else if (kind == '=')
        add_read(txn, key, word + bytes + 1);
    else
        add_replace(txn, key, word + bytes + 1);
}

void written_add(struct history *history, const char *text)
{
    char *copy = strdup(text), *rest = NULL;
    char *id = copy ? strtok_r(copy, " ", &rest) : NULL;
    char *times = id ? strtok_r(NULL, " ", &rest) : NULL;
    struct history_txn *txn;

    if (!times)
        give_up(text);
    txn = history_add(history, 1, id, 0);
    set_times(txn, times);
    for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (!set_word(txn, word))
            add_op(history, txn, word);
    free(copy);
}
