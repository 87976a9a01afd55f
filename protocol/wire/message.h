/* SPDX-License-Identifier: MIT */
/* Every message of the protocol as plain data (docs/protocol.md, "Messages"). A message is the payload of a
 * MESSAGE frame: a msgpack array of three, [kind, id, body]; body is a map with text keys. Unknown keys are
 * skipped, unknown kinds are STATUS_NOT_SUPPORTED, so that types and fields are only ever added. Text fields
 * hold valid UTF-8 with a terminator.
 *
 * B = bridge (the dialer), A = agent (the listener).
 */
#ifndef HOSPES_MESSAGE_H
#define HOSPES_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/wire/files_message.h"
#include "protocol/wire/limits.h"
#include "protocol/wire/session_id.h"

enum message_kind {
    MESSAGE_HELLO = 1,           /* B→A  first message of a control or events connection */
    MESSAGE_WELCOME = 2,         /* A→B  its answer */
    MESSAGE_REFUSE = 3,          /* both why the connection ends now; nothing follows */
    MESSAGE_PING = 4,            /* B→A  id is the heartbeat's number */
    MESSAGE_PONG = 5,            /* A→B  same id; body empty */
    MESSAGE_ERROR = 6,           /* A→B  answer to request `id`: it failed */
    MESSAGE_AUTH = 7,            /* both the handshake of a control session */
    MESSAGE_JOIN = 8,            /* B→A  first message of any further connection of a session */
    MESSAGE_PAIR = 9,            /* A→B  people must compare the code; B→A  on the host they did */
    MESSAGE_HEALTH_REQUEST = 16, /* B→A  body empty */
    MESSAGE_HEALTH = 17,         /* A→B  answer */
    MESSAGE_CHANNEL_OPEN = 32,   /* B→A  first message of a channel connection */
    MESSAGE_CHANNEL_OPENED = 33, /* A→B  the guest's connect(2) succeeded; failure is an RST frame */
    MESSAGE_PORTS = 48, /* A→B  event: ports snapshot (part) or delta; id is the event's sequence number */
    MESSAGE_REFUSALS = 49,     /* A→B  event: connections that the agent refused */
    MESSAGE_OFFERS = 50,       /* A→B  event: files that the guest offers to the host */
    MESSAGE_FILES_OPEN = 64,   /* B→A  first message of a connection that works on files */
    MESSAGE_FILES_OPENED = 65, /* A→B  its answer; failure is an RST frame */
    /* a transfer, sender → receiver */
    MESSAGE_MANIFEST = 66,    /* entries; also the answer of LIST */
    MESSAGE_PACK = 67,        /* small files: their bytes follow as DATA, then CHECK */
    MESSAGE_CHUNK = 68,       /* a piece of a large one: its bytes follow as DATA, then CHECK */
    MESSAGE_CHECK = 69,       /* the tag of the bytes before it */
    MESSAGE_KEEP = 70,        /* the receiver's own bytes are right */
    MESSAGE_FILE_END = 71,    /* all chunks of a file were sent */
    MESSAGE_ATTRIBUTE = 72,   /* one extended attribute */
    MESSAGE_TOTALS = 73,      /* what there is in all */
    MESSAGE_FILE_FAILED = 74, /* the sender can't give this entry */
    MESSAGE_FILE_AGAIN = 75,  /* it changed while it was read: from the beginning */
    MESSAGE_LEFT_OUT = 76,    /* something that the sender does not announce, and why */
    /* receiver → sender */
    MESSAGE_NEED = 80,       /* what the receiver lacks */
    MESSAGE_DIGESTS = 81,    /* of what it has */
    MESSAGE_SETTLED = 82,    /* entries that are done or failed */
    MESSAGE_PAUSED = 83,     /* it can't write now */
    MESSAGE_FILES_DONE = 84, /* all is in its place */
    MESSAGE_CHANGES = 96,    /* A→B  what happened beneath a watched folder */
};

/* What a connection is, said in HELLO. A channel says CHANNEL_OPEN instead. */
enum hello_role { ROLE_CONTROL = 1, ROLE_EVENTS = 2 };

/* What a side says of encryption. */
enum sealing {
    SEALING_AUTO = 0,   /* as the other side wants; plain when it does not mind either */
    SEALING_ALWAYS = 1, /* nothing goes plain */
    SEALING_NEVER = 2,  /* authenticated, but plain */
};

