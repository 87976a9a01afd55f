/* SPDX-License-Identifier: MIT */
/* What guests offer to the host: a table, and the rules by which an offer is accepted without asking. Pure
 * but for its news: moving the files is transfers', telling the guest is the bridge's. */
#ifndef HOSPES_INBOX_H
#define HOSPES_INBOX_H

#include <jansson.h>

#include "protocol/wire/message.h"

#define INBOX_GUESTS_MAX 4096
#define INBOX_RULES_MAX  64

/* When an offer is taken by itself: all that is given must hold. */
struct inbox_rule {
    char *vm;           /* NULL: any guest; may be a glob */
    uint64_t max_bytes; /* UINT64_MAX: any size */
    char *name; /* glob over the name, such as "*.png"; NULL: any. Offers of several roots only match NULL */
    char *to;   /* absolute folder; NULL: the default */
};

enum inbox_state {
    INBOX_OFFERED = 1, /* nobody has answered */
    INBOX_TAKING,      /* accepted; `transfer` moves it */
};

/* As the API shows it. Read-only outside inbox/. */
struct inbox_item {
    char id[88]; /* "VM-OFFER": unique within the bridge */
    char vm[TEXT_NAME_MAX + 1];
    struct offer offer;
    enum inbox_state state;
    char transfer[33]; /* INBOX_TAKING: its id */
    uint64_t seen_ms;  /* real time */
};

struct inbox_news {
    /* `what`: "offered" (also when its facts changed, or when nobody takes it any more), "accepted", "gone".
     */
    void (*on_item)(void *ctx, const struct inbox_item *item, const char *what);
    /* A rule says that this one is to be taken, into rule->to (NULL: the default). inbox_taking may be called
     * from within. After "offered"; once for an item. */
    void (*on_accept)(void *ctx, const struct inbox_item *item, const struct inbox_rule *rule);
    void *ctx;
};

struct inbox; /* opaque */

/* `rules` are borrowed for the whole life. UV_ENOMEM. */
int inbox_create(const struct inbox_rule *rules, size_t rule_count, const struct inbox_news *news,
                 struct inbox **ret);
void inbox_destroy(struct inbox *inbox); /* NULL allowed */

/* From a guest's event feed; a snapshot's parts are gathered until `more` ends them elsewhere:
 * inbox_snapshot_end. */
void inbox_apply(struct inbox *inbox, const char *vm, const struct offers_message *message);
void inbox_snapshot_end(struct inbox *inbox, const char *vm); /* PORTS' last part came */
/* A snapshot that was being gathered is forgotten; what was offered stays. */
void inbox_link_lost(struct inbox *inbox, const char *vm);
void inbox_guest_removed(struct inbox *inbox, const char *vm);

size_t inbox_count(const struct inbox *inbox);
const struct inbox_item *inbox_at(const struct inbox *inbox, size_t index);     /* oldest first */
const struct inbox_item *inbox_find(const struct inbox *inbox, const char *id); /* NULL */
/* Its transfer has begun (or, with NULL, ended without success: it is offered again). STATUS_NOT_FOUND. */
int inbox_taking(struct inbox *inbox, const char *id, const char *transfer);

/* Where accepted files go unless somebody says otherwise: "<downloads>/<vm>", made on demand by the caller.
 * The name of a guest is a safe component. */
int inbox_folder(const char *downloads, const char *vm, char ret[static FILES_PATH_MAX + 1]);

/* Rules from the configuration: [{"vm":"web*","maxBytes":1048576,"name":"*.png","to":"/srv/in"}].
 * Allocates *ret (inbox_rules_free). STATUS_MALFORMED with a sentence and the index. */
int inbox_rules_parse(const json_t *list, struct inbox_rule **ret, size_t *ret_count,
                      char ret_problem[static TEXT_REASON_MAX + 1]);
void inbox_rules_free(struct inbox_rule *rules, size_t count);

#endif
