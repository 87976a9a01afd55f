#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Until both ends can prove who they are, a tcp: link is refused, and the reason says so.
source "$(dirname "$0")/harness.sh"
start_bridge
status=$(cli_status add far tcp:127.0.0.1:5002)
if [[ $status == 0 ]]; then
    is_disabled() { [[ $(vm_state far) == disabled ]]; }
    eventually 'a guest that may not be dialled is disabled' is_disabled
    said=$(vm_error far)
else
    equal "$status" 4 'refused by policy'
    said=$(<"$work/err")
fi
matches "$said" '[Aa]uthent' 'the reason'

make_namespace g1
status=0
inside g1 timeout "$patience" hospes-agent --listen tcp:127.0.0.1:5002 --state-dir "$work/g1-state" 2>"$work/err" || status=$?
equal "$status" 1 'the agent refuses it too'
matches "$(<"$work/err")" '[Aa]uthent' 'its reason'
