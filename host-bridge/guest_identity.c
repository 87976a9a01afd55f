/* SPDX-License-Identifier: MIT */
/* Reads, checks and writes what is configured of a guest's identity. Opening the secret's file is
 * pairing_secret.c's. */
#include "host-bridge/guest_identity.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/spec.h"
#include "services/identity/key_text.h"

static const char *const SEALING_NAMES[] = {
    [SEALING_AUTO] = "auto", [SEALING_ALWAYS] = "always", [SEALING_NEVER] = "never"};

const char *sealing_name(enum sealing sealing)
{
    return SEALING_NAMES[sealing];
}

bool sealing_parse(const char *text, enum sealing *ret)
{
    for (int sealing = SEALING_AUTO; sealing <= SEALING_NEVER; sealing++) {
        if (strcmp(SEALING_NAMES[sealing], text) == 0) {
            *ret = (enum sealing)sealing;
            return true;
        }
    }
    return false;
}

__attribute__((format(printf, 4, 5))) static int complain(const char **ret_field, char *ret_problem,
                                                          const char *field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_problem, TEXT_REASON_MAX + 1, format, arguments);
    va_end(arguments);
    *ret_field = field;
    return STATUS_INVALID;
}

int guest_identity_check(const struct guest_identity_options *options, const char *link,
                         const char **ret_field, char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct link_spec spec;
    char ignored[TEXT_REASON_MAX + 1];
    bool overheard =
        link_spec_parse_dial(link, &spec, ignored) == 0 && (spec.kind == LINK_TCP || spec.kind == LINK_EXEC);
    if (options->sealing == SEALING_NEVER && overheard)
        return complain(ret_field, ret_problem, "encryption",
                        "\"never\" is not for %s: links, which others can overhear",
                        link_kind_name(spec.kind));
    if (options->has_key && options->ephemeral)
        return complain(
            ret_field, ret_problem, "ephemeral",
            "\"key\" and \"ephemeral\" exclude each other: an ephemeral guest has a new key each time");
    return 0;
}

/* A text that is there; *ret NULL when it is not. */
static int take_text(const json_t *object, const char *field, const char **ret, const char **ret_field,
                     char *ret_problem)
{
    const json_t *value = json_object_get(object, field);
    *ret = json_string_value(value);
    if (value != NULL && *ret == NULL)
        return complain(ret_field, ret_problem, field, "expected a string");
    return 0;
}

static int take_key(struct guest_identity_options *ret, const json_t *object, const char **ret_field,
                    char *ret_problem)
{
    const char *text;
    int status = take_text(object, "key", &text, ret_field, ret_problem);
    if (status < 0 || text == NULL)
        return status;
    if (!key_text_parse(text, strlen(text), ret->key))
        return complain(ret_field, ret_problem, "key",
                        "expected the guest's public key, 44 characters of base64");
    ret->has_key = true;
    return 0;
}

static int take_psk_file(struct guest_identity_options *ret, const json_t *object, const char **ret_field,
                         char *ret_problem)
{
    const char *text;
    int status = take_text(object, "pskFile", &text, ret_field, ret_problem);
    if (status < 0 || text == NULL)
        return status;
    if (text[0] != '/')
        return complain(ret_field, ret_problem, "pskFile", "expected a path from the root on");
    ret->psk_file = text;
    return 0;
}

static int take_sealing(struct guest_identity_options *ret, const json_t *object, const char **ret_field,
                        char *ret_problem)
{
    const char *text;
    int status = take_text(object, "encryption", &text, ret_field, ret_problem);
    if (status == 0 && text != NULL && !sealing_parse(text, &ret->sealing))
        status = complain(ret_field, ret_problem, "encryption", "expected \"auto\", \"always\" or \"never\"");
    return status;
}

int guest_identity_load(struct guest_identity_options *ret, const json_t *object, const char **ret_field,
                        char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct guest_identity_options loaded = {0};
    const json_t *ephemeral = json_object_get(object, "ephemeral");
    int status = take_key(&loaded, object, ret_field, ret_problem);
    if (status == 0)
        status = take_psk_file(&loaded, object, ret_field, ret_problem);
    if (status == 0)
        status = take_sealing(&loaded, object, ret_field, ret_problem);
    if (status == 0 && ephemeral != NULL && !json_is_boolean(ephemeral))
        status = complain(ret_field, ret_problem, "ephemeral", "expected true or false");
    if (status < 0)
        return status;
    loaded.ephemeral = json_is_true(ephemeral);
    *ret = loaded;
    return 0;
}

json_t *guest_identity_save(const struct guest_identity_options *options)
{
    char key[KEY_TEXT_SIZE];
    json_t *json = json_object();
    if (options->has_key) {
        key_text_format(options->key, key);
        json_object_set_new(json, "key", json_string(key));
    }
    if (options->psk_file != NULL)
        json_object_set_new(json, "pskFile", json_string(options->psk_file));
    if (options->ephemeral)
        json_object_set_new(json, "ephemeral", json_true());
    if (options->sealing != SEALING_AUTO)
        json_object_set_new(json, "encryption", json_string(sealing_name(options->sealing)));
    if (json_object_size(json) > 0)
        return json;
    json_decref(json);
    return NULL;
}
