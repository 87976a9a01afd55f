/* SPDX-License-Identifier: MIT */
/* The flows that belong together (all connections of one forward): counted, and ended as one. */
#ifndef HOSPES_FLOW_SET_H
#define HOSPES_FLOW_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A flow embeds one of these and is a member from flow_set_add to flow_set_remove. */
struct flow_member {
    struct flow_member *previous, *next;
    struct flow_set *set; /* NULL when not a member */
    /* End the flow at once (RST both ways). Asynchronous: the flow removes itself when its handles are
     * closed. */
    void (*abort)(struct flow_member *member, int status);
};

struct flow_set {
    struct flow_member *first; /* NULL when empty */
    size_t active;
    uint64_t total;     /* ever added */
    uint64_t bytes_in;  /* guest → host client, counted as delivered */
    uint64_t bytes_out; /* host client → guest */
    /* Once after flow_set_close, when the last member is gone: from within flow_set_close if there is none.
     */
    void (*on_empty)(void *ctx);
    void *ctx;
    bool closing;
};

void flow_set_init(struct flow_set *set);
void flow_set_add(struct flow_set *set, struct flow_member *member);
void flow_set_remove(struct flow_member *member); /* no-op when not a member */
/* Aborts every member, refuses to be reused, and calls on_empty(ctx) once when all are gone. */
void flow_set_close(struct flow_set *set, int status, void (*on_empty)(void *ctx), void *ctx);
/* As flow_set_close, but the members end by themselves; flow_set_abort_all still hurries them. */
void flow_set_drain(struct flow_set *set, void (*on_empty)(void *ctx), void *ctx);
/* Aborts every member; the set stays in use (a blocked forward, a lost link). */
void flow_set_abort_all(struct flow_set *set, int status);

#endif
