/* SPDX-License-Identifier: MIT */
/* A ring of owned byte strings with consecutive numbers. Who reads from where is the caller's business. */
#include "protocol/wire/event_log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CAPACITY_MIN 16

struct entry {
    uint8_t *bytes; /* NULL when size is 0 */
    size_t size;
};

struct event_log {
    uint64_t epoch;
    uint64_t next; /* number of the next event */
    size_t count_max;
    size_t bytes_max;
    size_t bytes; /* kept now */
    struct entry *ring;
    size_t capacity; /* grows up to count_max */
    size_t first;    /* place of the oldest */
    size_t count;
};

struct event_log *event_log_create(uint64_t epoch, uint64_t first_sequence, size_t count_max,
                                   size_t bytes_max)
{
    assert(first_sequence > 0 && count_max > 0);
    struct event_log *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return NULL;
    log->epoch = epoch;
    log->next = first_sequence;
    log->count_max = count_max;
    log->bytes_max = bytes_max;
    return log;
}

static void drop_oldest(struct event_log *log)
{
    struct entry *entry = &log->ring[log->first];
    log->bytes -= entry->size;
    free(entry->bytes);
    *entry = (struct entry){NULL, 0};
    log->first = (log->first + 1) % log->capacity;
    log->count--;
}

void event_log_destroy(struct event_log *log)
{
    if (log == NULL)
        return;
    while (log->count > 0)
        drop_oldest(log);
    free(log->ring);
    free(log);
}

uint64_t event_log_epoch(const struct event_log *log)
{
    return log->epoch;
}

uint64_t event_log_last(const struct event_log *log)
{
    return log->next - 1;
}

uint64_t event_log_next(const struct event_log *log)
{
    return log->next;
}

uint64_t event_log_oldest(const struct event_log *log)
{
    return log->next - log->count;
}

/* Doubles the ring, up to count_max; false when out of memory. */
static bool grow(struct event_log *log)
{
    size_t capacity = log->capacity == 0 ? CAPACITY_MIN : log->capacity * 2;
    if (capacity > log->count_max)
        capacity = log->count_max;
    struct entry *ring = calloc(capacity, sizeof(*ring));
    if (ring == NULL)
        return false;
    for (size_t i = 0; i < log->count; i++)
        ring[i] = log->ring[(log->first + i) % log->capacity];
    free(log->ring);
    log->ring = ring;
    log->capacity = capacity;
    log->first = 0;
    return true;
}

int event_log_append(struct event_log *log, struct span bytes, uint64_t *ret_sequence)
{
    uint8_t *copy = NULL;
    if (bytes.size > 0) {
        copy = malloc(bytes.size);
        if (copy == NULL)
            return UV_ENOMEM;
        memcpy(copy, bytes.data, bytes.size);
    }
    if (log->count == log->capacity && log->capacity < log->count_max && !grow(log)) {
        free(copy);
        return UV_ENOMEM;
    }
    while (log->count > 0 && (log->count == log->count_max || log->bytes + bytes.size > log->bytes_max))
        drop_oldest(log);
    log->ring[(log->first + log->count) % log->capacity] = (struct entry){copy, bytes.size};
    log->count++;
    log->bytes += bytes.size;
    if (ret_sequence != NULL)
        *ret_sequence = log->next;
    log->next++;
    return 0;
}

bool event_log_reaches(const struct event_log *log, struct event_cursor cursor)
{
    if (cursor.epoch != log->epoch || cursor.sequence > event_log_last(log))
        return false;
    return cursor.sequence + 1 >= event_log_oldest(log);
}

bool event_log_get(const struct event_log *log, uint64_t sequence, struct span *ret_bytes)
{
    uint64_t oldest = event_log_oldest(log);
    if (sequence < oldest || sequence >= log->next)
        return false;
    const struct entry *entry = &log->ring[(log->first + (size_t)(sequence - oldest)) % log->capacity];
    *ret_bytes = span_of(entry->bytes, entry->size);
    return true;
}
