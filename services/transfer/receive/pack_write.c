/* SPDX-License-Identifier: MIT */
/* The small files of a PACK, one after another, with as few system calls as there can be: open with the mode
 * that it is to have, write, set the time, close. Their bytes were verified before. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/file_range.h"
#include "services/transfer/platform/file_system.h"
#include "services/transfer/receive/receiver_internal.h"

static int write_file(struct receiver *receiver, struct incoming_file *file, struct span bytes,
                      const struct files_time *mtime)
{
    int fd = -1;
    target_destroy(receiver, file, true); /* it was compared, or came by chunks until it changed */
    int status = receiver_claim_space(receiver, bytes.size);
    if (status == 0)
        status = receiver_make_file(receiver, file, O_WRONLY, file->mode, &fd);
    if (status < 0)
        return status;
    if (bytes.size > 0)
        status = file_range_write(fd, bytes.data, bytes.size, 0);
    if (status == 0)
        status = receiver_dress_file(receiver, file, fd, true, mtime);
    if (close(fd) < 0 && status == 0 && errno != EINTR)
        status = file_status(errno); /* some file systems find out about quotas here */
    if (status < 0)
        receiver_remove_file(receiver, file);
    return status;
}

static int take_file(struct receiver *receiver, const struct pack_file *packed, struct span bytes)
{
    struct incoming_file *file = incoming_files_find(&receiver->files, packed->entry);
    if (file == NULL)
        return receiver_problem(receiver, STATUS_MALFORMED, "bytes of a file that was not asked for");
    if (file->is_doomed) {
        incoming_files_drop(&receiver->files, file);
        return 0;
    }
    int status = write_file(receiver, file, bytes, &packed->mtime);
    if (status == 0)
        return receiver_file_done(receiver, file, bytes.size);
    if (status_is_disk_full(status))
        return receiver_pause(receiver, status);
    if (status_is_fatal(status))
        return status;
    return receiver_file_failed(receiver, file, status,
                                status == UV_EEXIST
                                    ? "another entry of this name came already; here, names may "
                                      "also be the same by upper and lower case"
                                    : NULL);
}

int pack_write(struct receiver *receiver)
{
    const struct pack_message *pack = &receiver->subject.body.pack;
    const uint8_t *bytes = receiver->data != NULL ? receiver->data->bytes : NULL;
    while (receiver->pack_done < pack->count) {
        const struct pack_file *packed = &pack->files[receiver->pack_done];
        if (receiver_is_stopped(receiver))
            return UV_ECANCELED;
        int status = take_file(receiver, packed,
                               span_of(bytes != NULL ? bytes + receiver->pack_offset : NULL, packed->size));
        if (status < 0)
            return status;
        receiver->pack_done++;
        receiver->pack_offset += packed->size;
    }
    return 0;
}
