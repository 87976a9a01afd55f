#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# GhostVM's file of port forwards is read as it stands, and stays where it is.
source "$(dirname "$0")/harness.sh"
make_namespace g1
start_agent g1
mkdir "$work/GhostVM"
printf '{"portForwards":[{"hostPort":8180,"guestPort":80},{"hostPort":8181,"guestPort":81,"enabled":false},\n' >"$work/GhostVM/config.json"
printf ' {"hostPort":8182,"guestPort":82,"enabled":true}],"cpus":4,"name":"a machine"}\n' >>"$work/GhostVM/config.json"
printf '{"vms":[{"name":"g1","link":"unix:%s,%s","config":"%s"}]}\n' "$work/g1.ctl" "$work/g1.evt" \
    "$work/GhostVM/config.json" >"$work/config.json"
start_bridge
eventually 'g1 connects' is_connected g1
serve g1 80
equal "$(host_port_of g1 80)" 8180 'the first of them'
eventually 'it works' fetches 8180 'g1 says hello'
equal "$(host_port_of g1 82)" 8182 'the last of them'
equal "$(forward_of g1 82 | jq -r .kind)" static 'the kind of forward'
has_no_active_forward g1 81 || fail 'one that is not enabled'

# What the configuration lists is removed there.
equal "$(cli_status remove g1)" 4 'a guest of the configuration file'

# Gone from the file is gone after a restart: the bridge keeps no copy.
stop bridge
printf '{"portForwards":[]}\n' >"$work/GhostVM/config.json"
start_bridge
eventually 'g1 connects' is_connected g1
eventually 'port 80 is forwarded as any other' forward_is_active g1 80
equal "$(forward_of g1 80 | jq -r .kind)" auto 'the kind of forward'
not forward_of g1 82 || fail 'a forward that is no longer in the file'
