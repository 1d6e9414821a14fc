/* SPDX-License-Identifier: MIT */
/* The commands of the program; each returns its exit status. */
#ifndef ROWFS_FS_COMMANDS_H
#define ROWFS_FS_COMMANDS_H

int command_mount(int argc, char **argv);
int command_unmount(int argc, char **argv);
int command_check(int argc, char **argv);

#endif
