/* SPDX-License-Identifier: MIT */
/* Whom this guest lets in: puts identity, provisioned keys, known hosts and the pairing window together. The
 * decision itself is trust_judge.c's, the owner's commands are admin_server.c's. */
#define LOG_MODULE "trust"
#include "agent/trust/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/trust/admin_server.h"
#include "agent/trust/identity.h"
#include "agent/trust/trust_private.h"
#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "services/identity/key_text.h"

static int load_identity(struct trust *trust, const char *root, bool *ret_cloned, char *ret_problem)
{
    struct machine machine;
    enum key_file_origin origin;
    char key[KEY_TEXT_SIZE];
    machine_read(root, &machine);
    int status = agent_identity_load(trust->state_dir, &machine, trust->key, &origin, ret_problem);
    if (status == STATUS_NOT_ALLOWED || status == STATUS_MALFORMED || status == STATUS_INVALID)
        return status;
    if (status < 0)
        log_warn("%s: this guest's key lives as long as this program, and hosts must pair anew after it",
                 ret_problem);
    key_text_format(trust->key->public_key, key);
    *ret_cloned = origin == KEY_FILE_MADE_FOR_ANOTHER_BINDING;
    if (*ret_cloned)
        log_warn("the key in %s was made on another machine (this is a copy of it, or went back to a "
                 "snapshot): this guest "
                 "has a new key, %s, and hosts that it was paired with must pair again",
                 trust->state_dir, key);
    else if (origin == KEY_FILE_MADE)
        log_info("this guest's key is new: %s", key);
    return 0;
}

static const char *none_if_empty(const char *path)
{
    return path == NULL || path[0] == '\0' ? NULL : path;
}

static int load_provisioned(struct trust *trust, const struct trust_options *options, const char *root,
                            char *ret_problem)
{
    struct provision_sources sources = {.host_key_file = none_if_empty(options->host_key_file),
                                        .psk_file = none_if_empty(options->psk_file),
                                        .credentials_folder = getenv("CREDENTIALS_DIRECTORY"),
                                        .system_root = root};
    bool has_psk = false;
    int status = provision_host_keys(&sources, &trust->provisioned, ret_problem);
    uint8_t *psk = status == 0 ? secret_take(trust->secrets, NOISE_KEY_SIZE) : NULL;
    if (status == 0 && psk == NULL) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "out of memory");
        status = UV_ENOMEM;
    }
    if (status == 0)
        status = provision_psk(&sources, psk, &has_psk, ret_problem);
    if (status == 0 && has_psk)
        trust->psk = psk;
    else
        secret_release(trust->secrets, psk, NOISE_KEY_SIZE);
    return status;
}

static void pin_by_code(void *ctx, const struct pairing_offer *offer)
{
    struct trust *trust = ctx;
    struct known_host host = {.way = HOST_CODE, .since_ms = clock_realtime_ms()};
    char key[KEY_TEXT_SIZE];
    memcpy(host.key, offer->key, NOISE_KEY_SIZE);
    memcpy(host.link, offer->link, sizeof(host.link));
    key_text_format(host.key, key);
    const struct known_host *before = known_hosts_find(&trust->hosts.known, host.key);
    if (before != NULL)
        memcpy(host.name, before->name, sizeof(host.name));
    int status = hosts_store_put(&trust->hosts, &host, NULL);
    if (status < 0)
        log_error("the host %s can't be remembered: %s", key, status_text(status));
    else
        log_info("paired with the host %s over %s: the code was compared", key, host.link);
}

int trust_create(uv_loop_t *uv, struct secret_pool *secrets, const struct trust_options *options,
                 struct trust **ret, char ret_problem[static TEXT_REASON_MAX + 1])
{
    const char *root = options->system_root == NULL ? "" : options->system_root;
    struct trust *trust = calloc(1, sizeof(*trust));
    int status = UV_ENOMEM;
    bool cloned = false;
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "out of memory");
    if (trust == NULL)
        return UV_ENOMEM;
    trust->uv = uv;
    trust->secrets = secrets;
    trust->on_forgotten = options->on_forgotten;
    trust->ctx = options->ctx;
    trust->state_dir = strdup(options->state_dir);
    trust->key = secret_take(secrets, sizeof(*trust->key));
    if (trust->state_dir == NULL || trust->key == NULL)
        goto fail;
    status = load_identity(trust, root, &cloned, ret_problem);
    if (status == 0)
        status = load_provisioned(trust, options, root, ret_problem);
    if (status < 0)
        goto fail;
    hosts_store_init(&trust->hosts, trust->state_dir, trust->key->public_key, cloned);
    pairing_window_init(&trust->window, uv, PAIRING_WINDOW_MS, PAIRING_TIMEOUT_MS, pin_by_code, trust);
    if (options->admin_socket != NULL &&
        admin_server_create(trust, options->admin_socket, ADMIN_CLIENT_IDLE_MS, &trust->admin, ret_problem) <
            0)
        log_info("no admin socket: %s", ret_problem);
    *ret = trust;
    return 0;
fail:
    trust_destroy(trust);
    return status;
}

static void count_down(struct trust *trust)
{
    if (--trust->open_parts == 0 && trust->on_closed != NULL)
        trust->on_closed(trust->closed_ctx);
}

static void handle_timer_closed(uv_handle_t *handle)
{
    struct pairing_window *window = handle->data;
    count_down(window->pin_ctx);
}

static void handle_admin_closed(void *ctx)
{
    struct trust *trust = ctx;
    trust->admin = NULL;
    count_down(trust);
}

void trust_close(struct trust *trust, void (*on_closed)(void *ctx), void *ctx)
{
    trust->on_closed = on_closed;
    trust->closed_ctx = ctx;
    trust->open_parts = trust->admin == NULL ? 1 : 2;
    pairing_window_close(&trust->window, handle_timer_closed);
    if (trust->admin != NULL)
        admin_server_close(trust->admin, handle_admin_closed, trust);
}

void trust_destroy(struct trust *trust)
{
    if (trust == NULL)
        return;
    secret_release(trust->secrets, trust->key, sizeof(*trust->key));
    secret_release(trust->secrets, trust->psk, NOISE_KEY_SIZE);
    free(trust->state_dir);
    free(trust);
}

const struct noise_key_pair *trust_key(const struct trust *trust)
{
    return trust->key;
}

const uint8_t *trust_psk(const struct trust *trust)
{
    return trust->psk;
}
