/* SPDX-License-Identifier: MIT */
/* doctor's look at the bridge: its socket, whether it answers, who may reach it, its version and limits. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/doctor.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/platform/host_facts.h"
#include "host-bridge/cli/problem.h"

#define DESCRIPTORS_WANTED 4096 /* a forwarded connection takes two; a busy browser opens hundreds */

static void find_socket_origin(struct doctor *doctor)
{
    static const char *const ORIGINS[] = {
        [SOCKET_FROM_OPTION] = "from --socket",
        [SOCKET_FROM_VARIABLE] = "from HOSPES_SOCKET",
        [SOCKET_FROM_RUNTIME_DIR] = "beneath XDG_RUNTIME_DIR",
        [SOCKET_FROM_DEFAULT] = "the default",
    };
    const struct cli *cli = doctor->cli;
    doctor_find(doctor, FINDING_INFO, "socket", "%s (%s)", cli->socket_path, ORIGINS[cli->socket_origin]);
    if (cli->socket_origin == SOCKET_FROM_DEFAULT && geteuid() != 0)
        doctor_advise(doctor,
                      "XDG_RUNTIME_DIR is not set, as after su or in cron; if the bridge is elsewhere, "
                      "set HOSPES_SOCKET.");
}

static void advise_start(struct doctor *doctor)
{
    if (!host_facts_has_program("hospes-bridge")) {
        doctor_advise(doctor,
                      "The program hospes-bridge is not in PATH: install the package with the bridge, "
                      "or name the program's full path.");
    }
    doctor_advise(doctor, "Now and at each login:  systemctl --user enable --now hospes-bridge");
    doctor_advise(doctor, "Or in a terminal:       hospes-bridge");
    doctor_advise(doctor, "Its log, if it ends:    journalctl --user -u hospes-bridge -e");
}

static void find_unreachable(struct doctor *doctor, const struct client_answer *answer)
{
    const char *hint = NULL;
    const char *text = problem_text(answer, &hint);
    bool absent =
        answer->failure == CLIENT_UNREACHABLE && problem_status(answer) == CLI_UNREACHABLE &&
        (answer->os_error == ENOENT || answer->os_error == ENOTDIR || answer->os_error == ECONNREFUSED);
    doctor_find(doctor, FINDING_FAIL, "bridge", "%s", text);
    if (absent) {
        advise_start(doctor);
        if (answer->os_error == ECONNREFUSED)
            doctor_advise(doctor, "The socket's file remains of a bridge that ended; a new one replaces it.");
    } else if (hint != NULL) {
        doctor_advise(doctor, "%s", hint);
    }
}

static void check_permissions(struct doctor *doctor)
{
    struct stat info;
    const char *path = doctor->cli->socket_path;
    if (stat(path, &info) != 0)
        return;
    if ((info.st_mode & 0077) != 0) {
        doctor_find(doctor, FINDING_WARN, "permissions", "other users may open the socket (mode %04o)",
                    (unsigned)(info.st_mode & 07777));
        doctor_advise(doctor, "Close it:  chmod 0600 %s", path);
    } else if (info.st_uid != geteuid()) {
        doctor_find(doctor, FINDING_INFO, "permissions", "the bridge is that of uid %lu; you use it as root",
                    (unsigned long)info.st_uid);
    } else {
        doctor_find(doctor, FINDING_OK, "permissions", "only you can open the socket");
    }
}

static void check_version(struct doctor *doctor, const char *version)
{
    if (strcmp(version, HOSPES_VERSION) == 0) {
        doctor_find(doctor, FINDING_OK, "bridge", "runs, version %s", version);
        return;
    }
    doctor_find(doctor, FINDING_WARN, "bridge", "runs, version %s, but this program is %s", version,
                HOSPES_VERSION);
    doctor_advise(doctor, "Install both from one release, then:  systemctl --user restart hospes-bridge");
}

static void check_descriptors(struct doctor *doctor)
{
    uint64_t soft = 0, hard = 0;
    if (doctor->bridge_pid <= 0 || !host_facts_descriptor_limit(doctor->bridge_pid, &soft, &hard))
        return;
    if (soft >= DESCRIPTORS_WANTED) {
        doctor_find(doctor, FINDING_OK, "descriptors",
                    "the bridge may open %llu files, enough for %llu connections", (unsigned long long)soft,
                    (unsigned long long)soft / 2);
        return;
    }
    doctor_find(doctor, FINDING_WARN, "descriptors",
                "the bridge may open only %llu files: about %llu connections", (unsigned long long)soft,
                (unsigned long long)soft / 2);
    doctor_advise(doctor,
                  "In its unit:  systemctl %sedit hospes-bridge, then [Service] and LimitNOFILE=65536",
                  geteuid() == 0 ? "" : "--user ");
    doctor_advise(doctor, "In a shell:   ulimit -n %d, before starting it", DESCRIPTORS_WANTED);
}

void doctor_check_bridge(struct doctor *doctor)
{
    struct client_request request = {.method = "GET", .path = "/api/v1/health"};
    struct client_answer answer;
    find_socket_origin(doctor);
    client_perform(doctor->cli->client, &request, &answer, 1);
    if (problem_status(&answer) != CLI_DONE) {
        find_unreachable(doctor, &answer);
    } else {
        doctor->bridge_reachable = true;
        client_probe(doctor->cli->socket_path, &doctor->bridge_pid);
        check_version(doctor, json_view_text(answer.json, "version", "unknown"));
        check_permissions(doctor);
        check_descriptors(doctor);
    }
    client_answer_finish(&answer);
}
