/* SPDX-License-Identifier: MIT */
/* Hashes lines and holds each against the one before. Files and their order are audit_verify.c's.
 *
 * When a line does not fit the one before it, either of them may have been changed. Where the numbers show a
 * gap, lines are missing; where they go back, the line stands in a wrong place. Else the check goes on by one
 * line: if that one fits, the earlier of the two was changed. */
#include "host-bridge/audit/audit_chain.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

#define HASH_SIZE 32

struct audit_hash audit_hash_none(void)
{
    struct audit_hash hash;
    memset(hash.text, '0', AUDIT_HASH_TEXT_SIZE);
    hash.text[AUDIT_HASH_TEXT_SIZE] = '\0';
    return hash;
}

struct audit_hash audit_hash_line(struct span line)
{
    unsigned char bytes[HASH_SIZE];
    struct audit_hash hash;
    crypto_generichash(bytes, sizeof(bytes), line.data, line.size, NULL, 0);
    sodium_bin2hex(hash.text, sizeof(hash.text), bytes, sizeof(bytes));
    return hash;
}

bool audit_hash_equals(const struct audit_hash *a, const struct audit_hash *b)
{
    return strcmp(a->text, b->text) == 0;
}

const char *audit_break_name(enum audit_break what)
{
    switch (what) {
    case AUDIT_INTACT:
        return "intact";
    case AUDIT_CHANGED:
        return "changed";
    case AUDIT_MISSING_BEFORE:
        return "missing before";
    case AUDIT_MISSING_AFTER:
        return "missing after";
    case AUDIT_NOT_JSON:
        return "not JSON";
    }
    return "?";
}

void audit_chain_init(struct audit_chain *chain, bool from_first)
{
    *chain = (struct audit_chain){.from_first = from_first, .previous = audit_hash_none()};
}

/* What a line says of itself. */
struct statement {
    uint64_t seq;
    struct audit_hash previous;
    bool is_torn_note;
};

enum reading { READ_LINE, READ_OTHER_JSON, READ_NO_JSON };

static enum reading read_line(struct span line, struct statement *ret)
{
    json_t *json = line.size > AUDIT_LINE_MAX
                       ? NULL
                       : json_loadb((const char *)line.data, line.size, JSON_REJECT_DUPLICATES, NULL);
    if (json == NULL)
        return READ_NO_JSON;
    const json_t *seq = json_object_get(json, "seq"), *previous = json_object_get(json, "prev");
    const char *action = json_string_value(json_object_get(json, "action"));
    bool good = json_is_integer(seq) && json_integer_value(seq) > 0 &&
                json_string_length(previous) == AUDIT_HASH_TEXT_SIZE && action != NULL;
    if (good) {
        ret->seq = (uint64_t)json_integer_value(seq);
        memcpy(ret->previous.text, json_string_value(previous), AUDIT_HASH_TEXT_SIZE + 1);
        ret->is_torn_note = strcmp(action, AUDIT_TORN_ACTION) == 0;
    }
    json_decref(json);
    return good ? READ_LINE : READ_OTHER_JSON;
}

static enum audit_break judge_first(struct audit_chain *chain, const struct statement *statement)
{
    struct audit_hash none = audit_hash_none();
    if (statement->seq == 1)
        return audit_hash_equals(&statement->previous, &none) ? AUDIT_INTACT : AUDIT_CHANGED;
    return chain->from_first ? AUDIT_MISSING_BEFORE : AUDIT_INTACT;
}

static struct audit_finding found(enum audit_break what, struct audit_place place)
{
    return (struct audit_finding){what, place};
}

/* Sets `suspected` where the next line must tell. */
static struct audit_finding judge_next(struct audit_chain *chain, struct audit_place place,
                                       const struct statement *statement)
{
    bool fits = audit_hash_equals(&statement->previous, &chain->previous);
    uint64_t expected = chain->last_seq + 1 + chain->unfinished;
    if (chain->suspected)
        return found(AUDIT_CHANGED, fits ? chain->suspect : chain->place);
    if (chain->unfinished && (!fits || !statement->is_torn_note))
        return found(AUDIT_NOT_JSON, chain->place);
    if (fits && chain->first_seq == 0) { /* nothing but an unfinished line so far, which has no number */
        chain->first_seq = statement->seq;
        return found(AUDIT_INTACT, place);
    }
    if (fits)
        return found(statement->seq == expected ? AUDIT_INTACT : AUDIT_CHANGED, place);
    if (statement->seq != expected)
        return found(statement->seq > expected ? AUDIT_MISSING_BEFORE : AUDIT_CHANGED, place);
    chain->suspected = true;
    chain->suspect = chain->place;
    return found(AUDIT_INTACT, place);
}

struct audit_finding audit_chain_line(struct audit_chain *chain, struct audit_place place, struct span line)
{
    struct statement statement = {0};
    struct audit_finding finding = {AUDIT_INTACT, place};
    enum reading reading = read_line(line, &statement);
    if (reading == READ_OTHER_JSON)
        return found(AUDIT_CHANGED, chain->suspected ? chain->suspect : place);
    if (reading == READ_NO_JSON && (chain->suspected || chain->unfinished))
        return found(chain->suspected ? AUDIT_CHANGED : AUDIT_NOT_JSON,
                     chain->suspected ? chain->suspect : chain->place);
    if (reading == READ_LINE) {
        if (chain->lines == 0) {
            finding.what = judge_first(chain, &statement);
            chain->first_seq = statement.seq;
        } else {
            finding = judge_next(chain, place, &statement);
        }
        chain->last_seq = statement.seq;
    }
    chain->unfinished = reading == READ_NO_JSON;
    chain->previous = audit_hash_line(line);
    chain->place = place;
    chain->lines++;
    return finding;
}

struct audit_finding audit_chain_end(struct audit_chain *chain, const struct audit_hash *head)
{
    bool fits = head != NULL && audit_hash_equals(head, &chain->previous);
    if (chain->suspected)
        return found(AUDIT_CHANGED, head == NULL || fits ? chain->suspect : chain->place);
    if (head != NULL && !fits)
        return found(AUDIT_MISSING_AFTER, chain->place);
    if (chain->unfinished && !fits)
        return found(AUDIT_NOT_JSON, chain->place);
    return found(AUDIT_INTACT, chain->place);
}
