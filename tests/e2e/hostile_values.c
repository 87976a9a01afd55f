/* SPDX-License-Identifier: MIT */
/* Single values: msgpack by hand, the nastiest that a field allows, and such as hardly any field does. */
#include "tests/e2e/hostile_values.h"

#include <assert.h>
#include <string.h>

uint64_t hostile_random_next(struct hostile_random *random)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return random->state;
}

uint32_t hostile_random_below(struct hostile_random *random, uint32_t bound)
{
    return (uint32_t)((hostile_random_next(random) >> 32) % bound);
}

void writer_put(struct writer *writer, const void *data, size_t size)
{
    assert(size <= PAYLOAD_MAX - writer->size);
    memcpy(writer->bytes + writer->size, data, size);
    writer->size += size;
}

void writer_start(struct writer *writer, struct hostile_random *random)
{
    writer->random = random;
    writer->size = 0;
    writer->values_left = -1;
}

void writer_put_head(struct writer *writer, uint8_t form, uint64_t value, size_t size)
{
    uint8_t bytes[9] = {form};
    for (size_t i = 0; i < size; i++)
        bytes[1 + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    writer_put(writer, bytes, 1 + size);
}

void writer_put_number(struct writer *writer, uint64_t value)
{
    writer_put_head(writer, 0xcf, value, 8);
}

void writer_put_text(struct writer *writer, const char *text)
{
    writer_put_head(writer, 0xda, strlen(text), 2);
    writer_put(writer, text, strlen(text));
}

void writer_put_random_bytes(struct writer *writer, size_t size)
{
    writer_put_head(writer, 0xc5, size, 2);
    for (size_t i = 0; i < size; i++)
        writer_put(writer, &(uint8_t){(uint8_t)hostile_random_next(writer->random)}, 1);
}

void writer_put_nasty_text(struct writer *writer, size_t max)
{
    static const char *const TEXTS[] = {
        "\033]0;owned\007\033[31m",
        "\xc2\x9b"
        "2J\xe2\x80\xae"
        "txt.exe",
        "a\r\nX-Owned: yes\r\n\r\n<script>alert(1)</script>",
        "../../../../../../tmp/hospes-owned",
        "$(touch /tmp/hospes-owned)`touch /tmp/hospes-owned`",
        "'; DROP TABLE vms; --",
        "\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\177",
        "%s%s%s%n%n%n",
        "{\"name\":\"owned\"}\n{\"name\":\"owned\"}",
        "data: owned\n\nevent: vm.connected\ndata: {}\n\n",
        "\xf0\x9f\x92\xa9\xf3\xa0\x81\x81",
        "",
    };
    char longest[256];
    const char *text = TEXTS[hostile_random_below(writer->random, sizeof(TEXTS) / sizeof(TEXTS[0]))];
    if (strlen(text) > max || hostile_random_below(writer->random, 8) == 0) {
        assert(max < sizeof(longest));
        memset(longest, "A\033\n "[hostile_random_below(writer->random, 4)], max);
        longest[max] = '\0';
        text = longest;
    }
    writer_put_text(writer, text);
}

void writer_put_address(struct writer *writer)
{
    static const uint8_t LOOPBACK[16] = {127, 0, 0, 1}, ANY[16] = {0};
    bool six = hostile_random_below(writer->random, 4) == 0;
    if (hostile_random_below(writer->random, 8) == 0) {
        writer_put_random_bytes(writer, six ? 16 : 4);
        return;
    }
    writer_put_head(writer, 0xc4, six ? 16 : 4, 1);
    writer_put(writer, six || hostile_random_below(writer->random, 2) == 0 ? ANY : LOOPBACK, six ? 16 : 4);
}

void writer_put_wrong_value(struct writer *writer)
{
    static const uint8_t NAN_BYTES[9] = {0xcb, 0x7f, 0xf8};
    static const uint8_t INFINITY_BYTES[9] = {0xcb, 0xff, 0xf0};
    switch (hostile_random_below(writer->random, 12)) {
    case 0:
        writer_put_number(writer, 70000);
        break;
    case 1:
        writer_put_head(writer, 0xd3, UINT64_MAX, 8); /* -1 */
        break;
    case 2:
        writer_put_number(writer, UINT64_MAX);
        break;
    case 3:
        writer_put(writer, NAN_BYTES, sizeof(NAN_BYTES));
        break;
    case 4:
        writer_put(writer, INFINITY_BYTES, sizeof(INFINITY_BYTES));
        break;
    case 5:
        writer_put_head(writer, 0xc0, 0, 0); /* nil */
        break;
    case 6:
        writer_put(writer, "\xd9\x03\xed\xa0\x80", 5); /* half a surrogate pair */
        break;
    case 7:
        writer_put(writer,
                   "\xd9\x03"
                   "a\0b",
                   5);
        break;
    case 8:
        writer_put_head(writer, 0xdd, UINT32_MAX, 4);
        break;
    case 9:
        writer_put_head(writer, 0xdb, UINT32_MAX, 4);
        break;
    case 10:
        writer_put_head(writer, 0xdc, 200, 2);
        for (int i = 0; i < 200; i++)
            writer_put_head(writer, 0x80, 0, 0);
        break;
    default:
        writer_put_head(writer, 0xda, 300, 2);
        for (int i = 0; i < 300; i++)
            writer_put(writer, "x", 1);
        break;
    }
}
