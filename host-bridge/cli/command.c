/* SPDX-License-Identifier: MIT */
/* The commands and their options. Parsing is arguments.c, printing this table is help.c. */
#include "host-bridge/cli/command.h"

#include <string.h>

#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"

#define WITH(option)   (UINT64_C(1) << (option))
#define AUDIT_OPERANDS 16 /* verify with all files that a bridge keeps */
#define FILES_OPERANDS ARGUMENTS_OPERANDS_MAX

const struct option COMMAND_OPTIONS[OPTION_COUNT] = {
    [OPTION_SOCKET] = {"--socket", "PATH", "the Host API socket of the bridge"},
    [OPTION_JSON] = {"--json", NULL, "print JSON: one document, or one object a line for streams"},
    [OPTION_QUIET] = {"--quiet", NULL, "print no confirmations and no advice, only data and errors"},
    [OPTION_NO_PROGRESS] = {"--no-progress", NULL, "show no progress while waiting"},
    [OPTION_VERSION] = {"--version", NULL, "print the version and end"},
    [OPTION_HELP] = {"--help", NULL, "print help and end"},
    [OPTION_WATCH] = {"--watch", NULL, "stay, and show every change as it happens"},
    [OPTION_UDP] = {"--udp", NULL, "the UDP port, not the TCP port"},
    [OPTION_BIND] = {"--bind", "ADDR", "listen on this address of the host (default: both loopbacks)"},
    [OPTION_NO_FALLBACK] = {"--no-fallback", NULL, "fail when the host port is taken, take no other"},
    [OPTION_REMOVE] = {"--remove", NULL, "remove the rule with this selector"},
    [OPTION_SINCE] = {"--since", "SEQ", "only events after this sequence number"},
    [OPTION_FOLLOW] = {"--follow", NULL, "stay, and print events as they happen"},
    [OPTION_KEY] = {"--key", "KEY", "the guest's public key, where it is known beforehand"},
    [OPTION_PSK_FILE] = {"--psk-file", "FILE", "a secret that the guest was given, too"},
    [OPTION_EPHEMERAL] = {"--ephemeral", NULL, "the guest makes a new key at each start: keep none"},
    [OPTION_ENCRYPTION] = {"--encryption", "MODE", "auto (default), always or never"},
    [OPTION_YES] = {"--yes", NULL, "accept a changed key without asking; a code is compared all the same"},
    [OPTION_ACCEPT] = {"--accept", "KEY", "accept this key of the guest"},
    [OPTION_CODE] = {"--code", "CODE",
                     "the code that hospes-agent pair shows in the guest: agree if it is ours"},
    [OPTION_LAST] = {"--last", "N", "so many of the newest entries (default 50, at most 1000)"},
    [OPTION_RECURSIVE] = {"--recursive", NULL, "folders, too, with all that is in them"},
    [OPTION_RESUME] = {"--resume", NULL, "go on with what an earlier try left, after a check of it"},
    [OPTION_UPDATE] = {"--update", NULL, "leave out files of the same size and time"},
    [OPTION_CHECKSUM] = {"--checksum", NULL, "compare what is in the files, whatever their times"},
    [OPTION_LINKS] = {"--links", "POLICY",
                      "symbolic links: skip (default), keep those that stay inside, or follow"},
    [OPTION_OWNER] = {"--owner", NULL, "keep user and group, where the receiver may"},
    [OPTION_ATTRIBUTES] = {"--attributes", NULL, "keep extended attributes"},
    [OPTION_NO_CLOBBER] = {"--no-clobber", NULL, "replace nothing: a name that is taken is a failure"},
    [OPTION_RENAME] = {"--rename", NULL, "replace nothing: a name that is taken becomes \"name (1)\""},
    [OPTION_USER] = {"--user", "USER", "on behalf of this user of the guest"},
    [OPTION_VERBOSE] = {"--verbose", NULL, "say at the end what was done"},
    [OPTION_NO_WAIT] = {"--no-wait", NULL, "print the transfer's id and end; the bridge goes on"},
    [OPTION_TO] = {"--to", "DIR", "into this folder of the host"},
    [OPTION_PARENTS] = {"--parents", NULL, "the folders above it, too; a folder that is there is no error"},
};

const char COMMAND_OPTION_LETTERS[OPTION_COUNT] = {
    [OPTION_HELP] = 'h',       [OPTION_RECURSIVE] = 'r', [OPTION_UPDATE] = 'u',
    [OPTION_NO_CLOBBER] = 'n', [OPTION_VERBOSE] = 'v',   [OPTION_PARENTS] = 'p',
};

