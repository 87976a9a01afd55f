/* SPDX-License-Identifier: MIT */
/* Every maximum of the protocol, with its reason. docs/protocol.md quotes these; a test compares the two. */
#ifndef HOSPES_LIMITS_H
#define HOSPES_LIMITS_H

#define PROTOCOL_VERSION     1
#define PROTOCOL_VERSION_MIN 1

#define PORT_CONTROL_DEFAULT 5002 /* vsock and tcp port of control sessions and channels */
#define PORT_EVENTS_DEFAULT  5003 /* vsock and tcp port of event feeds */

/* Frames */
#define FRAME_HEADER_SIZE  12
#define FRAME_DATA_MAX     (1024 * 1024) /* DATA: one full pipe of the largest unprivileged size (splice) */
#define FRAME_DATAGRAM_MAX 65535         /* UDP's own maximum */
#define FRAME_MESSAGE_MAX  (256 * 1024)  /* MESSAGE: 128 ports at their largest fit; held in memory whole */
#define FRAME_RST_MAX      259           /* i32 code and a text of TEXT_REASON_MAX */
#define FRAME_MUX_PAYLOAD_MAX                                                                                \
    (32 * 1024) /* any DATA on a mux: bounds how long one channel holds the wire                             \
                 */

/* msgpack payloads, checked before they are unpacked */
#define MSGPACK_DEPTH_MAX   8     /* the deepest message has 5 levels */
#define MSGPACK_OBJECTS_MAX 16384 /* 128 ports of 16 keys and values each, three times over */

/* Text in messages, in bytes without a terminator; longer is cut by a sender and refused by a receiver */
#define TEXT_NAME_MAX      63  /* process, user, host, interface, software names */
#define TEXT_COMMAND_MAX   255 /* command lines, mount points */
#define TEXT_UNIT_MAX      127 /* systemd unit or container name */
#define TEXT_CONTAINER_MAX 71  /* container id: 64 hex digits and a short prefix */
#define TEXT_REASON_MAX    255

/* Hello */
#define CAPABILITIES_MAX 64
#define SESSION_ID_SIZE  16 /* random; 128 bits can't be guessed or collide */

/* Authentication */
#define AUTH_MESSAGE_MAX 512 /* a Noise message and its payload: XX's largest has 132 bytes */
#define PROOF_SIZE       32  /* BLAKE2b-256 */
#define CONNECTION_WINDOW                                                                                    \
    16384 /* connection numbers that may overtake each other: both listeners' full queues (4,096 each),      \
           * twice                                                                                           \
           */
#define RECORD_PLAIN_MAX 65536 /* bytes in a sealed record: what a receiver holds before it can trust any */
#define RECORDS_A_KEY    65536 /* then the key changes: 4 GiB at most, far below what AES-256-GCM allows */
#define PAIRINGS_MAX     64    /* hosts that an agent knows */
#define PAIRING_ATTEMPTS_MAX                                                                                 \
    3 /* codes shown in one pairing window: 3 chances in a million for one who stands between */

/* Sessions and channels */
#define MUX_CHANNELS_MAX 1024         /* on one mux */
#define MUX_WINDOW       (256 * 1024) /* bytes a channel may have under way: 20 ms at virtio-serial's 11 MB/s */
#define MUX_MESSAGE_MAX                                                                                      \
    (128 * 1024) /* MESSAGE on a mux: half a window, which credit always comes back for                      \
                  */
#define MUX_QUEUE_MAX                                                                                        \
    (512 * 1024) /* unsent bytes a mux channel holds for its owner: one message and a window */
#define STREAM_QUEUE_MAX                                                                                     \
    (512 * 1024) /* unsent bytes of a stream on its own descriptor: one message and as much again */
#define AGENT_CONNECTIONS_MAX                                                                                \
    65536                       /* the agent's streams of all sessions; RLIMIT_NOFILE comes first as a rule */
#define AGENT_SESSIONS_MAX 16   /* control sessions of an agent: several bridges, old ones dying */
#define PENDING_HELLO_MAX  256  /* connections that have not said what they are: oldest goes */
#define REQUESTS_MAX       1024 /* unanswered requests of one session */
#define DIAL_ADDRESSES_MAX 4    /* 127.0.0.1 and ::1, and a bound address of each family */

