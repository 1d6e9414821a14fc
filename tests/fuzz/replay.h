/* SPDX-License-Identifier: MIT */
/*
 * With -DFUZZ_REPLAY a fuzz target is a plain program: it runs the files that
 * its command line names. Included once, by the target.
 */
#ifndef ROWFS_TESTS_FUZZ_REPLAY_H
#define ROWFS_TESTS_FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#ifdef FUZZ_REPLAY
#include <stdio.h>
#include <stdlib.h>

/* Exactly as large as its content, so that a sanitizer sees a read behind it. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    long bytes = -1;
    int r = -1;

    if (file && !fseek(file, 0, SEEK_END))
        bytes = ftell(file);
    if (bytes >= 0)
        data = malloc(bytes ? (size_t)bytes : 1);
    if (data && !fseek(file, 0, SEEK_SET) && fread(data, 1, (size_t)bytes, file) == (size_t)bytes)
        r = LLVMFuzzerTestOneInput(data, (size_t)bytes);
    else
        perror(path);
    free(data);
    if (file)
        fclose(file);
    return r;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++)
        failed |= replay_file(argv[i]) < 0;
    return failed;
}
#endif

#endif
