/* SPDX-License-Identifier: MIT */
/* Announces one entry an item, then sends what was asked for: small files by PACK, others by chunks, compared
 * ones by KEEP where digests agree. */
#include "tests/unit/transfer/receive/honest_peer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define SMALL_MAX 65536

static void take_digests(void *ctx, const struct digests_message *digests)
{
    struct honest_peer *peer = ctx;
    assert_true(digests->entry < peer->count);
    size_t count = digests->size / FILES_DIGEST_SIZE;
    assert_int_equal(digests->first, peer->digest_count[digests->entry]);
    assert_true(digests->first + count <= PEER_CHUNKS_MAX);
    memcpy(peer->digests[digests->entry] + digests->first * FILES_DIGEST_SIZE, digests->digests,
           digests->size);
    peer->digest_count[digests->entry] += count;
    peer->digests_complete[digests->entry] = digests->last;
}

void peer_init(struct honest_peer *peer, struct receive_fixture *fixture, const struct peer_entry *entries,
               size_t count)
{
    assert_true(count <= PEER_ENTRIES_MAX);
    memset(peer, 0, sizeof(*peer));
    peer->fixture = fixture;
    peer->entries = entries;
    peer->count = count;
    fixture->on_digests = take_digests;
    fixture->ctx = peer;
}

void peer_fill(const struct peer_entry *entry, uint64_t offset, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = entry->seed == 0 ? 0 : (uint8_t)(entry->seed * 31 + (offset + i) % 251);
}

static int announce(struct honest_peer *peer)
{
    const struct peer_entry *from = &peer->entries[peer->announced++];
    struct manifest_entry entry = {
        .type = from->type, .size = from->size, .mode = from->mode, .mtime = {.s = from->mtime, .ns = 7}};
    strcpy(entry.name, from->name != NULL ? from->name : "");
    strcpy(entry.target, from->target != NULL ? from->target : "");
    return say_entry(peer->fixture, &entry);
}

static int send_small(struct honest_peer *peer, const struct peer_entry *entry)
{
    uint8_t bytes[SMALL_MAX];
    peer_fill(entry, 0, bytes, entry->size);
    peer->stage++;
    if (peer->stage == 1) {
        struct pack_file file = {
            .entry = peer->at, .size = (uint32_t)entry->size, .mtime = {.s = entry->mtime, .ns = 7}};
        struct message message = {.kind = MESSAGE_PACK, .body.pack = {.count = 1, .files = &file}};
        return say_message(peer->fixture, &message);
    }
    if (peer->stage == 2 && entry->size > 0)
        return say_data(peer->fixture, bytes, entry->size);
    peer->sent[peer->at] = true;
    peer->stage = 0;
    return say_check(peer->fixture, bytes, entry->size);
}

static int say_chunk_head(struct honest_peer *peer, uint64_t size)
{
    struct message message = {.kind = MESSAGE_CHUNK};
    message.body.chunk = (struct chunk_message){peer->at, peer->offset, size, false};
    return say_message(peer->fixture, &message);
}

static bool is_kept(const struct honest_peer *peer, const uint8_t *bytes, size_t size)
{
    uint64_t chunk = peer->offset / FILES_CHUNK_SIZE;
    if (chunk >= peer->digest_count[peer->at])
        return false;
    uint8_t digest[FILES_DIGEST_SIZE];
    chunk_digest(&peer->fixture->options.keys, span_of(bytes, size), digest);
    return memcmp(digest, peer->digests[peer->at] + chunk * FILES_DIGEST_SIZE, sizeof(digest)) == 0;
}

static int send_large(struct honest_peer *peer, const struct peer_entry *entry)
{
    static uint8_t bytes[FILES_CHUNK_SIZE];
    uint64_t left = entry->size - peer->offset;
    size_t size = left < FILES_CHUNK_SIZE ? (size_t)left : FILES_CHUNK_SIZE;
    if (size == 0) {
        struct message message = {.kind = MESSAGE_FILE_END};
        message.body.file_end =
            (struct file_end_message){peer->at, entry->size, {.s = entry->mtime, .ns = 7}};
        peer->sent[peer->at] = true;
        peer->offset = 0;
        return say_message(peer->fixture, &message);
    }
    peer_fill(entry, peer->offset, bytes, size);
    if (peer->stage == 0 && peer->fixture->need[peer->at] == NEED_COMPARE && is_kept(peer, bytes, size)) {
        uint64_t offset = peer->offset;
        peer->offset += size;
        peer->kept++;
        return say_keep(peer->fixture, peer->at, offset, size);
    }
    if (entry->seed == 0) {
        uint64_t offset = peer->offset;
        peer->offset += size;
        return say_zero(peer->fixture, peer->at, offset, size);
    }
    switch (peer->stage++) {
    case 0:
        peer->chunks_sent++;
        return say_chunk_head(peer, size);
    case 1:
        return say_data(peer->fixture, bytes, size);
    default:
        peer->stage = 0;
        peer->offset += size;
        return say_check(peer->fixture, bytes, size);
    }
}

