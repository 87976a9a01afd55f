/* SPDX-License-Identifier: MIT */
/* agent/features/health and the platform files behind it, system_describe too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <utmp.h>

#include <cmocka.h>

#include "agent/features/health.h"
#include "agent/platform/linux_health.h"
#include "agent/platform/linux_mounts.h"
#include "agent/platform/linux_users.h"
#include "agent/platform/system.h"
#include "protocol/base/clock.h"

static const char MOUNTS[] = "21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
                             "22 21 0:20 / /proc rw - proc proc rw\n"
                             "23 21 0:21 / /dev/shm rw - tmpfs tmpfs rw\n"
                             "24 21 254:2 / /home/some\\040one rw shared:3 master:4 - xfs /dev/vdb rw\n"
                             "25 21 254:2 /x /srv rw - xfs /dev/vdb rw\n"
                             "26 21 0:40 / /mnt/nfs rw - nfs4 server:/x rw\n"
                             "27 26 254:3 / /mnt/nfs/disk rw - ext4 /dev/vdc rw\n"
                             "28 21 254:4 / /data rw - ext4 /dev/vdd rw\n"
                             "29 28 0:41 / /data rw - fuse.sshfs host: rw\n"
                             "30 21 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro\n"
                             "31 21 254:5 / /boot rw - vfat /dev/vde rw\n";

static void mounts_are_real_local_disks_once_each(void **state)
{
    struct health_disk disks[HEALTH_DISKS_MAX];
    assert_int_equal(mounts_parse(MOUNTS, sizeof(MOUNTS) - 1, disks), 3);
    assert_string_equal(disks[0].mount, "/");
    assert_string_equal(disks[0].type, "ext4");
    assert_string_equal(disks[1].mount, "/srv"); /* the shorter of two names of one device */
    assert_string_equal(disks[1].type, "xfs");
    assert_string_equal(disks[2].mount, "/boot");
}

static void mount_points_are_unescaped(void **state)
{
    static const char TEXT[] = "24 21 254:2 / /home/some\\040one rw shared:3 - xfs /dev/vdb rw\n";
    struct health_disk disks[HEALTH_DISKS_MAX];
    assert_int_equal(mounts_parse(TEXT, sizeof(TEXT) - 1, disks), 1);
    assert_string_equal(disks[0].mount, "/home/some one");
}

static void root_in_memory_counts_and_other_memory_does_not(void **state)
{
    static const char TEXT[] = "1 1 0:2 / / rw - rootfs rootfs rw\n2 1 0:30 / / rw - overlay overlay rw\n"
                               "3 2 0:31 / /run rw - tmpfs tmpfs rw\n";
    struct health_disk disks[HEALTH_DISKS_MAX];
    assert_int_equal(mounts_parse(TEXT, sizeof(TEXT) - 1, disks), 1);
    assert_string_equal(disks[0].type, "overlay");
}

static void broken_mount_lines_are_skipped(void **state)
{
    for (size_t cut = 0; cut < sizeof(MOUNTS); cut++) {
        struct health_disk disks[HEALTH_DISKS_MAX];
        char *text = malloc(cut + 1);
        assert_non_null(text);
        memcpy(text, MOUNTS, cut);
        text[cut] = '\n';
        assert_true(mounts_parse(text, cut + 1, disks) <= 4);
        free(text);
    }
    static const char ESCAPED[] = "1 1 254:1 / /a\\03 rw - ext4 x rw\n2 1 254:2 / /b\\033[0m rw - ext4 x rw\n"
                                  "3 1 254:3 / /c\\377 rw - ext4 x rw\n";
    struct health_disk disks[HEALTH_DISKS_MAX];
    assert_int_equal(mounts_parse(ESCAPED, sizeof(ESCAPED) - 1, disks), 1);
    assert_string_equal(disks[0].mount, "/a\\03");
}

static void disks_are_bounded(void **state)
{
    char text[64 * 64];
    size_t size = 0;
    for (int i = 0; i < 60; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "1 1 8:%d / /d%d rw - ext4 x rw\n", i, i);
    struct health_disk disks[HEALTH_DISKS_MAX];
    assert_int_equal(mounts_parse(text, size, disks), HEALTH_DISKS_MAX);
}

