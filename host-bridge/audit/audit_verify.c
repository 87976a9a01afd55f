/* SPDX-License-Identifier: MIT */
/* Cuts files into lines for audit_chain.c. */
#include "host-bridge/audit/audit_verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define BLOCK_SIZE (256 * 1024) /* several lines of any length that the chain knows */

void audit_verify_init(struct audit_verify *verify, bool from_first)
{
    *verify = (struct audit_verify){0};
    audit_chain_init(&verify->chain, from_first);
}

static void take_line(struct audit_verify *verify, uint64_t *line, const char *text, size_t size)
{
    struct audit_place place = {verify->files, ++*line};
    verify->finding = audit_chain_line(&verify->chain, place, span_of(text, size));
}

/* The whole lines of the block; returns the bytes used. A block full of one line is such a line. */
static size_t take_block(struct audit_verify *verify, uint64_t *line, const char *block, size_t size,
                         bool last)
{
    size_t used = 0;
    while (used < size && verify->finding.what == AUDIT_INTACT) {
        const char *newline = memchr(block + used, '\n', size - used);
        if (newline == NULL && !last && size - used < BLOCK_SIZE)
            break;
        size_t length = newline == NULL ? size - used : (size_t)(newline - block) - used;
        take_line(verify, line, block + used, length);
        used += length + (newline != NULL);
    }
    return used;
}

int audit_verify_file(struct audit_verify *verify, int fd, uint64_t size)
{
    char *block = malloc(BLOCK_SIZE);
    if (block == NULL)
        return UV_ENOMEM;
    uint64_t line = 0, offset = 0;
    size_t held = 0;
    int status = 0;
    bool last = false;
    while (!last && verify->finding.what == AUDIT_INTACT) {
        size_t wanted = BLOCK_SIZE - held;
        if (wanted > size - offset)
            wanted = (size_t)(size - offset);
        ssize_t got = pread(fd, block + held, wanted, (off_t)offset);
        if (got < 0) {
            status = uv_translate_sys_error(errno);
            break;
        }
        offset += (uint64_t)got;
        held += (size_t)got;
        last = got == 0 || offset == size;
        size_t used = take_block(verify, &line, block, held, last);
        held -= used;
        memmove(block, block + used, held);
    }
    free(block);
    verify->files++;
    return status;
}

void audit_verify_end(struct audit_verify *verify, const struct audit_hash *head)
{
    if (verify->finding.what == AUDIT_INTACT)
        verify->finding = audit_chain_end(&verify->chain, head);
}
