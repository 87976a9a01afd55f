/* SPDX-License-Identifier: MIT */
/* The handlers that the router's table names; docs/openapi.yaml says what each does. */
#ifndef HOSPES_API_ROUTES_H
#define HOSPES_API_ROUTES_H

#include "host-bridge/api/owner.h"

/* routes_health.c */
void route_get_health(struct api *api, struct guest *guest, struct http_request *request);
void route_get_guest_health(struct api *api, struct guest *guest, struct http_request *request);
/* routes_vms.c */
void route_list_guests(struct api *api, struct guest *guest, struct http_request *request);
void route_add_guest(struct api *api, struct guest *guest, struct http_request *request);
void route_get_guest(struct api *api, struct guest *guest, struct http_request *request);
void route_remove_guest(struct api *api, struct guest *guest, struct http_request *request);
/* routes_ports.c */
void route_list_ports(struct api *api, struct guest *guest, struct http_request *request);
void route_set_port_policy(struct api *api, struct guest *guest, struct http_request *request);
/* routes_forwards.c */
void route_list_forwards(struct api *api, struct guest *guest, struct http_request *request);
void route_add_forward(struct api *api, struct guest *guest, struct http_request *request);
void route_get_forward(struct api *api, struct guest *guest, struct http_request *request);
void route_remove_forward(struct api *api, struct guest *guest, struct http_request *request);
/* routes_policy.c */
void route_list_rules(struct api *api, struct guest *guest, struct http_request *request);
void route_put_rule(struct api *api, struct guest *guest, struct http_request *request);
void route_drop_rule(struct api *api, struct guest *guest, struct http_request *request);
/* routes_pairing.c */
void route_get_pairing(struct api *api, struct guest *guest, struct http_request *request);
void route_pair(struct api *api, struct guest *guest, struct http_request *request);
void route_unpair(struct api *api, struct guest *guest, struct http_request *request);
void route_get_identity(struct api *api, struct guest *guest, struct http_request *request);
/* routes_events.c */
void route_get_events(struct api *api, struct guest *guest, struct http_request *request);
/* routes_metrics.c */
void route_get_metrics(struct api *api, struct guest *guest, struct http_request *request);
/* routes_audit.c */
void route_get_audit(struct api *api, struct guest *guest, struct http_request *request);
void route_verify_audit(struct api *api, struct guest *guest, struct http_request *request);
/* routes_download.c */
void route_get_file(struct api *api, struct guest *guest, struct http_request *request);
/* routes_upload.c */
void route_put_file(struct api *api, struct guest *guest, struct http_request *request);
void route_drop_file(struct api *api, struct guest *guest, struct http_request *request);
/* routes_fs.c */
void route_make_folder(struct api *api, struct guest *guest, struct http_request *request);
void route_move_path(struct api *api, struct guest *guest, struct http_request *request);
void route_remove_path(struct api *api, struct guest *guest, struct http_request *request);
/* routes_folder.c */
void route_list_folder(struct api *api, struct guest *guest, struct http_request *request);
/* routes_watch.c */
void route_watch_folder(struct api *api, struct guest *guest, struct http_request *request);
/* routes_transfers.c */
void route_list_transfers(struct api *api, struct guest *guest, struct http_request *request);
void route_add_transfer(struct api *api, struct guest *guest, struct http_request *request);
void route_get_transfer(struct api *api, struct guest *guest, struct http_request *request);
void route_cancel_transfer(struct api *api, struct guest *guest, struct http_request *request);
/* routes_inbox.c */
void route_list_inbox(struct api *api, struct guest *guest, struct http_request *request);
void route_accept_offer(struct api *api, struct guest *guest, struct http_request *request);
void route_decline_offer(struct api *api, struct guest *guest, struct http_request *request);

#endif
