/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *
 * `owners` holds one entry for each tracked socket, sorted by inode. An entry without a pid is wanted until
 * its search was in vain; then it waits for retry_at_ms. All wanted sockets are searched at once: each
 * descriptor that is met is looked up among them. A socket that comes while a walk is under way may belong to
 * a process that the walk has passed, so that it is not given up at that walk's end but at the next one's.
 * known_since_walk tells.
 *
 * What the process is called is left to process_name and cgroup_name, when to search to port_watch. */
#include "agent/platform/linux_process.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "agent/platform/linux_process_walk.h"

#define HINTS_MAX        16
#define PARENTS_MAX      8
#define PARENT_LINKS_MAX 512 /* a parent with more descriptors than this is not asked */
#define HINT_LINKS_MAX   4096
#define RETRY_FIRST_MS   1000
#define RETRY_FACTOR     6
#define ATTEMPTS_MAX     4

struct process_finder {
    struct socket_owner *owners; /* can be NULL */
    size_t count;
    size_t wanted;
    uint64_t last_version;
    uint64_t walk_number;
    struct process_walk walk;
    int32_t hints[HINTS_MAX]; /* newest first; 0 = none */
    bool hints_due;           /* something is wanted that they were not asked for */
    size_t validated;         /* where the round of validate stands */
};

int process_finder_create(struct process_finder **ret)
{
    struct process_finder *finder = calloc(1, sizeof(*finder));
    if (finder == NULL)
        return UV_ENOMEM;
    *ret = finder;
    return 0;
}

void process_finder_destroy(struct process_finder *finder)
{
    if (finder == NULL)
        return;
    process_walk_end(&finder->walk);
    free(finder->owners);
    free(finder);
}

void process_finder_hint(struct process_finder *finder, int32_t pid)
{
    size_t end = 0;
    while (end < HINTS_MAX - 1 && finder->hints[end] != pid && finder->hints[end] != 0)
        end++;
    memmove(finder->hints + 1, finder->hints, end * sizeof(finder->hints[0]));
    finder->hints[0] = pid;
}

static int compare_owners(const void *left, const void *right)
{
    const struct socket_owner *a = left;
    const struct socket_owner *b = right;
    return (a->inode > b->inode) - (a->inode < b->inode);
}

static struct socket_owner *find_owner(const struct process_finder *finder, uint64_t inode)
{
    struct socket_owner key = {.inode = inode};
    if (finder->count == 0)
        return NULL;
    return bsearch(&key, finder->owners, finder->count, sizeof(key), compare_owners);
}

const struct socket_owner *process_finder_owner(const struct process_finder *finder, uint64_t inode)
{
    return find_owner(finder, inode);
}

static bool is_wanted(const struct socket_owner *owner, uint64_t now_ms)
{
    return owner->pid == 0 && owner->attempts < ATTEMPTS_MAX && owner->retry_at_ms <= now_ms;
}

static size_t collect(struct socket_owner *out, const struct socket_list *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct listening_socket *socket = &list->items[i];
        if (socket->inode == 0)
            continue;
        out[count++] = (struct socket_owner){
            .inode = socket->inode,
            .cookie = socket->cookie,
            .cgroup_id = socket->cgroup_id,
            .uid = socket->uid,
            .ask_v6only = !socket->v6only_known,
        };
    }
    return count;
}

/* Keeps what is known of the sockets that stay; the pids of those that went are the first to ask for new
 * ones. */
static void carry_over(struct process_finder *finder, struct socket_owner *owners, size_t count)
{
    size_t old = 0;
    for (size_t i = 0; i < count; i++) {
        for (; old < finder->count && finder->owners[old].inode < owners[i].inode; old++) {
            if (finder->owners[old].pid != 0)
                process_finder_hint(finder, finder->owners[old].pid);
        }
        bool known = old < finder->count && finder->owners[old].inode == owners[i].inode &&
                     finder->owners[old].cookie == owners[i].cookie;
        if (known) {
            owners[i] = finder->owners[old];
            continue;
        }
        owners[i].version = ++finder->last_version;
        owners[i].known_since_walk = finder->walk_number;
        finder->hints_due = true;
    }
    for (; old < finder->count; old++) {
        if (finder->owners[old].pid != 0)
            process_finder_hint(finder, finder->owners[old].pid);
    }
}

int process_finder_track(struct process_finder *finder, const struct socket_list *tcp,
                         const struct socket_list *udp)
{
    size_t capacity = tcp->count + udp->count;
    struct socket_owner *owners = NULL;
    size_t count = 0;
    if (capacity > 0) {
        owners = malloc(capacity * sizeof(*owners));
        if (owners == NULL)
            return UV_ENOMEM;
        count = collect(owners, tcp);
        count += collect(owners + count, udp);
        if (count > 0)
            qsort(owners, count, sizeof(*owners), compare_owners);
    }
    carry_over(finder, owners, count);
    free(finder->owners);
    finder->owners = owners;
    finder->count = count;
    return 0;
}

/* Workers share their parent's socket: the topmost process that holds it is the server. pid 1 holds sockets
 * only to hand them on. */
static int32_t topmost_holder(int32_t pid, uint64_t inode, struct process_stat *stat)
{
    for (int i = 0; i < PARENTS_MAX; i++) {
        struct process_stat parent;
        if (stat->parent <= 1 || !procfs_holds_socket(stat->parent, inode, PARENT_LINKS_MAX) ||
            procfs_stat(stat->parent, &parent) < 0)
            break;
        pid = stat->parent;
        *stat = parent;
    }
    return pid;
}