/* Where an event reader stands. epoch names one life of the agent's event log; 0 = no cursor, send a
 * snapshot. */
struct event_cursor {
    uint64_t epoch;
    uint64_t sequence; /* the last event that was received */
};

struct capability_list {
    size_t count;
    char names[CAPABILITIES_MAX][TEXT_NAME_MAX + 1];
};

/* A handshake message; public_key and the like travel in it. */
struct auth_bytes {
    uint16_t size;
    uint8_t bytes[AUTH_MESSAGE_MAX];
};

struct hello_message {
    uint16_t version;                 /* highest that the sender speaks */
    uint16_t version_min;             /* lowest */
    uint8_t role;                     /* enum hello_role */
    char software[TEXT_NAME_MAX + 1]; /* "hospes-bridge 0.1.0" */
    char link[TEXT_NAME_MAX + 1];     /* kind of link as the dialer sees it: "vsock", "serial" … */
    struct capability_list capabilities;
    struct session_id session;  /* ROLE_EVENTS: the control session it belongs to */
    struct event_cursor cursor; /* ROLE_EVENTS */
    /* ROLE_CONTROL: what the handshake is about; all of HELLO is its prologue */
    uint8_t pattern;  /* enum handshake_pattern; 0: none was said */
    uint32_t ciphers; /* enum aead_cipher, a set of bits */
    uint8_t sealing;  /* enum sealing */
    uint32_t port;    /* that was dialled, where the link has ports; 0 else */
};

struct welcome_message {
    uint16_t version; /* the one in force from now on */
    char software[TEXT_NAME_MAX + 1];
    char os[TEXT_NAME_MAX + 1];   /* "Linux 6.1.0" */
    char arch[TEXT_NAME_MAX + 1]; /* "x86_64" */
    char hostname[TEXT_NAME_MAX + 1];
    char machine_id[TEXT_NAME_MAX + 1]; /* empty when there is none */
    char boot_id[TEXT_NAME_MAX + 1];
    struct capability_list capabilities;
    struct session_id session; /* ROLE_CONTROL: new; ROLE_EVENTS: as asked */
    struct event_cursor
        cursor;   /* ROLE_EVENTS: where the feed starts; its sequence is HELLO's when the ring reached */
    bool resumed; /* ROLE_EVENTS: false = a snapshot follows */
};

struct failure_message { /* REFUSE and ERROR */
    int status;          /* enum hospes_status or a system error that both sides know */
    char text[TEXT_REASON_MAX + 1];
};

/* The port facts that travel from the guest's kernel to the host's policy. */
enum port_protocol { PORT_TCP = 1, PORT_UDP = 2 };

struct ip_address {
    uint8_t family;    /* 4 or 6 */
    uint8_t bytes[16]; /* network order; the first 4 for family 4 */
};

/* What tells one listener from another within a guest. */
struct port_key {
    uint8_t protocol;          /* enum port_protocol */
    struct ip_address address; /* the bound address; all zero = any */
    uint16_t port;             /* 1 … 65535 */
};

struct port_fact {
    struct port_key key;
    bool v6only;                            /* family 6: takes no IPv4 */
    uint32_t uid;                           /* owner of the socket */
    int32_t pid;                            /* 0 = not known */
    char name[TEXT_NAME_MAX + 1];           /* what people call it: "vite", "nginx"; empty = not known */
    char command[TEXT_COMMAND_MAX + 1];     /* arguments joined by spaces */
    char unit[TEXT_UNIT_MAX + 1];           /* systemd unit; empty = none */
    char container[TEXT_CONTAINER_MAX + 1]; /* container id; empty = none */
    uint64_t age_ms; /* how long ago the agent saw it first, when the message was made */
};

struct ports_message {
    uint64_t sequence;      /* the message's id */
    bool snapshot;          /* replaces everything known; false = delta */
    bool more;              /* snapshot: further parts follow with the same sequence; the last has false */
    uint16_t ephemeral_low; /* the guest's local port range; 0 = not known */
    uint16_t ephemeral_high;
    size_t opened_count; /* new, or changed facts of a known key */
    struct port_fact *opened;
    size_t closed_count;
    struct port_key *closed;
};

struct health_disk {
    char mount[TEXT_COMMAND_MAX + 1];
    char type[TEXT_NAME_MAX + 1];
    uint64_t total, available; /* bytes */
};

struct health_address {
    char interface[TEXT_NAME_MAX + 1];
    struct ip_address address;
};

