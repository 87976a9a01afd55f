/* SPDX-License-Identifier: MIT */
/* doctor's advice for a machine without guests: what to type for each VM manager, those found here first; and
 * the host's kernel modules that vsock needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-bridge/cli/doctor.h"
#include "host-bridge/cli/platform/host_facts.h"

#define MANAGER_PROGRAMS_MAX 3
#define MANAGER_STEPS_MAX    6

struct manager {
    const char *name;
    const char *programs[MANAGER_PROGRAMS_MAX]; /* any of them in PATH: it is installed here */
    const char *steps[MANAGER_STEPS_MAX];       /* ended by NULL when fewer; "@" is a folder for sockets */
};

static const struct manager MANAGERS[] = {
    {"QEMU",
     {"qemu-system-x86_64", "qemu-system-aarch64", "kvm"},
     {"add to its command line:  -device vhost-vsock-pci,guest-cid=42    (any number from 3 on, one for each "
      "VM)",
      "then:                     hospes add NAME vsock:42",
      "or, without vsock:        -device virtio-serial-pci -chardev "
      "socket,id=hospes,path=@/NAME.sock,server=on,wait=off",
      "                          -device virtserialport,chardev=hospes,name=org.hospes.0",
      "then:                     hospes add NAME serial:@/NAME.sock"}},
    {"libvirt",
     {"virsh", "virt-manager", NULL},
     {"virsh edit NAME, inside <devices>:  <vsock model='virtio'><cid auto='no' address='42'/></vsock>",
      "then, after a restart of the VM:    hospes add NAME vsock:42",
      "or, without vsock:                  <channel type='unix'><target type='virtio' "
      "name='org.hospes.0'/></channel>",
      "then:                               hospes add NAME serial:PATH    (virsh dumpxml NAME shows <source "
      "mode='bind' path=…>)"}},
    {"Firecracker",
     {"firecracker", NULL, NULL},
     {"before the VM starts:  curl --unix-socket API.sock -X PUT http://localhost/vsock -d "
      "'{\"guest_cid\":3,\"uds_path\":\"@/NAME.vsock\"}'",
      "then:                  hospes add NAME hybrid:@/NAME.vsock"}},
    {"Cloud Hypervisor",
     {"cloud-hypervisor", NULL, NULL},
     {"add to its command line:  --vsock cid=3,socket=@/NAME.vsock",
      "then:                     hospes add NAME hybrid:@/NAME.vsock"}},
    {"vfkit, krunkit",
     {"vfkit", "krunkit", NULL},
     {"add to its command line:  --device virtio-vsock,port=5002,socketURL=@/NAME-5002.sock,connect",
      "                          --device virtio-vsock,port=5003,socketURL=@/NAME-5003.sock,connect",
      "then:                     hospes add NAME unix:@/NAME-5002.sock,@/NAME-5003.sock"}},
    {"any other, by a command",
     {"limactl", "incus", "docker"},
     {"ssh:                      hospes add NAME 'exec:ssh -T -o BatchMode=yes GUEST hospes-agent --stdio'",
      "Lima, Incus, Docker:      hospes add NAME 'exec:limactl shell NAME sudo hospes-agent --stdio'",
      "                          'exec:incus exec NAME -- hospes-agent --stdio', 'exec:docker exec -i NAME "
      "hospes-agent --stdio'"}},
};

static bool is_installed(const struct manager *manager)
{
    for (size_t i = 0; i < MANAGER_PROGRAMS_MAX && manager->programs[i] != NULL; i++) {
        if (host_facts_has_program(manager->programs[i]))
            return true;
    }
    return false;
}

/* A folder that is this user's own: a socket in /tmp could be somebody else's. */
static const char *socket_folder(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (geteuid() == 0)
        return "/run";
    return runtime != NULL && runtime[0] == '/' ? runtime : "/run/user/UID";
}

static void advise_step(struct doctor *doctor, const char *step)
{
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return;
    for (; *step != '\0'; step++) {
        if (*step == '@')
            fputs(socket_folder(), out);
        else
            fputc(*step, out);
    }
    if (fclose(out) == 0)
        doctor_advise(doctor, "%s", line);
    free(line);
}

static void advise_managers(struct doctor *doctor, bool installed)
{
    for (size_t i = 0; i < sizeof(MANAGERS) / sizeof(MANAGERS[0]); i++) {
        const struct manager *manager = &MANAGERS[i];
        if (is_installed(manager) != installed)
            continue;
        doctor_find(doctor, FINDING_INFO, manager->name,
                    installed ? "found on this machine" : "not found in PATH");
        for (size_t j = 0; j < MANAGER_STEPS_MAX && manager->steps[j] != NULL; j++)
            advise_step(doctor, manager->steps[j]);
    }
}

void doctor_advise_setup(struct doctor *doctor)
{
    if (doctor->bridge_reachable && json_array_size(doctor->guests) > 0)
        return;
    doctor_find(doctor, doctor->bridge_reachable ? FINDING_WARN : FINDING_INFO, "guests",
                doctor->bridge_reachable ? "none is configured yet; three steps lead to the first"
                                         : "once the bridge runs, three steps lead to the first one");
    doctor_advise(doctor, "1. Give the VM a line to this host; for each VM manager the lines are below.");
    doctor_advise(doctor, "2. In the guest, install the hospes-agent package and start it:  sudo systemctl "
                          "enable --now hospes-agent");
    doctor_advise(doctor, "3. Here, tell the bridge:  hospes add NAME SPEC, with the SPEC from below; then  "
                          "hospes status NAME");
    advise_managers(doctor, true);
    advise_managers(doctor, false);
}

static void advise_load(struct doctor *doctor, const struct vsock_facts *facts)
{
    if (facts->module_available) {
        doctor_advise(doctor, "Now:           sudo modprobe vhost_vsock");
        doctor_advise(doctor,
                      "At each boot:  echo vhost_vsock | sudo tee /etc/modules-load.d/vhost_vsock.conf");
    } else {
        doctor_advise(
            doctor, "The running kernel has no module vhost_vsock (a small cloud kernel, a container, or an "
                    "update that waits for a reboot):");
        doctor_advise(doctor,
                      "install the distribution's full kernel, or use serial: (virtio-serial) links, which "
                      "need nothing of the host.");
    }
}

void doctor_check_vsock(struct doctor *doctor)
{
    struct vsock_facts facts;
    host_facts_vsock(&facts);
    if (!facts.applies || !doctor->needs_vsock)
        return;
    if (facts.host_module || facts.host_device) {
        doctor_find(doctor, FINDING_OK, "vsock",
                    facts.host_module ? "the host's module vhost_vsock is loaded"
                                      : "/dev/vhost-vsock is there");
        if (facts.host_device && !facts.device_allowed)
            doctor_advise(doctor,
                          "/dev/vhost-vsock is not open to you; a QEMU that you start yourself needs it:  "
                          "sudo usermod -aG kvm $USER, and log in anew");
    } else {
        doctor_find(doctor, FINDING_WARN, "vsock",
                    "the host's module vhost_vsock is not loaded: QEMU's and libvirt's VMs can't have a "
                    "vsock device");
        advise_load(doctor, &facts);
        doctor_advise(doctor, "hybrid:, unix:, serial: and exec: links work without it.");
    }
    if (facts.is_guest)
        doctor_find(doctor, FINDING_INFO, "vsock",
                    "this machine is itself a VM: a CID that no VM here has may reach the host around it");
}
