/* SPDX-License-Identifier: MIT */
/*
 * MB/s of the row checker and of jansson on the same rows, and their ratio.
 * Usage: bench_rowcheck [seconds for each figure, default 1]
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/rowcheck.h"

#define ROWS_BYTES   (4u << 20)
#define ROW_MAX      (64u << 10)
#define SHORT_ROW    112
#define PASSES_LEAST 3

struct rows {
    char *text;
    size_t bytes; /* of all rows, each with its line feed */
};

typedef int row_writer(char *row); /* returns the bytes written, at most ROW_MAX */
typedef bool rows_reader(const struct rows *rows, void *context);

static uint64_t random_state;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((random_state >> 33) % limit);
}

static void write_word(char *out, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (char)('a' + random_below(26));
}

/* Six members, of a length that varies but in the last, which fills the row up. */
static int write_short_row(char *row)
{
    static const char *words[] = {"true", "false", "null"};
    char user[12];
    int users = 3 + (int)random_below(9), n;

    write_word(user, users);
    n = sprintf(row,
                "{\"id\":%u,\"at\":\"2024-%02u-%02uT%02u:%02u:00Z\",\"user\":\"%.*s\","
                "\"price\":%u.%02u,\"paid\":%s,\"note\":\"",
                random_below(1u << (8 + random_below(23))), 1 + random_below(12),
                1 + random_below(28), random_below(24), random_below(60), users, user,
                random_below(2000), random_below(100), words[random_below(3)]);
    write_word(row + n, SHORT_ROW - 2 - n);
    memcpy(row + SHORT_ROW - 2, "\"}", 2);
    return SHORT_ROW;
}

static int write_spaced_row(char *row)
{
    char user[12];
    int users = 3 + (int)random_below(9);

    write_word(user, users);
    return sprintf(row,
                   "{\"id\": %u, \"user\": \"%.*s\", \"tags\": [%u, %u], "
                   "\"at\": {\"x\": -%u.%u, \"y\": %ue-3}, \"ok\": true}",
                   random_below(1000000), users, user, random_below(100), random_below(100),
                   random_below(180), random_below(1000), random_below(10000));
}

static int write_wide_row(char *row)
{
    int n = 0;

    for (unsigned i = 0; i < 40; i++)
        n += sprintf(row + n, "%c\"column_%u\":%u", i ? ',' : '{', i, random_below(100000));
    row[n] = '}';
    return n + 1;
}

static int write_long_row(char *row)
{
    int n = sprintf(row, "{\"id\":%u,\"text\":\"", random_below(1000000));
    int bytes = 4000 + (int)random_below(8000);

    write_word(row + n, bytes);
    return n + bytes + sprintf(row + n + bytes, "\"}");
}

static int write_escaped_row(char *row)
{
    int n = sprintf(row, "{\"id\":%u,\"text\":\"", random_below(1000000));

    for (unsigned lines = 1 + random_below(6); lines; lines--) {
        int bytes = 5 + (int)random_below(40);

        write_word(row + n, bytes);
        n += bytes + sprintf(row + n + bytes, "\\n\\\"\\u00e9");
    }
    return n + sprintf(row + n, "\"}");
}

static int write_unicode_row(char *row)
{
    static const char *words[] = {"прошивка", "привет", "学生証明書", "früh", "señal", "🚀", "ok"};
    int n = sprintf(row, "{\"ид\":%u,\"текст\":\"", random_below(1000000));

    for (unsigned count = 5 + random_below(10); count; count--)
        n += sprintf(row + n, "%s ", words[random_below(7)]);
    return n + sprintf(row + n, "\"}");
}

static struct rows make_rows(row_writer *write)
{
    struct rows rows = {.text = malloc(ROWS_BYTES + ROW_MAX)};

    if (!rows.text)
        abort();
    random_state = 1;
    while (rows.bytes < ROWS_BYTES) {
        rows.bytes += (size_t)write(rows.text + rows.bytes);
        rows.text[rows.bytes++] = '\n';
    }
    return rows;
}

static bool read_with_rowcheck(const struct rows *rows, void *context)
{
    const char *row = rows->text, *end = row + rows->bytes;

    while (row < end) {
        const char *feed = memchr(row, '\n', (size_t)(end - row));

        if (rowcheck_line(context, row, (size_t)(feed - row), NULL) < 0)
            return false;
        row = feed + 1;
    }
    return true;
}

static bool read_with_jansson(const struct rows *rows, void *context)
{
    const char *row = rows->text, *end = row + rows->bytes;

    (void)context;
    while (row < end) {
        const char *feed = memchr(row, '\n', (size_t)(end - row));
        json_t *value = json_loadb(row, (size_t)(feed - row), JSON_REJECT_DUPLICATES, NULL);

        if (!value)
            return false;
        json_decref(value);
        row = feed + 1;
    }
    return true;
}

static double now_sec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The best pass counts: the others lost time to something else on the machine. */
static double measure(rows_reader *read, const struct rows *rows, void *context, double seconds)
{
    double start = now_sec(), best = 0, took;

    for (int pass = 0; pass < PASSES_LEAST || now_sec() - start < seconds; pass++) {
        double before = now_sec();

        if (!read(rows, context))
            abort();
        took = now_sec() - before;
        if (best == 0 || took < best)
            best = took;
    }
    return (double)rows->bytes / best / 1e6;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        row_writer *write;
    } kinds[] = {
        {"112 bytes, 6 members", write_short_row},
        {"spaced, nested", write_spaced_row},
        {"40 members", write_wide_row},
        {"strings of 8 KB", write_long_row},
        {"escapes", write_escaped_row},
        {"unicode", write_unicode_row},
    };
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    struct rowcheck *check;

    if (rowcheck_create(&check) < 0)
        return 1;
    printf("%-22s %10s %10s %7s\n", "MB/s", "rowcheck", "jansson", "ratio");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct rows rows = make_rows(kinds[i].write);
        double ours = measure(read_with_rowcheck, &rows, check, seconds);
        double theirs = measure(read_with_jansson, &rows, NULL, seconds);

        printf("%-22s %10.0f %10.0f %6.1fx\n", kinds[i].name, ours, theirs, ours / theirs);
        free(rows.text);
    }
    rowcheck_destroy(check);
    return 0;
}
