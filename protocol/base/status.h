/* SPDX-License-Identifier: MIT */
/* Status codes: 0 is success, negative is an error. libuv's codes (UV_E…, -1 … -4095) pass unchanged;
 * ours lie below -10000, so that one int carries either. */
#ifndef HOSPES_STATUS_H
#define HOSPES_STATUS_H

enum hospes_status {
    STATUS_OK = 0,
    STATUS_MALFORMED = -10001,        /* bytes that the protocol does not allow */
    STATUS_TOO_LARGE = -10002,        /* a length or count above the maximum in limits.h */
    STATUS_VERSION = -10003,          /* no protocol version in common */
    STATUS_UNKNOWN_SESSION = -10004,  /* events or channel names a session that is not there */
    STATUS_NOT_ALLOWED = -10005,      /* refused by policy or configuration */
    STATUS_NOT_SUPPORTED = -10006,    /* the other side lacks the capability */
    STATUS_LIMIT = -10007,            /* too many channels, requests, descriptors … */
    STATUS_SILENT = -10008,           /* no heartbeat answered in time: the link is torn down */
    STATUS_NO_GREETING = -10009,      /* connected, but no answer to the greeting, hello or sync in time */
    STATUS_GREETING_REFUSED = -10010, /* hybrid proxy closed before OK: nobody listens on that port */
    STATUS_NO_SUCH_VM = -10011,       /* vsock ENODEV: no VM has that CID */
    STATUS_DRIVER_DOWN = -10012,      /* vsock ETIMEDOUT: the VM is there, its vsock driver is not (yet) */
    STATUS_NO_AGENT = -10013,         /* vsock ECONNRESET: the guest is up, nobody listens on that port */
    STATUS_NEEDS_AUTHENTICATION = -10014,  /* a connection that belongs to no authenticated session */
    STATUS_UNEXPECTED = -10015,            /* a valid message at a moment where it is not allowed */
    STATUS_GONE = -10016,                  /* the owner ended it: session closed, forward removed, shutdown */
    STATUS_CONFLICT = -10017,              /* a name, port or id is taken already */
    STATUS_NOT_FOUND = -10018,             /* no such guest, forward, port … */
    STATUS_INVALID = -10019,               /* a value outside what the field allows */
    STATUS_NOT_CONNECTED = -10020,         /* the guest's link is down */
    STATUS_COMMAND_ENDED = -10021,         /* exec link: the command ended; its status is in the reason */
    STATUS_NOT_PAIRED = -10022,            /* the agent knows other hosts, and this one is none of them */
    STATUS_KEY_CHANGED = -10023,           /* the other side's key is not the one that was pinned */
    STATUS_AUTHENTICATION_FAILED = -10024, /* a handshake, proof or record is not authentic */
    STATUS_OTHER_KEY = -10025,             /* the handshake was made for an agent with another key */
    STATUS_CODE_NEEDED = -10026,           /* this link pairs only by a code that people compare */
    STATUS_DECLINED = -10027,              /* a person said no, or nobody answered in time */
    STATUS_QUOTA = -10028,                 /* the disk has space, this user has not */
    STATUS_CHANGED = -10029,               /* a file changed again and again while it was read */
};

/* One line of English for any code, ours or libuv's. Never NULL; static storage or a thread-local buffer. */
const char *status_text(int status);

/* The code's stable name ("NO_AGENT", "ECONNREFUSED"), for JSON and logs. Never NULL. */
const char *status_name(int status);

#endif
