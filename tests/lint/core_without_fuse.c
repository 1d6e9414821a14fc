/* SPDX-License-Identifier: MIT */
/* Links all of core and nothing of libfuse: the linker is the test. */
#include <stdio.h>

#include "core/db.h"
#include "core/openfile.h"
#include "core/scratch.h"

int main(void)
{
    const void *needed[] = {db_open, openfile_release, scratch_commit};

    printf("core links without libfuse (%zu roots)\n", sizeof needed / sizeof needed[0]);
    return 0;
}
