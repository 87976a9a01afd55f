/* SPDX-License-Identifier: MIT */
/* Bodies of the messages of files: what comes back, and how large they are. What is refused is in
 * files_fields_test.c. */
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/sample_messages.h"

#include <string.h>

/* The sample, and what came of it by way of its bytes. */
struct pair {
    struct message a, b;
};

static void make_pair(struct pair *pair, const char *name)
{
    struct buffer bytes;
    assert_true(sample_message_named(name, &pair->a));
    buffer_init(&bytes, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(&pair->a, &bytes), 0);
    assert_int_equal(message_decode(buffer_span(&bytes), &pair->b, NULL), 0);
    buffer_finish(&bytes);
}

static void drop_pair(struct pair *pair)
{
    message_finish(&pair->a);
    message_finish(&pair->b);
}

#define SAME_NUMBER(field)      assert_true(a->field == b->field)
#define SAME_TEXT(field)        assert_string_equal(a->field, b->field)
#define SAME_BYTES(field, size) assert_memory_equal(a->field, b->field, size)
#define SAME_TIME(field)                                                                                     \
    do {                                                                                                     \
        SAME_NUMBER(field.s);                                                                                \
        SAME_NUMBER(field.ns);                                                                               \
    } while (0)
/* Declares the bodies `a` and `b` of a sample; drop_pair releases them. */
#define WITH_BODIES(type, member, sample)                                                                    \
    struct pair pair;                                                                                        \
    make_pair(&pair, sample);                                                                                \
    const struct type *a = &pair.a.body.member, *b = &pair.b.body.member

static void offers_come_back(void **state)
{
    static const char *const SAMPLES[] = {"offers_snapshot", "offers_delta"};
    for (size_t i = 0; i < 2; i++) {
        WITH_BODIES(offers_message, offers, SAMPLES[i]);
        SAME_NUMBER(sequence);
        SAME_NUMBER(snapshot);
        SAME_NUMBER(more);
        SAME_NUMBER(offer_count);
        SAME_NUMBER(gone_count);
        for (size_t k = 0; k < a->offer_count; k++) {
            SAME_NUMBER(offers[k].id);
            SAME_TEXT(offers[k].name);
            SAME_TEXT(offers[k].user);
            SAME_NUMBER(offers[k].roots);
            SAME_NUMBER(offers[k].files);
            SAME_NUMBER(offers[k].bytes);
            SAME_NUMBER(offers[k].created_ms);
        }
        for (size_t k = 0; k < a->gone_count; k++)
            SAME_NUMBER(gone[k].id);
        drop_pair(&pair);
    }
}

static void requests_come_back(void **state)
{
    static const char *const SAMPLES[] = {"files_open_put", "files_open_all"};
    for (size_t i = 0; i < 2; i++) {
        WITH_BODIES(files_open_message, files_open, SAMPLES[i]);
        SAME_BYTES(session.bytes, SESSION_ID_SIZE);
        SAME_NUMBER(operation);
        SAME_BYTES(id.bytes, FILES_ID_SIZE);
        SAME_TEXT(user);
        SAME_NUMBER(path_count);
        for (size_t k = 0; k < a->path_count; k++)
            SAME_TEXT(paths[k].path);
        SAME_TEXT(to);
        SAME_NUMBER(flags);
        SAME_NUMBER(conflict);
        SAME_NUMBER(links);
        SAME_NUMBER(offset);
        SAME_NUMBER(length);
        SAME_NUMBER(mode);
        SAME_NUMBER(checks);
        SAME_NUMBER(offer);
        drop_pair(&pair);
    }
}

static void answers_to_requests_come_back(void **state)
{
    WITH_BODIES(files_opened_message, files_opened, "files_opened");
    SAME_NUMBER(check);
    SAME_NUMBER(type);
    SAME_NUMBER(size);
    SAME_NUMBER(mode);
    SAME_TIME(mtime);
    SAME_NUMBER(inode);
    SAME_TEXT(path);
    drop_pair(&pair);
}

static void manifests_come_back(void **state)
{
    WITH_BODIES(manifest_message, manifest, "manifest");
    SAME_NUMBER(first);
    SAME_NUMBER(count);
    SAME_NUMBER(last);
    for (size_t i = 0; i < a->count; i++) {
        SAME_NUMBER(entries[i].type);
        SAME_TEXT(entries[i].name);
        SAME_NUMBER(entries[i].size);
        SAME_NUMBER(entries[i].mode);
        SAME_TIME(entries[i].mtime);
        SAME_NUMBER(entries[i].uid);
        SAME_NUMBER(entries[i].gid);
        SAME_TEXT(entries[i].target);
    }
    drop_pair(&pair);
}

