/* SPDX-License-Identifier: MIT */
/* What the agent was told: command line over configuration file over defaults. */
#ifndef HOSPES_AGENT_CONFIG_H
#define HOSPES_AGENT_CONFIG_H

#include <stdbool.h>

#include "agent/features/ports/port_watch.h"
#include "protocol/base/log.h"
#include "protocol/link/spec.h"
#include "protocol/wire/message.h"
#include "services/access/request_class.h"
#include "services/config/config_file.h"

#define AGENT_LISTENERS_MAX  8
#define AGENT_CONFIG_PATH    "/etc/hospes/agent.json"
#define AGENT_SERIAL_PATH    "/dev/virtio-ports/org.hospes.0"
#define AGENT_STATE_DIR      "/var/lib/hospes-agent"
#define AGENT_ADMIN_SOCKET   "/run/hospes-agent/admin.sock"
#define AGENT_SESSION_SOCKET "/run/hospes-agent/session.sock"
#define AGENT_PATH_MAX       1023

struct agent_config {
    size_t listener_count;
    struct link_spec listeners[AGENT_LISTENERS_MAX];
    bool default_listeners;   /* nobody named any: vsock and the virtio-serial port, whichever is there */
    bool vsock_loopback;      /* take vsock peers with CID 1 (for tests inside one guest) */
    enum port_tier port_tier; /* PORT_TIER_AUTO, or forced */
    enum log_level log_level;
    char state_dir[AGENT_PATH_MAX + 1];
    char host_key_file[AGENT_PATH_MAX + 1]; /* "": none */
    char psk_file[AGENT_PATH_MAX + 1];      /* "": none */
    char admin_socket[AGENT_PATH_MAX + 1];
    char session_socket[AGENT_PATH_MAX + 1];
    bool state_dir_given, admin_socket_given; /* on the command line: the file's don't count */
    enum sealing sealing;
    struct request_classes classes;       /* that the owner has left on */
    char files_user[TEXT_NAME_MAX + 1];   /* on whose behalf files are worked on; "": whoever is logged in */
    char outbox[AGENT_PATH_MAX + 1];      /* absolute, or relative to that user's home; "": none */
    char drop_folder[AGENT_PATH_MAX + 1]; /* absolute, or relative to that user's home; "": the user's own */
};

void agent_config_init(struct agent_config *config);
/* One --listen. STATUS_INVALID, STATUS_LIMIT with a sentence. */
int agent_config_add_listener(struct agent_config *config, const char *text,
                              char ret_problem[static CONFIG_PROBLEM_MAX]);
/* --state-dir, --admin-socket. STATUS_INVALID with a sentence: empty or too long. */
int agent_config_set_state_dir(struct agent_config *config, const char *path,
                               char ret_problem[static CONFIG_PROBLEM_MAX]);
int agent_config_set_admin_socket(struct agent_config *config, const char *path,
                                  char ret_problem[static CONFIG_PROBLEM_MAX]);
/* --session-socket. */
int agent_config_set_session_socket(struct agent_config *config, const char *path,
                                    char ret_problem[static CONFIG_PROBLEM_MAX]);
/* Reads the file. A missing one is an error only if `required`. STATUS_MALFORMED with file, line and column.
 */
int agent_config_load(struct agent_config *config, const char *path, bool required,
                      char ret_problem[static CONFIG_PROBLEM_MAX]);

#endif