const struct command COMMANDS[] = {
    {"vms", "", 0, 0, 0, false, "list guests and their state", NULL, command_vms},
    {"add", "NAME SPEC", 2, 2,
     WITH(OPTION_KEY) | WITH(OPTION_PSK_FILE) | WITH(OPTION_EPHEMERAL) | WITH(OPTION_ENCRYPTION), false,
     "configure a guest",
     "SPEC says how the bridge reaches the guest's agent:\n"
     "\n"
     "  vsock:CID[:CONTROL[:EVENTS]]       QEMU, libvirt, Proxmox, Incus, crosvm (AF_VSOCK)\n"
     "  hybrid:PATH                        Firecracker, Cloud Hypervisor, Kata (a Unix socket)\n"
     "  unix:CONTROL_PATH[,EVENTS_PATH]    vfkit, krunkit, libkrun (one Unix socket a port)\n"
     "  serial:PATH                        virtio-serial or a UART: a Unix socket or a device\n"
     "  exec:COMMAND LINE                  ssh, docker, limactl, incus … running hospes-agent --stdio\n"
     "  tcp:HOST[:PORT]                    TCP, always encrypted, paired by a code: hospes pair NAME\n"
     "\n"
     "Quote a SPEC with spaces: hospes add dev 'exec:ssh -T dev hospes-agent --stdio'\n",
     command_add},
    {"remove", "NAME", 1, 1, 0, false, "forget a guest, its forwards and its rules", NULL, command_remove},
    {"status", "[NAME]", 0, 1, 0, false, "health, versions, round-trip time, load, memory, disks, addresses",
     NULL, command_status},
    {"ports", "NAME", 1, 1, WITH(OPTION_WATCH), false, "guest ports: process, policy, address on the host",
     "With --watch the table is drawn anew whenever a port or a forward changes. Into a pipe it prints the\n"
     "table once and then a line for each change; with --json an object a line, the first one a snapshot.\n",
     command_ports},
    {"forward", "NAME GUESTPORT[:HOSTPORT]", 2, 2,
     WITH(OPTION_UDP) | WITH(OPTION_BIND) | WITH(OPTION_NO_FALLBACK), false,
     "make a guest port reachable on the host",
     "Listening guest ports are forwarded by themselves, as the policy says. A forward made here is there\n"
     "always, also before the guest listens, and survives restarts. When the host port is taken, the next\n"
     "free one is used unless --no-fallback is given; the answer says which.\n",
     command_forward},
    {"unforward", "NAME HOSTPORT", 2, 2, WITH(OPTION_UDP), false, "end a forward and its connections",
     "An automatic forward ends too: a rule \"ignore\" for its guest port keeps it away.\n",
     command_unforward},
    {"policy", "NAME [SELECTOR ACTION]", 1, 3, WITH(OPTION_REMOVE), false,
     "list or set the rules that decide which ports are forwarded",
     "SELECTOR  PORT, LOW-HIGH, process:GLOB, command:GLOB, uid:N or unit:GLOB, with /tcp or /udp behind it\n"
     "          for one protocol\n"
     "ACTION    forward, ask, ignore or block\n"
     "\n"
     "The newest rule that matches decides; rules of the configuration file come after the guest's own.\n"
     "hospes policy NAME SELECTOR --remove takes a rule away.\n",
     command_policy},
    {"block", "NAME PORT", 2, 2, 0, false, "never forward this port; close its connections", NULL,
     command_block},
    {"unblock", "NAME PORT", 2, 2, 0, false, "undo block", NULL, command_unblock},
    {"cp", "SRC... DST", 2, FILES_OPERANDS,
     WITH(OPTION_RECURSIVE) | WITH(OPTION_RESUME) | WITH(OPTION_UPDATE) | WITH(OPTION_CHECKSUM) |
         WITH(OPTION_LINKS) | WITH(OPTION_OWNER) | WITH(OPTION_ATTRIBUTES) | WITH(OPTION_NO_CLOBBER) |
         WITH(OPTION_RENAME) | WITH(OPTION_USER) | WITH(OPTION_VERBOSE),
     false, "copy files and folders between host and guests, or from guest to guest",
     "What is in a guest is written NAME:PATH; PATH is absolute, or relative to the home of the user there.\n"
     "A host path with a colon in it is written ./a:b. - as the only SRC is standard input, as DST standard\n"
     "output. Mode and time are kept, every byte is verified, and a file is replaced only once it is whole.\n"
     "\n"
     "A guest that goes away meanwhile is waited for. An interrupt keeps what is there for a day: the same\n"
     "command with --resume goes on. Files that can't be copied are listed at the end, and the status is "
     "1.\n",
     command_cp},
    {"send", "NAME FILE...", 2, FILES_OPERANDS,
     WITH(OPTION_USER) | WITH(OPTION_VERBOSE) | WITH(OPTION_NO_WAIT), false,
     "drop files and folders into the guest's drop folder",
     "Nothing is replaced there: a name that is taken becomes \"name (1)\". It goes on by itself after the\n"
     "guest, or the bridge, was away.\n",
     command_send},
    {"inbox", "[NAME]", 0, 1, 0, false, "what guests offer to this host", NULL, command_inbox},
    {"accept", "ID", 1, 1, WITH(OPTION_TO) | WITH(OPTION_VERBOSE) | WITH(OPTION_NO_WAIT), false,
     "take what a guest offers",
     "Into the guest's folder in your downloads, unless --to names another one.\n", command_accept},
    {"decline", "ID", 1, 1, 0, false, "do not take what a guest offers", NULL, command_decline},
    {"transfers", "[cancel ID]", 0, 2, WITH(OPTION_WATCH), false, "copies that are under way or have ended",
     "The beginning of an ID is enough where only one begins so. cancel removes what was half done.\n"
     "With --watch the table is drawn anew as they go on; into a pipe a line follows for each change.\n",
     command_transfers},
    {"ls", "NAME:PATH", 1, 1, WITH(OPTION_USER), false, "list a folder of the guest", NULL, command_ls},
    {"cat", "NAME:PATH", 1, 1, WITH(OPTION_USER), false, "print a file of the guest", NULL, command_cat},
    {"mkdir", "NAME:PATH", 1, 1, WITH(OPTION_PARENTS) | WITH(OPTION_USER), false,
     "make a folder in the guest", NULL, command_mkdir},
    {"mv", "NAME:FROM NAME:TO", 2, 2, WITH(OPTION_NO_CLOBBER) | WITH(OPTION_USER), false,
     "rename or move within the guest", NULL, command_mv},
    {"rm", "NAME:PATH", 1, 1, WITH(OPTION_RECURSIVE) | WITH(OPTION_USER), false,
     "remove a file or a folder of the guest", NULL, command_rm},
    {"watch", "NAME PATH", 2, 2, WITH(OPTION_USER), false, "what changes beneath a folder of the guest",
     "A line for each change: time, what, path. With --json an object a line.\n", command_watch},
    {"events", "[NAME]", 0, 1, WITH(OPTION_SINCE) | WITH(OPTION_FOLLOW), false,
     "what happened to guests, ports and forwards",
     "Without --follow: the events that the bridge still holds (after SEQ with --since), then end. With\n"
     "--follow: stay and print events as they happen, over restarts of the bridge.\n",
     command_events},
    {"pair", "NAME", 1, 1, WITH(OPTION_YES) | WITH(OPTION_ACCEPT) | WITH(OPTION_CODE), false,
     "know a guest by its key, or accept its new one",
     "Where only the VM manager or this user reaches the guest its first key is taken by itself. Elsewhere\n"
     "(tcp:) run sudo hospes-agent pair in the guest, then this, and compare the code of both.\n"
     "A guest that was reinstalled has another key, and is refused until it is accepted here.\n"
     "Where nobody can be asked it ends with 4 and says what to type.\n",
     command_pair},
    {"unpair", "NAME", 1, 1, 0, false, "forget the guest's key, disconnect, and stay away from it", NULL,
     command_unpair},
    {"identity", "", 0, 0, 0, false, "print this host's key, for sudo hospes-agent trust KEY in a guest",
     NULL, command_identity},
    {"audit", "[NAME] | verify [FILE]...", 0, AUDIT_OPERANDS, WITH(OPTION_LAST), false,
     "what was asked of the bridge, by whom, and how it ended",
     "Without operands all guests, with NAME one of them; the newest entry is the last.\n"
     "verify checks that nobody changed the log or took lines away. It exits 0 when it is intact, 1 when "
     "not,\n"
     "and names the place. With FILEs, the eldest first, it needs no bridge.\n",
     command_audit},
    {"doctor", "", 0, 0, 0, true, "what works here, what does not, and what to do about it",
     "Exits 0 when nothing fails, 1 when something does, 3 when the bridge can't be reached.\n",
     command_doctor},
    {"help", "[COMMAND]", 0, 1, 0, true, "explain a command", NULL, command_help},
};