static bool take_socket(void *ctx, int32_t pid, int fd, uint64_t inode)
{
    struct process_finder *finder = ctx;
    struct socket_owner *owner = find_owner(finder, inode);
    struct process_stat stat;
    if (owner == NULL || owner->pid != 0 || procfs_stat(pid, &stat) < 0)
        return true;
    if (owner->ask_v6only && procfs_v6only(pid, fd, &owner->v6only) == 0)
        owner->v6only_known = true;
    owner->pid = topmost_holder(pid, inode, &stat);
    owner->start = stat.start;
    memcpy(owner->comm, stat.comm, sizeof(owner->comm));
    owner->attempts = 0;
    owner->retry_at_ms = 0;
    owner->version = ++finder->last_version;
    if (finder->wanted > 0)
        finder->wanted--;
    return finder->wanted > 0;
}

static void ask_hints(struct process_finder *finder, uint64_t deadline_ns)
{
    for (size_t i = 0; i < HINTS_MAX && finder->hints[i] != 0 && finder->wanted > 0; i++) {
        struct fd_scan scan;
        if (uv_hrtime() >= deadline_ns)
            break;
        if (fd_scan_open(&scan, finder->hints[i]) < 0)
            continue;
        int fd;
        uint64_t inode;
        for (unsigned links = 0; links < HINT_LINKS_MAX && fd_scan_next(&scan, &fd, &inode); links++) {
            if (inode != 0 && !take_socket(finder, finder->hints[i], fd, inode))
                break;
            if (links % 32 == 31 && uv_hrtime() >= deadline_ns)
                break;
        }
        fd_scan_close(&scan);
    }
}

static int begin_walk(struct process_finder *finder, uint64_t now_ms)
{
    uint32_t uids[WALK_UIDS_MAX];
    size_t count = 0;
    bool too_many = false;
    for (size_t i = 0; i < finder->count; i++) {
        if (!is_wanted(&finder->owners[i], now_ms))
            continue;
        size_t known = 0;
        while (known < count && uids[known] != finder->owners[i].uid)
            known++;
        if (known == WALK_UIDS_MAX)
            too_many = true;
        else if (known == count)
            uids[count++] = finder->owners[i].uid;
    }
    finder->walk_number++;
    return process_walk_begin(&finder->walk, uids, too_many ? 0 : count);
}

/* Nobody was seen to hold these: they wait, each time longer. */
static void give_up(struct process_finder *finder, uint64_t now_ms)
{
    for (size_t i = 0; i < finder->count; i++) {
        struct socket_owner *owner = &finder->owners[i];
        if (!is_wanted(owner, now_ms) || owner->known_since_walk >= finder->walk_number)
            continue;
        uint64_t delay = RETRY_FIRST_MS;
        for (uint8_t past = 0; past < owner->attempts; past++)
            delay *= RETRY_FACTOR;
        owner->attempts++;
        owner->retry_at_ms = now_ms + delay;
    }
}

static size_t count_wanted(const struct process_finder *finder, uint64_t now_ms)
{
    size_t wanted = 0;
    for (size_t i = 0; i < finder->count; i++)
        wanted += is_wanted(&finder->owners[i], now_ms);
    return wanted;
}

bool process_finder_search(struct process_finder *finder, uint64_t budget_us, uint64_t now_ms)
{
    uint64_t deadline_ns = uv_hrtime() + budget_us * 1000;
    finder->wanted = count_wanted(finder, now_ms);
    if (finder->wanted > 0 && finder->hints_due) {
        finder->hints_due = false;
        ask_hints(finder, deadline_ns);
    }
    while (finder->wanted > 0) {
        if (uv_hrtime() >= deadline_ns)
            return false;
        if (!process_walk_is_active(&finder->walk) && begin_walk(finder, now_ms) < 0)
            break;
        if (process_walk_step(&finder->walk, deadline_ns, take_socket, finder)) {
            process_walk_end(&finder->walk);
            give_up(finder, now_ms);
            finder->wanted = count_wanted(finder, now_ms);
        }
    }
    process_walk_end(&finder->walk);
    return true;
}

bool process_finder_is_due(const struct process_finder *finder, uint64_t now_ms)
{
    return count_wanted(finder, now_ms) > 0;
}

bool process_finder_validate(struct process_finder *finder, size_t count)
{
    bool changed = false;
    if (count > finder->count)
        count = finder->count;
    for (size_t i = 0; i < count; i++) {
        finder->validated = (finder->validated + 1) % finder->count;
        struct socket_owner *owner = &finder->owners[finder->validated];
        struct process_stat stat;
        if (owner->pid == 0)
            continue;
        bool alive = procfs_stat(owner->pid, &stat) == 0 && stat.start == owner->start;
        if (alive && memcmp(stat.comm, owner->comm, strlen(stat.comm) + 1) == 0)
            continue;
        owner->version = ++finder->last_version;
        changed = true;
        if (alive) {
            memcpy(owner->comm, stat.comm, sizeof(owner->comm));
        } else {
            owner->pid = 0;
            owner->known_since_walk = finder->walk_number;
            finder->hints_due = true;
        }
    }
    return changed;
}
