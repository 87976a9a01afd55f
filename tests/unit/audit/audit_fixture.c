/* SPDX-License-Identifier: MIT */
/* Folder, clock and files of the audit log's tests. */
#include "tests/unit/audit/audit_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t audit_fixture_now_ms;

static uint64_t now(void)
{
    return audit_fixture_now_ms;
}

static void handle_trouble(void *ctx, const char *sentence)
{
    struct audit_fixture *fixture = ctx;
    fixture->troubles++;
    snprintf(fixture->trouble, sizeof(fixture->trouble), "%s", sentence);
}

void audit_fixture_open(struct audit_fixture *fixture)
{
    const struct audit_log_options options = {.folder = fixture->folder,
                                              .file_bytes_max = fixture->file_bytes_max,
                                              .burst_max = fixture->burst_max,
                                              .now_ms = now,
                                              .on_trouble = handle_trouble,
                                              .ctx = fixture};
    char problem[TEXT_REASON_MAX + 1] = "";
    int status = audit_log_open(&options, &fixture->log, problem);
    if (status != 0)
        fail_msg("%s", problem);
}

void audit_fixture_close(struct audit_fixture *fixture)
{
    audit_log_close(fixture->log);
    fixture->log = NULL;
}

int audit_fixture_setup(void **state)
{
    struct audit_fixture *fixture = calloc(1, sizeof(*fixture));
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/hospes-audit-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    audit_fixture_now_ms = FIXTURE_NOW_MS;
    audit_fixture_open(fixture);
    *state = fixture;
    return 0;
}

int audit_fixture_teardown(void **state)
{
    struct audit_fixture *fixture = *state;
    audit_log_close(fixture->log);
    DIR *folder = opendir(fixture->folder);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

void audit_fixture_path(const struct audit_fixture *fixture, const char *name, char out[static 128])
{
    snprintf(out, 128, "%s/%s", fixture->folder, name);
}

void audit_fixture_write(struct audit_fixture *fixture, const char *action)
{
    const struct audit_client client = {.pid = 12, .uid = 1000, .executable = "/usr/bin/curl"};
    audit_event(fixture->log, &(struct audit_entry){.guest = "web",
                                                    .request_class = "ports",
                                                    .action = action,
                                                    .result = AUDIT_DONE,
                                                    .duration_ms = 3,
                                                    .client = &client});
}

void audit_fixture_happen(struct audit_fixture *fixture, const char *action)
{
    audit_event(fixture->log, &(struct audit_entry){.action = action, .result = AUDIT_DONE});
}

char *audit_fixture_read(const struct audit_fixture *fixture, const char *name, size_t *ret_size)
{
    char path[128];
    audit_fixture_path(fixture, name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    char *text = calloc(1, (size_t)facts.st_size + 1);
    assert_int_equal(read(fd, text, (size_t)facts.st_size), facts.st_size);
    close(fd);
    if (ret_size != NULL)
        *ret_size = (size_t)facts.st_size;
    return text;
}

void audit_fixture_put(const struct audit_fixture *fixture, const char *name, const void *bytes, size_t size)
{
    char path[128];
    audit_fixture_path(fixture, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

json_t *audit_fixture_line(const struct audit_fixture *fixture, const char *name, unsigned number)
{
    char *text = audit_fixture_read(fixture, name, NULL), *line = text;
    for (unsigned i = 1; i < number; i++) {
        line = strchr(line, '\n');
        assert_non_null(line);
        line++;
    }
    json_t *json = json_loads(line, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

struct audit_finding audit_fixture_verify(const struct audit_fixture *fixture, uint64_t *ret_lines)
{
    struct audit_verify verify;
    struct audit_snapshot snapshot = {0};
    struct audit_log *log = fixture->log;
    assert_non_null(log);
    assert_int_equal(audit_snapshot_take(log, &snapshot), 0);
    audit_verify_init(&verify, snapshot.complete);
    for (size_t i = 0; i < snapshot.count && verify.finding.what == AUDIT_INTACT; i++)
        assert_int_equal(audit_verify_file(&verify, snapshot.files[i].fd, snapshot.files[i].size), 0);
    audit_verify_end(&verify, &snapshot.head);
    audit_snapshot_finish(&snapshot);
    if (ret_lines != NULL)
        *ret_lines = verify.chain.lines;
    return verify.finding;
}
