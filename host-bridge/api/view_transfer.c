/* SPDX-License-Identifier: MIT */
/* A transfer as clients see it. */
#include "host-bridge/api/view.h"
#include "protocol/base/status.h"

static json_t *view_paths(const struct transfer_place *place)
{
    json_t *list = json_array();
    for (size_t i = 0; i < place->path_count; i++)
        json_array_append_new(list, view_text(place->paths[i]));
    return list;
}

static json_t *view_from(const struct transfer_place *from)
{
    return json_pack("{s:o, s:o, s:o}", "vm", view_text_or_null(from->vm), "user",
                     view_text_or_null(from->user), "paths", view_paths(from));
}

static json_t *view_to(const struct transfer_place *to)
{
    return json_pack("{s:o, s:o, s:o}", "vm", view_text_or_null(to->vm), "user", view_text_or_null(to->user),
                     "path", to->path_count > 0 ? view_text_or_null(to->paths[0]) : json_null());
}

static json_t *view_total(const struct transfer_counts *counts, uint64_t total)
{
    return counts->totals_known ? json_integer(view_count(total)) : json_null();
}

static json_t *view_files(const struct transfer_counts *counts)
{
    return json_pack("{s:o, s:I, s:I, s:I}", "total", view_total(counts, counts->files_total), "done",
                     view_count(counts->files_done), "skipped", view_count(counts->skipped), "failed",
                     view_count(counts->failed));
}

static json_t *view_bytes(const struct transfer_counts *counts)
{
    return json_pack("{s:o, s:I, s:I}", "total", view_total(counts, counts->bytes_total), "done",
                     view_count(counts->bytes_done), "moved", view_count(counts->bytes_moved));
}

static bool is_under_way(const struct transfer *transfer)
{
    return transfer->state == TRANSFER_RUNNING || transfer->state == TRANSFER_PAUSED;
}

static json_t *view_current(const struct transfer *transfer)
{
    const struct transfer_counts *counts = &transfer->counts;
    if (!is_under_way(transfer) || counts->current[0] == '\0')
        return json_null();
    return json_pack("{s:o, s:I, s:I}", "path", view_text(counts->current), "size",
                     view_count(counts->current_size), "done", view_count(counts->current_done));
}

static json_t *view_phase(const struct transfer *transfer)
{
    return is_under_way(transfer) && transfer->counts.phase != 0
               ? json_string(transfer_phase_name(transfer->counts.phase))
               : json_null();
}

static json_t *view_error(const struct transfer *transfer)
{
    if (transfer->error == 0)
        return json_null();
    const char *text = transfer->error_text[0] != '\0' ? transfer->error_text : status_text(transfer->error);
    return json_pack("{s:s, s:o}", "code", status_name(transfer->error), "message", view_text(text));
}

static json_t *view_failures(const struct transfer *transfer, size_t max)
{
    json_t *list = json_array();
    for (const struct transfer_failure *failure = transfer->failures;
         failure != NULL && json_array_size(list) < max; failure = failure->next) {
        const char *text =
            failure->text != NULL && failure->text[0] != '\0' ? failure->text : status_text(failure->status);
        json_array_append_new(list, json_pack("{s:o, s:s, s:o}", "path",
                                              view_text(failure->path != NULL ? failure->path : ""), "code",
                                              status_name(failure->status), "message", view_text(text)));
    }
    return list;
}

static json_t *view_names(const struct transfer *transfer)
{
    json_t *list = json_array();
    for (size_t i = 0; i < transfer->name_count; i++)
        json_array_append_new(list, view_text_or_null(transfer->names[i]));
    return list;
}

json_t *view_transfer_progress(const struct transfer *transfer)
{
    const struct transfer_counts *counts = &transfer->counts;
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", transfer->id, "kind",
        transfer_kind_name(transfer->kind), "from", view_from(&transfer->from), "to", view_to(&transfer->to),
        "state", transfer_state_name(transfer->state), "phase", view_phase(transfer), "files",
        view_files(counts), "bytes", view_bytes(counts), "rate",
        transfer->rate == 0 ? json_null() : json_integer(view_count(transfer->rate)), "leftSec",
        transfer->left_s == UINT64_MAX ? json_null() : json_integer(view_count(transfer->left_s)), "current",
        view_current(transfer), "error", view_error(transfer), "started",
        view_time_or_null(transfer->started_ms), "ended", view_time_or_null(transfer->ended_ms));
}

json_t *view_transfer(const struct transfer *transfer, size_t failures_max)
{
    json_t *view = view_transfer_progress(transfer);
    if (view == NULL || json_object_set_new(view, "failures", view_failures(transfer, failures_max)) != 0 ||
        json_object_set_new(view, "names", view_names(transfer)) != 0) {
        json_decref(view);
        return NULL;
    }
    return view;
}
