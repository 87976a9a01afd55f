/* SPDX-License-Identifier: MIT */
/* What doctor asks this host's operating system. Reads only; never opens an AF_VSOCK socket. */
#ifndef HOSPES_CLI_HOST_FACTS_H
#define HOSPES_CLI_HOST_FACTS_H

#include <stdbool.h>
#include <stdint.h>

struct vsock_facts {
    bool applies;          /* false: this system has no AF_VSOCK to speak of */
    bool socket_module;    /* sockets of the family can be made (loaded, or built in) */
    bool host_module;      /* vhost_vsock is loaded: VMs can have a vsock device */
    bool host_device;      /* /dev/vhost-vsock is there: it is, or loads itself when opened */
    bool device_allowed;   /* this user may open it */
    bool module_available; /* the running kernel has the module on disk */
    bool is_guest;         /* this host is itself a VM with vsock */
};

void host_facts_vsock(struct vsock_facts *ret);

/* The open-files limits of a process; false when they can't be read. UINT64_MAX = unlimited. */
bool host_facts_descriptor_limit(long pid, uint64_t *ret_soft, uint64_t *ret_hard);

/* Whether a program is in one of the folders of PATH. */
bool host_facts_has_program(const char *name);

#endif