struct health_user {
    char name[TEXT_NAME_MAX + 1];
    char seat[TEXT_NAME_MAX + 1]; /* terminal or display */
    uint64_t since_ms;            /* real time */
};

struct health_message {
    uint64_t uptime_ms;                      /* of the guest */
    uint64_t agent_uptime_ms;                /* of the agent */
    uint64_t realtime_ms;                    /* the guest's clock */
    double load[3];                          /* 1, 5, 15 minutes */
    uint64_t memory_total, memory_available; /* bytes */
    size_t disk_count, address_count, user_count;
    struct health_disk disks[HEALTH_DISKS_MAX];
    struct health_address addresses[HEALTH_ADDRESSES_MAX];
    struct health_user users[HEALTH_USERS_MAX];
};

/* What a channel connects to in the guest; addresses are tried in order. */
struct dial_target {
    uint8_t protocol; /* enum port_protocol */
    uint16_t port;
    uint8_t address_count; /* 1 … DIAL_ADDRESSES_MAX */
    struct ip_address addresses[DIAL_ADDRESSES_MAX];
};

struct channel_open_message {
    struct session_id session;
    struct dial_target target;
};

struct auth_message {
    struct auth_bytes message;
};

struct join_message {
    struct session_id session;
    uint64_t connection; /* 1 and up, each at most once in a session */
    uint8_t proof[PROOF_SIZE];
};

struct refusals_message {
    uint64_t count;                /* since the last one */
    int status;                    /* why, of the last one */
    char link[TEXT_NAME_MAX + 1];  /* kind of the listener that it came over */
    char who[TEXT_REASON_MAX + 1]; /* of the last one: "vsock CID 1", "a host with the key …" */
};

struct message {
    enum message_kind kind;
    uint64_t id; /* request, heartbeat or event number; 0 otherwise */
    union {
        struct hello_message hello;
        struct welcome_message welcome;
        struct failure_message failure;
        struct ports_message ports;
        struct health_message *health; /* owned: too large for the union */
        struct channel_open_message channel_open;
        struct auth_message auth;
        struct join_message join;
        struct refusals_message refusals;
        struct offers_message offers;
        struct files_open_message files_open;
        struct files_opened_message files_opened;
        struct manifest_message manifest;
        struct pack_message pack;
        struct chunk_message chunk;
        struct check_message check;
        struct keep_message keep;
        struct file_end_message file_end;
        struct attribute_message attribute;
        struct totals_message totals;
        struct file_failed_message file_failed;
        struct file_again_message file_again;
        struct left_out_message left_out;
        struct need_message need;
        struct digests_message digests;
        struct settled_message settled;
        struct paused_message paused;
        struct files_done_message files_done;
        struct changes_message changes;
    } body;
};

/* message → msgpack, appended to `out`. Asserts what the caller promised (counts, terminators, UTF-8);
 * UV_ENOMEM, UV_ENOBUFS. */
int message_encode(const struct message *message, struct buffer *out);

/* msgpack → checked message. Everything is checked before anything is allocated by its count: UTF-8, lengths,
 * ranges (a port 0 or 70000, protocol 3, family 5), required keys, key types, duplicate required keys.
 * STATUS_MALFORMED, STATUS_TOO_LARGE, STATUS_NOT_SUPPORTED (unknown kind, or unknown flags in FILES_OPEN:
 * *ret_kind_and_id is still filled so that it can be answered by name), UV_ENOMEM. On success release it with
 * message_finish. */
struct message_head {
    uint64_t kind;
    uint64_t id;
};
int message_decode(struct span payload, struct message *ret, struct message_head *ret_kind_and_id);
void message_finish(struct message *message);

const char *message_kind_name(uint64_t kind); /* "HELLO"; "?" */

bool capability_list_has(const struct capability_list *list, const char *name);
/* False when the list is full. */
bool capability_list_add(struct capability_list *list, const char *name);

bool port_key_equals(const struct port_key *a, const struct port_key *b);
bool ip_address_equals(const struct ip_address *a, const struct ip_address *b);
bool ip_address_is_any(const struct ip_address *address);
bool ip_address_is_loopback(const struct ip_address *address);
bool ip_address_is_link_local(const struct ip_address *address);
/* "127.0.0.1", "::1": inet_ntop's form. Buffer of INET6_ADDRSTRLEN (46). */
void ip_address_format(const struct ip_address *address, char out[static 46]);
bool ip_address_parse(const char *text, struct ip_address *ret);

#endif
