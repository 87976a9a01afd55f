/* SPDX-License-Identifier: MIT */
/* One or more messages of every kind, with every field set to something of its own. */
#ifndef HOSPES_SAMPLE_MESSAGES_H
#define HOSPES_SAMPLE_MESSAGES_H

#include "protocol/wire/message.h"

/* Makes sample number `index`; false beyond the last. Release it with message_finish. *ret_name is its file's
 * name without an ending. */
bool sample_message(size_t index, struct message *ret, const char **ret_name);

/* The sample of this name; false when there is none. */
bool sample_message_named(const char *name, struct message *ret);

/* The largest PORTS message that the limits allow. */
void sample_largest_ports(struct message *ret);

/* The largest MANIFEST that the limits allow, and more than a frame holds: every text as long as it can be.
 */
void sample_largest_manifest(struct message *ret);

/* The largest CHANGES that the limits allow. */
void sample_largest_changes(struct message *ret);

/* For the files that make samples. */
struct sample {
    const char *name;
    void (*make)(struct message *message); /* which is all zero */
};
extern const struct sample FILES_SAMPLES[];
extern const size_t FILES_SAMPLE_COUNT;
struct session_id sample_session(void);
void *sample_items(size_t count, size_t size); /* zeroed; aborts when there is no memory */

#endif