/* Ports */
#define PORTS_MAX           4096 /* listeners reported of one guest: a hostile guest can't grow the bridge */
#define PORTS_A_MESSAGE_MAX 128  /* × about 700 bytes = 90 KiB */

/* Health */
#define HEALTH_DISKS_MAX     32
#define HEALTH_ADDRESSES_MAX 64
#define HEALTH_USERS_MAX     64

/* Files */
#define FILES_PATHS_MAX                                                                                      \
    64                      /* in one request; a message on a mux holds so many of the usual length, no more \
                             */
#define FILES_PATH_MAX 4095 /* PATH_MAX without its terminator */
#define FILES_NAME_MAX 255  /* NAME_MAX of every usual file system */
#define FILES_LINK_MAX                                                                                       \
    1023 /* longer targets are unheard of; 90 of them, with long names, fit into a message */
#define FILES_ENTRIES_A_MESSAGE_MAX                                                                          \
    256 /* × at most 338 bytes without targets = 85 KiB; 19 objects each, as MSGPACK_OBJECTS_MAX allows */
#define FILES_FAILURES_A_MESSAGE_MAX 64            /* × 300 bytes of text */
#define FILES_CHUNK_SIZE             (1024 * 1024) /* what is verified as one; as FRAME_DATA_MAX */
#define FILES_WINDOW                 4096 /* entries under way: enough for 100,000 small files a second at 40 ms of delay */
#define FILES_DEPTH_MAX              256  /* descriptors of one walk */
#define FILES_CHECK_SIZE             16   /* AEAD_TAG_SIZE */
#define FILES_DIGEST_SIZE            32   /* BLAKE2b-256 */
#define FILES_DIGESTS_BYTES_MAX      4096 /* of 128 chunks: 128 MiB of a file */
#define FILES_ATTRIBUTE_MAX          4096 /* what ext4 keeps of one beside the inode */
#define FILES_CHANGES_A_MESSAGE_MAX  60   /* × 2,077 bytes at most = 122 KiB, within MUX_MESSAGE_MAX */
#define FILES_OPERATIONS_MAX         64   /* of a session: each holds a few MiB at most while it works */
#define OFFERS_MAX                   256  /* a guest can't grow the bridge */
#define OFFERS_A_MESSAGE_MAX         32
#define OFFERS_GONE_A_MESSAGE_MAX    128

/* Events */
#define EVENT_RING_COUNT_MAX 1024
#define EVENT_RING_BYTES_MAX (512 * 1024) /* 1,024 ordinary deltas; beyond it a snapshot costs less */

/* Times, milliseconds */
#define HELLO_TIMEOUT_MS           5000  /* a peer that connects and says nothing */
#define GREETING_TIMEOUT_MS        5000  /* hybrid: CONNECT … OK */
#define SYNC_INTERVAL_MS           1000  /* serial: marker repeated until answered */
#define HEARTBEAT_INTERVAL_MS      5000  /* bridge → agent PING */
#define HEARTBEAT_TIMEOUT_MS       15000 /* bridge: nothing heard for so long = silent */
#define HEARTBEAT_CHECK_TIMEOUT_MS 2000  /* bridge: after a clock jump, the answer is due within this */
#define HEARTBEAT_WATCHDOG_MS      40000 /* agent: a session that heard no PING for so long is dropped */
#define REDIAL_MIN_MS              50
#define REDIAL_MAX_MS              2000
#define REQUEST_TIMEOUT_MS         5000
#define CHANNEL_OPEN_TIMEOUT_MS    10000 /* the guest's connect(2) included */
#define UDP_FLOW_IDLE_MS           90000
#define PAIRING_TIMEOUT_MS         120000 /* people compare a code */
#define PAIRING_WINDOW_MS          300000 /* an agent takes pairings by code for so long after its owner asked */
#define REDIAL_UNTRUSTED_MS        30000 /* after a refusal that only a person can undo */

#endif
