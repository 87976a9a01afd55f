/* SPDX-License-Identifier: MIT */
/* Answers of a Host API, as docs/openapi.yaml describes them. For tests only. */
#ifndef HOSPES_TEST_FIXTURES_H
#define HOSPES_TEST_FIXTURES_H

#define GUEST_WEB                                                                                            \
    "{\"name\":\"web\",\"link\":\"vsock:3\",\"state\":\"connected\",\"since\":\"2026-01-31T12:00:00.000Z\"," \
    "\"agent\":{\"version\":\"0.1.0\",\"os\":\"Linux 6.1.0\",\"arch\":\"x86_64\",\"hostname\":\"web-1\"},"   \
    "\"capabilities\":[\"ports\"],\"error\":null}"
#define GUEST_DB                                                                                             \
    "{\"name\":\"db\",\"link\":\"serial:/run/db.sock\",\"state\":\"connecting\","                            \
    "\"since\":\"2026-01-31T12:00:00.000Z\",\"agent\":null,\"capabilities\":[],"                             \
    "\"error\":{\"code\":\"NO_GREETING\",\"message\":\"connected, but nothing answered in time\"}}"
#define GUESTS_ANSWER "{\"vms\":[" GUEST_DB "," GUEST_WEB "]}"

#define HEALTH_ANSWER                                                                                        \
    "{\"status\":\"ok\",\"liveness\":{\"vm\":\"alive\",\"agent\":\"alive\",\"requestsPending\":0,"           \
    "\"requestQuietMs\":0},\"rttMs\":0.21,\"lastSeen\":\"2026-01-31T12:00:00.000Z\",\"uptimeSec\":90061,"    \
    "\"agentUptimeSec\":61,\"load1\":0.5,\"load5\":0.25,\"load15\":0.125,\"memory\":{\"total\":2147483648,"  \
    "\"available\":1073741824},\"disks\":[{\"mount\":\"/\",\"type\":\"ext4\",\"total\":10737418240,"         \
    "\"available\":5368709120}],\"addresses\":[{\"interface\":\"eth0\",\"address\":\"10.0.2.15\"}],"         \
    "\"users\":[{\"name\":\"ann\",\"seat\":\"tty1\",\"since\":\"2026-01-31T12:00:00.000Z\"}]}"

#define FORWARD_WEB                                                                                          \
    "{\"id\":\"tcp-80\",\"kind\":\"auto\",\"protocol\":\"tcp\",\"guestAddress\":\"127.0.0.1\","              \
    "\"guestPort\":80,\"hostAddress\":\"127.0.0.1\",\"hostPort\":8080,\"requestedHostPort\":80,"             \
    "\"url\":\"http://localhost:8080/\",\"state\":\"active\",\"reason\":\"80 is held by apache (pid 5)\","   \
    "\"connections\":0,\"bytesIn\":0,\"bytesOut\":0}"
#define FORWARD_FAILED                                                                                       \
    "{\"id\":\"static-1\",\"kind\":\"static\",\"protocol\":\"tcp\",\"guestAddress\":\"127.0.0.1\","          \
    "\"guestPort\":22,\"hostAddress\":\"127.0.0.1\",\"hostPort\":null,\"requestedHostPort\":2222,"           \
    "\"url\":null,\"state\":\"failed\",\"reason\":\"2222 is held by sshd (pid 9)\",\"connections\":0,"       \
    "\"bytesIn\":0,\"bytesOut\":0}"
#define FORWARDS_ANSWER "{\"forwards\":[" FORWARD_FAILED "," FORWARD_WEB "]}"

#define PORT_WEB                                                                                             \
    "{\"protocol\":\"tcp\",\"address\":\"0.0.0.0\",\"port\":80,\"process\":{\"pid\":7,\"name\":\"nginx\","   \
    "\"command\":\"nginx\",\"uid\":0,\"unit\":\"nginx.service\",\"container\":null},\"policy\":\"forward\"," \
    "\"policyReason\":\"default\",\"forward\":" FORWARD_WEB "}"
#define PORTS_ANSWER "{\"ports\":[" PORT_WEB "]}"

#define PROBLEM(code, message, hint)                                                                         \
    "{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\",\"hint\":" hint "}}"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