static void memory_is_read_in_old_and_new_kernels(void **state)
{
    static const char NEW[] = "MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable:   600 kB\nBuffers: 7 kB\n";
    static const char OLD[] = "MemTotal:  1000 kB\nMemFree: 100 kB\nBuffers:   20 kB\nCached:  30 kB\n";
    uint64_t total;
    uint64_t available;
    assert_int_equal(memory_parse(NEW, sizeof(NEW) - 1, &total, &available), 0);
    assert_int_equal(total, 1000 * 1024);
    assert_int_equal(available, 600 * 1024);
    assert_int_equal(memory_parse(OLD, sizeof(OLD) - 1, &total, &available), 0);
    assert_int_equal(available, 150 * 1024);
    static const char *const BAD[] = {"", "MemTotal: x kB\n", "MemTotal: 99999999999999999999 kB\n",
                                      "MemTotal: 1000 kB\n", "MemTotal:"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        assert_true(memory_parse(BAD[i], strlen(BAD[i]), &total, &available) < 0);
}

static void utmp_records_of_users_are_read(void **state)
{
    struct utmp records[3];
    struct health_user users[HEALTH_USERS_MAX];
    memset(records, 0, sizeof(records));
    records[0].ut_type = BOOT_TIME;
    memcpy(records[0].ut_user, "reboot", 6);
    records[1].ut_type = USER_PROCESS;
    memset(records[1].ut_user, 'u', sizeof(records[1].ut_user)); /* no terminator */
    memcpy(records[1].ut_line, "pts/0\x1b", 6);
    records[1].ut_tv.tv_sec = 1700000000;
    records[2].ut_type = USER_PROCESS;
    assert_int_equal(users_parse_utmp(records, sizeof(records), users), 1);
    assert_int_equal(strlen(users[0].name), sizeof(records[1].ut_user));
    assert_string_equal(users[0].seat, "pts/0?");
    assert_int_equal(users[0].since_ms, 1700000000000);
    assert_int_equal(users_parse_utmp(records, sizeof(records[0]) * 2 - 1, users), 0);
}

static void logind_sessions_of_users_are_read(void **state)
{
    static const char SESSION[] = "# This is private data.\nUID=1000\nUSER=ada\nACTIVE=1\nSTATE=active\n"
                                  "CLASS=user\nTTY=tty2\nDISPLAY=:0\nREALTIME=1700000000123456\n";
    struct health_user user;
    assert_true(users_parse_session(SESSION, sizeof(SESSION) - 1, &user));
    assert_string_equal(user.name, "ada");
    assert_string_equal(user.seat, "tty2");
    assert_int_equal(user.since_ms, 1700000000123);
    static const char *const OTHERS[] = {"", "USER=gdm\nCLASS=greeter\n", "CLASS=user\n",
                                         "CLASS=user\nUSER=\n", "CLASS=user\nUSER=ada\nSTATE=closing\n"};
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++)
        assert_false(users_parse_session(OTHERS[i], strlen(OTHERS[i]), &user));
}

static void health_of_this_machine_is_plausible(void **state)
{
    struct health_message *health = malloc(sizeof(*health));
    assert_non_null(health);
    assert_int_equal(health_read(health), 0);
    assert_true(health->memory_total > 0);
    assert_true(health->memory_available <= health->memory_total);
    assert_true(health->uptime_ms > 0);
    assert_true(health->agent_uptime_ms < 600000); /* of this test */
    assert_true(health->agent_uptime_ms <= health->uptime_ms);
    uint64_t now = clock_realtime_ms();
    assert_true(health->realtime_ms <= now && now - health->realtime_ms < 60000);
    assert_true(health->load[0] >= 0);
    assert_true(health->disk_count <= HEALTH_DISKS_MAX);
    for (size_t i = 0; i < health->disk_count; i++) {
        assert_int_equal(health->disks[i].mount[0], '/');
        assert_true(health->disks[i].available <= health->disks[i].total);
    }
    for (size_t i = 0; i < health->address_count; i++)
        assert_false(ip_address_is_loopback(&health->addresses[i].address));
    free(health);
}

static void system_describes_itself(void **state)
{
    struct welcome_message *welcome = calloc(1, sizeof(*welcome));
    struct utsname names;
    assert_non_null(welcome);
    assert_int_equal(uname(&names), 0);
    assert_int_equal(system_describe(welcome), 0);
    assert_memory_equal(welcome->os, "Linux ", 6);
    assert_string_equal(welcome->arch, names.machine);
    assert_string_equal(welcome->hostname, names.nodename);
    assert_int_equal(strlen(welcome->boot_id), 36);
    free(welcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mounts_are_real_local_disks_once_each),
        cmocka_unit_test(mount_points_are_unescaped),
        cmocka_unit_test(root_in_memory_counts_and_other_memory_does_not),
        cmocka_unit_test(broken_mount_lines_are_skipped),
        cmocka_unit_test(disks_are_bounded),
        cmocka_unit_test(memory_is_read_in_old_and_new_kernels),
        cmocka_unit_test(utmp_records_of_users_are_read),
        cmocka_unit_test(logind_sessions_of_users_are_read),
        cmocka_unit_test(health_of_this_machine_is_plausible),
        cmocka_unit_test(system_describes_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