static void packs_come_back(void **state)
{
    WITH_BODIES(pack_message, pack, "pack");
    SAME_NUMBER(count);
    for (size_t i = 0; i < a->count; i++) {
        SAME_NUMBER(files[i].entry);
        SAME_NUMBER(files[i].size);
        SAME_TIME(files[i].mtime);
    }
    drop_pair(&pair);
}

static void chunks_come_back(void **state)
{
    static const char *const SAMPLES[] = {"chunk", "chunk_zero", "chunk_zeroes"};
    for (size_t i = 0; i < 3; i++) {
        WITH_BODIES(chunk_message, chunk, SAMPLES[i]);
        SAME_NUMBER(entry);
        SAME_NUMBER(offset);
        SAME_NUMBER(size);
        SAME_NUMBER(zero);
        drop_pair(&pair);
    }
}

static void checks_come_back(void **state)
{
    static const char *const SAMPLES[] = {"check", "check_empty"};
    for (size_t i = 0; i < 2; i++) {
        WITH_BODIES(check_message, check, SAMPLES[i]);
        SAME_NUMBER(tag_size);
        SAME_BYTES(tag, FILES_CHECK_SIZE);
        drop_pair(&pair);
    }
}

static void what_is_said_of_one_entry_comes_back(void **state)
{
    {
        WITH_BODIES(keep_message, keep, "keep");
        SAME_NUMBER(entry);
        SAME_NUMBER(offset);
        SAME_NUMBER(size);
    }
    {
        WITH_BODIES(file_end_message, file_end, "file_end");
        SAME_NUMBER(entry);
        SAME_NUMBER(size);
        SAME_TIME(mtime);
    }
    {
        WITH_BODIES(attribute_message, attribute, "attribute");
        SAME_NUMBER(entry);
        SAME_TEXT(name);
        SAME_NUMBER(value_size);
        SAME_BYTES(value, FILES_ATTRIBUTE_MAX);
    }
    {
        WITH_BODIES(file_failed_message, file_failed, "file_failed");
        SAME_NUMBER(entry);
        SAME_NUMBER(status);
        SAME_TEXT(text);
    }
    {
        WITH_BODIES(file_again_message, file_again, "file_again");
        SAME_NUMBER(entry);
    }
    {
        WITH_BODIES(left_out_message, left_out, "left_out");
        SAME_NUMBER(status);
        SAME_TEXT(path);
        SAME_TEXT(text);
    }
    {
        WITH_BODIES(digests_message, digests, "digests");
        SAME_NUMBER(entry);
        SAME_NUMBER(first);
        SAME_NUMBER(size);
        SAME_BYTES(digests, FILES_DIGESTS_BYTES_MAX);
        SAME_NUMBER(last);
    }
}

static void runs_come_back(void **state)
{
    WITH_BODIES(need_message, need, "need");
    SAME_NUMBER(count);
    for (size_t i = 0; i < a->count; i++) {
        SAME_NUMBER(runs[i].first);
        SAME_NUMBER(runs[i].count);
        SAME_NUMBER(runs[i].action);
    }
    drop_pair(&pair);
}

static void settlements_come_back(void **state)
{
    WITH_BODIES(settled_message, settled, "settled");
    SAME_NUMBER(count);
    SAME_NUMBER(failed_count);
    for (size_t i = 0; i < a->count; i++) {
        SAME_NUMBER(runs[i].first);
        SAME_NUMBER(runs[i].count);
    }
    for (size_t i = 0; i < a->failed_count; i++) {
        SAME_NUMBER(failed[i].entry);
        SAME_NUMBER(failed[i].status);
        SAME_TEXT(failed[i].text);
    }
    drop_pair(&pair);
}

static void what_is_said_of_all_comes_back(void **state)
{
    {
        WITH_BODIES(totals_message, totals, "totals");
        SAME_NUMBER(files);
        SAME_NUMBER(bytes);
    }
    {
        WITH_BODIES(paused_message, paused, "paused");
        SAME_NUMBER(status);
        SAME_NUMBER(over);
        SAME_TEXT(text);
    }
    static const char *const SAMPLES[] = {"files_done", "files_done_written"};
    for (size_t i = 0; i < 2; i++) {
        WITH_BODIES(files_done_message, files_done, SAMPLES[i]);
        SAME_NUMBER(files);
        SAME_NUMBER(bytes);
        SAME_NUMBER(skipped);
        SAME_NUMBER(failed);
        SAME_NUMBER(digest_size);
        SAME_BYTES(digest, FILES_DIGEST_SIZE);
        SAME_NUMBER(name_count);
        for (size_t k = 0; k < a->name_count; k++)
            SAME_TEXT(names[k].path);
        drop_pair(&pair);
    }
}

