/* SPDX-License-Identifier: MIT */
/* Brings together what two runs of a transfer left. Blocks. */
#ifndef HOSPES_REUNION_H
#define HOSPES_REUNION_H

/* Moves what lies in folder `from` and has no counterpart in `to` there; both are names in `parent`. What has
 * one stays, and is the older of the two. Best effort: what can't be moved is only sent again. */
void reunion_move(int parent, const char *from, const char *to);

#endif
