/* SPDX-License-Identifier: MIT */
/* The table of error codes with their remedies. The codes are those of protocol/base/status.h and libuv's;
 * the first entry that fits is taken, so that a kind of link stands before the general case. */
#include "host-bridge/cli/remedy.h"

#include <stddef.h>
#include <string.h>

#include "host-bridge/cli/link_hint.h"

#define START_AGENT                                                                                          \
    "In the guest:  sudo systemctl enable --now hospes-agent  (its log: journalctl -u hospes-agent -e)"

static const struct remedy REMEDIES[] = {
    {"NO_SUCH_VM",
     NULL,
     false,
     "no running VM on this host has that CID",
     {"Start the VM; the bridge connects by itself then.",
      "Is it the right CID? QEMU: guest-cid=N on its command line. libvirt: virsh dumpxml NAME | grep -A3 "
      "'<vsock'",
      "With <cid auto='yes'/> the CID may differ after each start; give it a fixed one: <cid auto='no' "
      "address='42'/>"}},
    {"DRIVER_DOWN",
     NULL,
     true,
     "the VM is there, but its vsock driver does not answer: it boots, hangs, or lacks the driver",
     {"Wait for the boot to finish; the bridge tries again by itself.",
      "In the guest:  sudo modprobe vmw_vsock_virtio_transport",
      "At each boot:  echo vmw_vsock_virtio_transport | sudo tee /etc/modules-load.d/hospes.conf"}},
    {"NO_AGENT",
     NULL,
     true,
     "the guest is up, but no agent listens on that port",
     {START_AGENT, "Not installed yet: copy the hospes-agent package into the guest and install it.",
      "The agent listens on vsock:5002:5003 unless told otherwise; another port goes into both: "
      "vsock:CID:CONTROL:EVENTS"}},
    {"GREETING_REFUSED",
     NULL,
     true,
     "the VM manager is there, but it refused the connection: no agent listens on port 5002 yet",
     {START_AGENT, "The guest's kernel needs virtio vsock: sudo modprobe vmw_vsock_virtio_transport (on MMIO "
                   "it is not loaded by itself)."}},
    {"NO_GREETING",
     "serial",
     true,
     "the device is open, but no agent answers on it",
     {START_AGENT, "In the guest, is the port there?  ls -l /dev/virtio-ports/org.hospes.0",
      "Another program may hold the socket: only one client of a chardev is served at a time. Who:  sudo ss "
      "-xp | grep PATH",
      "Another name or a UART: name the device to the agent, --listen serial:/dev/…"}},
    {"NO_GREETING",
     "exec",
     true,
     "the command runs, but no agent answers through it",
     {"Run the command by hand; it must start \"hospes-agent --stdio\" in the guest without asking for "
      "anything.",
      "ssh: use -T and a key (-o BatchMode=yes), so that it neither asks for a password nor opens a "
      "terminal."}},
    {"NO_GREETING",
     NULL,
     true,
     "something accepted the connection, but no agent answers behind it",
     {START_AGENT, "A proxy of the VM manager accepts before the guest does; the guest may still be booting.",
      "Is it the right socket or port? Another service may answer there."}},
    {"SILENT",
     NULL,
     false,
     "it was connected, but no heartbeat is answered: the guest is paused, overloaded or hung",
     {"Is the VM paused or suspended? Resume it; the bridge connects by itself then.",
      "If the guest works otherwise:  sudo systemctl restart hospes-agent  in it"}},
    {"NEEDS_AUTHENTICATION",
     NULL,
     false,
     "bridge and agent do not agree on how to prove who they are",
     {"Update the older of the two: hospes --version here, hospes-agent --version in the guest."}},
    {"KEY_CHANGED",
     NULL,
     false,
     "the guest has another key than when it was paired: it was reinstalled or cloned, or is another machine",
     {"If you know why, accept the new key:  hospes pair NAME",
      "If not: somebody else may answer in its place."}},
    {"OTHER_KEY",
     NULL,
     false,
     "the guest has another key than the one this host knows",
     {"If you know why, accept the new key:  hospes pair NAME"}},
    {"NOT_PAIRED",
     NULL,
     false,
     "guest and host are not paired: the guest knows other hosts only, or somebody said hospes unpair",
     {"The guest refuses this host: in the guest  sudo hospes-agent trust KEY,  with the key that hospes "
      "identity "
      "prints here.",
      "It was unpaired here:  hospes pair NAME"}},
    {"CODE_NEEDED",
     NULL,
     false,
     "others can reach this link, so the guest is trusted only after a code was compared",
     {"In the guest:  sudo hospes-agent pair", "Then here:  hospes pair NAME"}},
    {"DECLINED",
     NULL,
     false,
     "the pairing was declined, or nobody answered in time",
     {"Once more: in the guest  sudo hospes-agent pair,  then here  hospes pair NAME"}},
    {"AUTHENTICATION_FAILED",
     NULL,
     false,
     "the other side could not prove who it is",
     {"Is it the right guest? Another program may answer at this link.",
      "With a provisioned secret: it must be the same on both sides (\"pskFile\" here, hospes.psk in the "
      "guest).",
      "If it stays so, pair anew:  hospes unpair NAME,  then hospes pair NAME"}},
    {"ECONNREFUSED",
     "exec",
     false,
     "the command could not connect",
     {"Run the command by hand and see what it says."}},
    {"ECONNREFUSED",
     NULL,
     false,
     "the socket's file is there, but nobody listens on it: the VM has ended",
     {"Start the VM; its VM manager makes the socket anew.",
      "Is it the socket that the VM's configuration names today? hospes remove and hospes add change it."}},
    {"ENOENT",
     "exec",
     false,
     "the command does not exist",
     {"Give the program's full path: the bridge's PATH may differ from yours."}},
    {"ENOENT",
     NULL,
     false,
     "the path of the link does not exist: the VM does not run, or it makes its socket elsewhere",
     {"Start the VM, and compare the path with the VM's configuration.",
      "QEMU: the chardev's path=, with server=on. Firecracker: uds_path. Cloud Hypervisor: --vsock "
      "…,socket=. vfkit: socketURL="}},
    {"EACCES",
     NULL,
     false,
     "the bridge's user may not open the link's socket or device",
     {"libvirt's sockets belong to libvirt-qemu: run the bridge as root, or use a vsock device (it needs no "
      "permission).",
      "A serial device: add the bridge's user to its group (ls -l shows it, often dialout) and log in "
      "anew."}},
    {"EPERM",
     NULL,
     false,
     "the kernel forbids the bridge to open the link",
     {"A sandbox may be the reason: look at the unit's RestrictAddressFamilies= (AF_VSOCK, AF_UNIX) and at "
      "AppArmor's or SELinux's log."}},
    {"EAFNOSUPPORT",
     NULL,
     false,
     "this host's kernel has no AF_VSOCK",
     {"sudo modprobe vhost_vsock", "In a container: the host must load it and hand /dev/vhost-vsock in."}},
    {"ENOTSOCK",
     NULL,
     false,
     "the path of the link is not a socket",
     {"Compare it with the VM's configuration."}},
    {"EBUSY", NULL, false, "another program has the device open", {"Find and stop it:  sudo fuser -v PATH"}},
    {"EMFILE",
     NULL,
     false,
     "the bridge has no file descriptors left",
     {"Raise its limit: LimitNOFILE=65536 in its unit, or ulimit -n before starting it."}},
    {"COMMAND_ENDED",
     NULL,
     false,
     "the link's command ended",
     {"Run it by hand: it must start \"hospes-agent --stdio\" in the guest and keep running.",
      "ssh: a key without passphrase or an agent is needed; the bridge can't answer questions (-o "
      "BatchMode=yes shows why)."}},
    {"VERSION",
     NULL,
     false,
     "bridge and agent have no protocol version in common",
     {"Update the older of the two."}},
    {"MALFORMED",
     NULL,
     false,
     "what answers there does not speak this protocol",
     {"Is another service on that port or socket? The agent's ports are 5002 and 5003.",
      "Else update agent and bridge to one release."}},
    {"TOO_LARGE",
     NULL,
     false,
     "what answers there sends more than the protocol allows",
     {"Is another service on that port or socket? Else update agent and bridge to one release."}},
    {"NOT_ALLOWED",
     NULL,
     false,
     "refused by the configuration of the agent or the bridge",
     {"Look at /etc/hospes/agent.json in the guest and at the agent's log."}},
    {"INVALID",
     NULL,
     false,
     "the link's specification is not valid",
     {"hospes help add lists the forms; hospes remove and hospes add change it."}},
    {"ETIMEDOUT",
     NULL,
     true,
     "no answer in time: the guest boots, is paused or overloaded",
     {"The bridge tries again by itself. If it stays so, look at the guest's console."}},
    {"ECONNRESET",
     NULL,
     true,
     "the connection broke: the guest or its VM manager restarted",
     {"The bridge connects again by itself."}},
};