const size_t COMMANDS_COUNT = sizeof(COMMANDS) / sizeof(COMMANDS[0]);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    }
    return NULL;
}

bool command_takes(const struct command *command, enum option_id option)
{
    return option < OPTION_GLOBAL_COUNT || (command->options & WITH(option)) != 0;
}

enum { NAME_MAX_COMPARED = 15 };

/* Insertions, deletions, changes and swaps of neighbours; both texts at most NAME_MAX_COMPARED long. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[NAME_MAX_COMPARED + 1][NAME_MAX_COMPARED + 1];
    size_t a_size = strlen(a), b_size = strlen(b);
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        rows[i][0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t best = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            size_t step = (rows[i - 1][j] < rows[i][j - 1] ? rows[i - 1][j] : rows[i][j - 1]) + 1;
            best = step < best ? step : best;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && rows[i - 2][j - 2] + 1 < best)
                best = rows[i - 2][j - 2] + 1;
            rows[i][j] = best;
        }
    }
    return rows[a_size][b_size];
}

const struct command *command_nearest(const char *name)
{
    const struct command *nearest = NULL;
    size_t length = strlen(name);
    size_t best = length <= 3 ? 2 : 3; /* distances below this are near */
    if (length < 2 || length > NAME_MAX_COMPARED)
        return NULL;
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        size_t distance = edit_distance(name, COMMANDS[i].name);
        if (strncmp(name, COMMANDS[i].name, length) == 0)
            distance = 1;
        if (distance < best) {
            best = distance;
            nearest = &COMMANDS[i];
        }
    }
    return nearest;
}
