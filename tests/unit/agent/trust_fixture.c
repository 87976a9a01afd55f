/* SPDX-License-Identifier: MIT */
/* Starts and stops trust for tests. */
#include "tests/unit/agent/trust_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/log.h"
#include "services/identity/key_text.h"
#include "tests/unit/base/testing.h"

static void keep_log(void *ctx, enum log_level level, const char *line)
{
    struct trust_fixture *fixture = ctx;
    strncat(fixture->log, line, sizeof(fixture->log) - strlen(fixture->log) - 1);
}

static void count_forgotten(void *ctx, const uint8_t *key)
{
    struct trust_fixture *fixture = ctx;
    fixture->forgotten++;
}

int trust_fixture_setup(void **state)
{
    struct trust_fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    scratch_make(&fixture->folder);
    snprintf(fixture->state_dir, sizeof(fixture->state_dir), "%s/state", fixture->folder.path);
    snprintf(fixture->root, sizeof(fixture->root), "%s/root", fixture->folder.path);
    snprintf(fixture->admin_socket, sizeof(fixture->admin_socket), "%s/run/admin.sock", fixture->folder.path);
    scratch_write_text(&fixture->folder, "root/etc/machine-id", FIXTURE_MACHINE_ID "\n");
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->secrets = secret_pool_create();
    assert_non_null(fixture->secrets);
    fixture->options = (struct trust_options){.state_dir = fixture->state_dir,
                                              .on_forgotten = count_forgotten,
                                              .ctx = fixture,
                                              .system_root = fixture->root};
    unsetenv("CREDENTIALS_DIRECTORY");
    log_set_sink(keep_log, fixture);
    *state = fixture;
    return 0;
}

int trust_fixture_start(struct trust_fixture *fixture)
{
    return trust_create(&fixture->loop, fixture->secrets, &fixture->options, &fixture->trust,
                        fixture->problem);
}

static void note_closed(void *ctx)
{
    *(bool *)ctx = true;
}

void trust_fixture_stop(struct trust_fixture *fixture)
{
    bool closed = false;
    if (fixture->trust == NULL)
        return;
    trust_close(fixture->trust, note_closed, &closed);
    assert_false(closed);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    assert_true(closed);
    trust_destroy(fixture->trust);
    fixture->trust = NULL;
}

void trust_fixture_restart(struct trust_fixture *fixture)
{
    trust_fixture_stop(fixture);
    assert_int_equal(trust_fixture_start(fixture), 0);
}

int trust_fixture_teardown(void **state)
{
    struct trust_fixture *fixture = *state;
    trust_fixture_stop(fixture);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    secret_pool_destroy(fixture->secrets); /* asserts that all were given back */
    log_set_sink(NULL, NULL);
    scratch_remove(&fixture->folder);
    free(fixture);
    return 0;
}

const uint8_t *fixture_key(uint8_t byte)
{
    static uint8_t keys[4][NOISE_KEY_SIZE];
    static unsigned next;
    uint8_t *key = keys[next++ % 4];
    memset(key, byte, NOISE_KEY_SIZE);
    return key;
}

const char *fixture_key_text(uint8_t byte)
{
    static char texts[4][KEY_TEXT_SIZE];
    static unsigned next;
    char *text = texts[next++ % 4];
    key_text_format(fixture_key(byte), text);
    return text;
}

int trust_fixture_judge(struct trust_fixture *fixture, uint8_t host, int flags)
{
    struct trust_claim claim = {.key = fixture_key(host),
                                .link = (flags & PRIVATE) != 0 ? "vsock" : "tcp",
                                .link_is_private = (flags & PRIVATE) != 0,
                                .psk_proved = (flags & PSK) != 0,
                                .compare = (flags & COMPARE) != 0};
    fixture->text[0] = '\0';
    return trust_judge(fixture->trust, &claim, fixture->text);
}