static bool find_next(struct honest_peer *peer)
{
    if (peer->stage > 0 || peer->offset > 0)
        return true;
    for (size_t i = 0; i < peer->announced; i++) {
        uint8_t need = peer->fixture->need[i];
        if (peer->entries[i].type != ENTRY_FILE || peer->sent[i] || peer->fixture->settled[i])
            continue;
        if (need == NEED_SEND || (need == NEED_COMPARE && peer->digests_complete[i])) {
            peer->at = i;
            return true;
        }
    }
    return false;
}

bool peer_step(struct honest_peer *peer)
{
    struct receive_fixture *fixture = peer->fixture;
    if (fixture->engine->is_done)
        return false;
    if (peer->announced < peer->count) {
        assert_int_equal(announce(peer), 0);
    } else if (!peer->last_said) {
        peer->last_said = true;
        assert_int_equal(say_last(fixture), 0);
    } else if (find_next(peer)) {
        const struct peer_entry *entry = &peer->entries[peer->at];
        bool is_small = entry->size <= SMALL_MAX && fixture->need[peer->at] == NEED_SEND;
        assert_int_equal(is_small ? send_small(peer, entry) : send_large(peer, entry), 0);
    } else {
        assert_true(fixture->is_done); /* else both wait for each other */
        assert_int_equal(say_fin(fixture), 0);
    }
    return true;
}

void peer_run(struct honest_peer *peer)
{
    while (peer_step(peer))
        continue;
    assert_true(peer->fixture->engine->says_fin);
}

static size_t count_below(int folder)
{
    size_t count = 0;
    DIR *entries = fdopendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (entry->d_type == DT_DIR)
            count += count_below(openat(dirfd(entries), entry->d_name, O_RDONLY | O_DIRECTORY));
    }
    closedir(entries);
    return count;
}

static void assert_content(int fd, const struct peer_entry *entry)
{
    static uint8_t got[FILES_CHUNK_SIZE], wanted[FILES_CHUNK_SIZE];
    for (uint64_t offset = 0; offset < entry->size; offset += sizeof(got)) {
        size_t size = entry->size - offset < sizeof(got) ? (size_t)(entry->size - offset) : sizeof(got);
        assert_int_equal(pread(fd, got, size, (off_t)offset), size);
        peer_fill(entry, offset, wanted, size);
        assert_memory_equal(got, wanted, size);
    }
}

static void assert_entry_is(int folder, const struct peer_entry *entry)
{
    struct stat look;
    if (fstatat(folder, entry->name, &look, AT_SYMLINK_NOFOLLOW) < 0)
        fail_msg("%s is not there", entry->name);
    assert_int_equal(look.st_mtim.tv_sec, entry->mtime);
    assert_int_equal(look.st_mtim.tv_nsec, 7);
    if (entry->type == ENTRY_LINK) {
        char target[FILES_LINK_MAX + 1] = {0};
        assert_true(readlinkat(folder, entry->name, target, sizeof(target) - 1) > 0);
        assert_string_equal(target, entry->target);
        return;
    }
    assert_int_equal(look.st_mode & 07777, entry->mode);
    if (entry->type == ENTRY_FOLDER)
        return;
    assert_int_equal(look.st_size, entry->size);
    int fd = openat(folder, entry->name, O_RDONLY | O_NOFOLLOW);
    assert_true(fd >= 0);
    assert_content(fd, entry);
    close(fd);
}

void assert_tree_is(struct receive_fixture *fixture, const struct peer_entry *entries, size_t count)
{
    int above[FILES_DEPTH_MAX], depth = 0;
    size_t expected = 0;
    above[0] = open(fixture->target, O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].type == ENTRY_LEAVE) {
            close(above[depth--]);
            continue;
        }
        expected++;
        assert_entry_is(above[depth], &entries[i]);
        if (entries[i].type == ENTRY_FOLDER) {
            above[depth + 1] = openat(above[depth], entries[i].name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            assert_true(above[++depth] >= 0);
        }
    }
    assert_int_equal(depth, 0);
    assert_int_equal(count_below(above[0]), expected);
}