static const struct remedy UNKNOWN = {"",
                                      NULL,
                                      false,
                                      "the link does not work",
                                      {"The bridge's log says more:  journalctl --user -u hospes-bridge -e"}};

static const struct remedy NEVER_TRIED = {
    "", NULL, true, "the bridge has not reached it yet", {"Wait a moment and ask again: hospes vms"}};

const struct remedy *remedy_find(const char *code, const char *link)
{
    if (code[0] == '\0')
        return &NEVER_TRIED;
    for (size_t i = 0; i < sizeof(REMEDIES) / sizeof(REMEDIES[0]); i++) {
        const struct remedy *remedy = &REMEDIES[i];
        if (strcmp(remedy->code, code) == 0 && (remedy->link == NULL || link_hint_is(link, remedy->link)))
            return remedy;
    }
    if (strcmp(code, "EPIPE") == 0 || strcmp(code, "EOF") == 0)
        return remedy_find("ECONNRESET", link);
    return strcmp(code, "ENFILE") == 0 ? remedy_find("EMFILE", link) : &UNKNOWN;
}

static const struct {
    const char *code, *step;
} FILE_STEPS[] = {
    {"ENOSPC", "make room on the receiving side; hospes cp --resume then goes on"},
    {"QUOTA", "the user's quota is used up: make room, or raise it; hospes cp --resume then goes on"},
    {"EROFS", "the file system is mounted read-only: choose another folder"},
    {"EACCES", "in the guest it is done on behalf of a user: --user names another one"},
    {"EPERM", "in the guest it is done on behalf of a user: --user names another one"},
    {"EEXIST", "--rename keeps both; without --no-clobber the old one is replaced"},
    {"EISDIR", "-r takes folders, too"},
    {"ENAMETOOLONG", "the receiving file system takes names of at most 255 bytes: shorten it"},
    {"ELOOP", "--links keep or --links follow says what becomes of symbolic links"},
    {"CHANGED", "something writes to it: try again when that has ended"},
    {"NOT_SUPPORTED", "update the guest's agent, or ask its owner to switch the class \"files\" on"},
    {"NOT_ALLOWED", "the configuration of the agent or the bridge forbids it"},
    {"NOT_CONNECTED", "hospes status says why the guest is not connected"},
    {"LIMIT", "too much is under way at once: hospes transfers shows it"},
};

const char *remedy_file_step(const char *code)
{
    for (size_t i = 0; i < sizeof(FILE_STEPS) / sizeof(FILE_STEPS[0]); i++) {
        if (strcmp(FILE_STEPS[i].code, code) == 0)
            return FILE_STEPS[i].step;
    }
    return NULL;
}