static void changes_come_back(void **state)
{
    WITH_BODIES(changes_message, changes, "changes");
    SAME_NUMBER(count);
    SAME_NUMBER(lost);
    for (size_t i = 0; i < a->count; i++) {
        SAME_NUMBER(changes[i].what);
        SAME_NUMBER(changes[i].folder);
        SAME_TEXT(changes[i].path);
        SAME_TEXT(changes[i].from);
    }
    drop_pair(&pair);
}

static size_t encoded_size(const struct message *message)
{
    struct buffer bytes;
    buffer_init(&bytes, 2 * FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(message, &bytes), 0);
    size_t size = buffer_size(&bytes);
    buffer_finish(&bytes);
    return size;
}

static void the_bound_of_an_entry_is_reached_and_never_passed(void **state)
{
    struct message message;
    sample_largest_manifest(&message);
    struct manifest_message *manifest = &message.body.manifest;
    size_t all = manifest->count;
    manifest->count = 0;
    size_t last = encoded_size(&message);
    assert_true(last <= MANIFEST_HEAD_SIZE_MAX);
    for (manifest->count = 1; manifest->count <= 20; manifest->count++) {
        struct manifest_entry *entry = &manifest->entries[manifest->count - 1];
        if (manifest->count > 17) { /* where the head of the list is longer already */
            size_t size = encoded_size(&message);
            assert_int_equal(size - last, manifest_entry_size_max(entry));
            last = size;
        } else {
            entry->name[manifest->count] = entry->target[16 * (manifest->count - 1)] = '\0';
            size_t size = encoded_size(&message);
            /* the head of the list and its key are counted in MANIFEST_HEAD_SIZE_MAX */
            assert_true(size - last <= manifest_entry_size_max(entry) + (manifest->count == 1 ? 9 : 2));
            last = size;
        }
    }
    manifest->count = all;
    message_finish(&message);
}

/* As a sender does it. */
static void a_manifest_that_is_filled_by_the_bound_fits_on_a_mux(void **state)
{
    struct message message, decoded;
    sample_largest_manifest(&message);
    struct manifest_message *manifest = &message.body.manifest;
    size_t all = manifest->count, room = MUX_MESSAGE_MAX - MANIFEST_HEAD_SIZE_MAX;
    for (manifest->count = 0; manifest->count < all; manifest->count++) {
        size_t size = manifest_entry_size_max(&manifest->entries[manifest->count]);
        if (size > room)
            break;
        room -= size;
    }
    assert_true(manifest->count >= 90 && manifest->count < all);
    struct buffer bytes;
    buffer_init(&bytes, MUX_MESSAGE_MAX);
    assert_int_equal(message_encode(&message, &bytes), 0);
    assert_int_equal(message_decode(buffer_span(&bytes), &decoded, NULL), 0);
    assert_int_equal(decoded.body.manifest.count, manifest->count);
    message_finish(&decoded);
    buffer_finish(&bytes);
    message_finish(&message);
}

/* All fields of all entries, so as many objects as there can be; long names, short targets. */
static void a_full_manifest_of_long_names_fits_on_a_mux(void **state)
{
    struct message message, decoded;
    sample_largest_manifest(&message);
    for (size_t i = 0; i < message.body.manifest.count; i++)
        message.body.manifest.entries[i].target[31] = '\0';
    struct buffer bytes;
    buffer_init(&bytes, MUX_MESSAGE_MAX);
    assert_int_equal(message_encode(&message, &bytes), 0);
    assert_int_equal(message_decode(buffer_span(&bytes), &decoded, NULL), 0);
    assert_int_equal(decoded.body.manifest.count, FILES_ENTRIES_A_MESSAGE_MAX);
    message_finish(&decoded);
    buffer_finish(&bytes);
    message_finish(&message);
}

static void the_largest_changes_fit_on_a_mux(void **state)
{
    struct message message;
    sample_largest_changes(&message);
    assert_true(encoded_size(&message) <= MUX_MESSAGE_MAX);
    message_finish(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_come_back),
        cmocka_unit_test(requests_come_back),
        cmocka_unit_test(answers_to_requests_come_back),
        cmocka_unit_test(manifests_come_back),
        cmocka_unit_test(packs_come_back),
        cmocka_unit_test(chunks_come_back),
        cmocka_unit_test(checks_come_back),
        cmocka_unit_test(what_is_said_of_one_entry_comes_back),
        cmocka_unit_test(runs_come_back),
        cmocka_unit_test(settlements_come_back),
        cmocka_unit_test(what_is_said_of_all_comes_back),
        cmocka_unit_test(changes_come_back),
        cmocka_unit_test(the_bound_of_an_entry_is_reached_and_never_passed),
        cmocka_unit_test(a_manifest_that_is_filled_by_the_bound_fits_on_a_mux),
        cmocka_unit_test(a_full_manifest_of_long_names_fits_on_a_mux),
        cmocka_unit_test(the_largest_changes_fit_on_a_mux),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
