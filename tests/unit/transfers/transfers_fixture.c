/* SPDX-License-Identifier: MIT */
/* Starts and ends the table of the transfers' tests. */
#include "tests/unit/transfers/transfers_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct transfers *transfers;
struct transfers_log told;
char host[96];
char problem[TEXT_REASON_MAX + 1];
static bool closed;

static void on_transfer(void *ctx, const struct transfer *transfer, const char *what)
{
    told.added += strcmp(what, "added") == 0;
    told.changed += strcmp(what, "changed") == 0;
    told.progress += strcmp(what, "progress") == 0;
    told.removed += strcmp(what, "removed") == 0;
}

static void on_dirty(void *ctx)
{
    told.dirty++;
}

static void on_closed(void *ctx)
{
    closed = true;
}

static void open_table(void)
{
    struct transfers_io io = {.open = fake_guest_open, .on_transfer = on_transfer, .on_dirty = on_dirty};
    told = (struct transfers_log){0};
    assert_int_equal(transfers_create(&uv, &io, &transfers), 0);
}

static void close_table(void)
{
    closed = false;
    transfers_close(transfers, on_closed, NULL);
    assert_false(closed);
    RUN_UNTIL(closed);
}

int transfers_fixture_setup(void **state)
{
    link_fixture_setup(state);
    fake_guests_init();
    make_path(host, sizeof(host), "host");
    put_folder(host);
    open_table();
    return 0;
}

int transfers_fixture_teardown(void **state)
{
    close_table();
    fake_guests_finish();
    remove_tree(host);
    for (size_t i = 0; i < FAKE_GUESTS; i++)
        remove_tree(guests[i].home);
    return link_fixture_teardown(state);
}

void transfers_fixture_reopen(void)
{
    close_table();
    open_table();
}

const char *below(const char *folder, const char *name)
{
    static char paths[8][PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void set_place(struct transfer_place *place, const char *vm, char **paths)
{
    snprintf(place->vm, sizeof(place->vm), "%s", vm);
    place->paths = paths;
    place->path_count = paths[0] != NULL ? 1 : 0;
}

static int add(struct transfer_request *request, const char *from_vm, const char *from, const char *to_vm,
               const char *to, const struct transfer **ret)
{
    char source[PATH_MAX], target[PATH_MAX];
    snprintf(source, sizeof(source), "%s", from == NULL ? "" : from);
    snprintf(target, sizeof(target), "%s", to == NULL ? "" : to);
    char *sources[] = {from == NULL ? NULL : source}, *targets[] = {to == NULL ? NULL : target};
    set_place(&request->from, from_vm, sources);
    set_place(&request->to, to_vm, targets);
    return transfers_add(transfers, request, ret, problem);
}

int add_copy(const char *from_vm, const char *from, const char *to_vm, const char *to, uint32_t flags,
             const struct transfer **ret)
{
    struct transfer_request request = {.kind = TRANSFER_COPY, .flags = flags};
    return add(&request, from_vm, from, to_vm, to, ret);
}

int add_drop(const char *from, const char *to_vm, const struct transfer **ret)
{
    struct transfer_request request = {.kind = TRANSFER_DROP, .flags = FILES_RECURSIVE};
    return add(&request, "", from, to_vm, NULL, ret);
}

int add_take(const char *from_vm, uint64_t offer, const char *to, const struct transfer **ret)
{
    struct transfer_request request = {.kind = TRANSFER_TAKE,
                                       .flags = FILES_RECURSIVE,
                                       .offer = offer,
                                       .offer_name = "a name",
                                       .bytes_max = UINT64_MAX,
                                       .conflict = FILES_RENAME,
                                       .strip_executable = true};
    return add(&request, from_vm, NULL, "", to, ret);
}

void guest_goes_down(struct fake_guest *guest)
{
    guest->up = false;
    fake_guest_cut(guest);
    transfers_guest_down(transfers, guest->name);
}

void guest_comes_up(struct fake_guest *guest)
{
    guest->up = true;
    transfers_guest_up(transfers, guest->name);
}

bool has_ended(const struct transfer *transfer)
{
    return transfer->state == TRANSFER_DONE || transfer->state == TRANSFER_FAILED ||
           transfer->state == TRANSFER_CANCELLED;
}
