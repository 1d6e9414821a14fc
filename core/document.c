/* SPDX-License-Identifier: MIT */
/* Where a JSON object ends. */
#include "core/document.h"

#include <errno.h>

void document_finish(struct document *document)
{
    buf_finish(&document->text);
    *document = (struct document){0};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void step_in_string(struct document *document, char c)
{
    if (document->escaped)
        document->escaped = false;
    else if (c == '\\')
        document->escaped = true;
    else if (c == '"')
        document->in_string = false;
}

/* One byte of the object. */
static void step(struct document *document, char c)
{
    if (document->in_string)
        step_in_string(document, c);
    else if (c == '"')
        document->in_string = true;
    else if (c == '{' || c == '[')
        document->depth++;
    else if ((c == '}' || c == ']') && --document->depth == 0)
        document->complete = true;
}

static int step_all(struct document *document, const char *data, size_t bytes, struct err *err)
{
    for (size_t i = 0; i < bytes; i++) {
        bool outside = document->complete || !document->depth;

        if (outside && is_space(data[i]))
            continue;
        if (document->complete)
            return err_set(err, -EINVAL,
                           "something follows the JSON object: one is written at a time");
        if (outside && data[i] != '{')
            return err_set(err, -EINVAL, "a JSON object is expected, it begins with '{'");
        step(document, data[i]);
    }
    return 0;
}

int document_write(struct document *document, const char *data, size_t bytes, size_t limit,
                   struct err *err)
{
    struct document next = *document; /* in its place when all is well */
    int r;

    if (bytes > limit || document->text.bytes > limit - bytes)
        return err_set(err, -EFBIG, "it is longer than %zu bytes", limit);
    r = step_all(&next, data, bytes, err);
    if (r < 0)
        return r;
    if (buf_append(&document->text, data, bytes) < 0)
        return err_nomem(err);
    r = next.complete && !document->complete;
    next.text = document->text;
    *document = next;
    return r;
}

int document_check_end(const struct document *document, struct err *err)
{
    if (document->complete || !document->depth)
        return 0;
    return err_set(err, -EINVAL, "the JSON object is unfinished");
}
