/* SPDX-License-Identifier: MIT */
/* Writes the fixed encodings of tests/vectors/wire: write_vectors DIRECTORY. */
#include "tests/unit/wire/sample_messages.h"

#include <stdio.h>
#include <stdlib.h>

static void write_vector(const char *directory, const char *name, struct span bytes)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.bin", directory, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.data, 1, bytes.size, file) != bytes.size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: write_vectors DIRECTORY\n");
        return 2;
    }
    struct message message;
    const char *name;
    for (size_t i = 0; sample_message(i, &message, &name); i++) {
        struct buffer bytes;
        buffer_init(&bytes, FRAME_MESSAGE_MAX);
        if (message_encode(&message, &bytes) < 0)
            return 1;
        write_vector(argv[1], name, buffer_span(&bytes));
        buffer_finish(&bytes);
        message_finish(&message);
    }
    return 0;
}
