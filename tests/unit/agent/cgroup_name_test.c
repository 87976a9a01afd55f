/* SPDX-License-Identifier: MIT */
/* agent/platform/cgroup_name: groups of systemd and of container engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/platform/cgroup_name.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct example {
    const char *path;
    const char *unit;
    const char *container;
};

static void path_gives_unit_and_container(void **state)
{
    static const struct example EXAMPLES[] = {
        {"/", "", ""},
        {"", "", ""},
        {"/system.slice/nginx.service", "nginx.service", ""},
        {"/user.slice/user-1000.slice/user@1000.service/app.slice/vite.service", "vite.service", ""},
        {"/user.slice/user-1000.slice/session-3.scope", "session-3.scope", ""},
        {"/system.slice/web.service/workers", "web.service", ""},
        {"/system.slice/docker-" ID ".scope", "", "docker:" ID},
        {"/docker/" ID, "", "docker:" ID},
        {"/docker/" ID "/init.scope", "init.scope", "docker:" ID},
        {"/machine.slice/libpod-" ID ".scope/container", "", "podman:" ID},
        {"/kubepods.slice/kubepods-pod1234.slice/cri-containerd-" ID ".scope", "", "cri:" ID},
        {"/kubepods.slice/kubepods-pod1234.slice/crio-" ID ".scope", "", "crio:" ID},
        {"/kubepods/besteffort/pod1234/" ID, "", "cri:" ID},
        {"/default/" ID, "", "oci:" ID},
        {"/lxc.payload.web", "", "lxc:web"},
        {"/system.slice/docker-short.scope", "docker-short.scope", ""},
        {"/system.slice/.service", "", ""},
    };
    for (size_t i = 0; i < sizeof(EXAMPLES) / sizeof(EXAMPLES[0]); i++) {
        char unit[TEXT_UNIT_MAX + 1];
        char container[TEXT_CONTAINER_MAX + 1];
        cgroup_name(EXAMPLES[i].path, strlen(EXAMPLES[i].path), unit, container);
        assert_string_equal(unit, EXAMPLES[i].unit);
        assert_string_equal(container, EXAMPLES[i].container);
    }
}

static void long_components_are_cut(void **state)
{
    char path[4096];
    char unit[TEXT_UNIT_MAX + 1];
    char container[TEXT_CONTAINER_MAX + 1];
    memset(path, 'u', sizeof(path));
    path[0] = '/';
    memcpy(path + sizeof(path) - 8, ".service", 8);
    cgroup_name(path, sizeof(path), unit, container);
    assert_int_equal(strlen(unit), TEXT_UNIT_MAX);
    memcpy(path, "/lxc.payload.", 13);
    cgroup_name(path, sizeof(path), unit, container);
    assert_int_equal(strlen(container), TEXT_CONTAINER_MAX);
}

static void assert_path(const char *text, const char *expected)
{
    size_t size;
    const char *path = cgroup_path_of(text, strlen(text), &size);
    if (expected == NULL) {
        assert_null(path);
        return;
    }
    assert_non_null(path);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(path, expected, size);
}

static void path_is_found_in_both_versions(void **state)
{
    assert_path("0::/system.slice/a.service\n", "/system.slice/a.service");
    assert_path("0::/system.slice/a.service", "/system.slice/a.service");
    assert_path("12:pids:/x\n1:name=systemd:/system.slice/a.service\n0::/\n", "/system.slice/a.service");
    assert_path("0::/\n1:name=systemd:/system.slice/a.service\n", "/system.slice/a.service");
    assert_path("0::/with:colon\n", "/with:colon");
    assert_path("nonsense\n\n::\n", NULL);
    assert_path("", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_gives_unit_and_container),
        cmocka_unit_test(long_components_are_cut),
        cmocka_unit_test(path_is_found_in_both_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
