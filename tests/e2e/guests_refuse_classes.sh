#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The guest's owner switches classes of request off: they are not announced, refused by name, and the rest works.
source "$(dirname "$0")/harness.sh"
start_bridge
make_namespace g1
printf '{"classes":{"observe":false}}\n' >"$work/agent.json"
agent_options=(--config "$work/agent.json")
start_agent g1
serve g1 8080
cli --quiet add g1 "unix:$work/g1.ctl,$work/g1.evt"
eventually 'the guest connects' is_connected g1
eventually 'ports work without observe' fetches "$(host_port_of g1 8080)" 'g1 says hello'
api GET /vms/g1 | jq -e '.capabilities | index("health") == null and index("ports") != null' >/dev/null || fail 'what is announced'
equal "$(api_code GET /vms/g1/health)" 403 'health of a guest that refuses to tell'
matches "$(jq -r '.error.message' "$work/body")" 'observe' 'the refusal names the class'
equal "$(cli_status status g1)" 4 'the exit status of a refusal'
logs_say agent-g1 'refused HEALTH_REQUEST' || fail 'the agent does not log the refusal'

stop agent-g1
printf '{"classes":{"ports":false}}\n' >"$work/agent.json"
start_agent g1
eventually 'the guest connects again' is_connected g1
eventually 'no port is told' has_no_port g1 8080
equal "$(api_code GET /vms/g1/health)" 200 'health without ports'
cli --quiet forward g1 8080:18080
reset() { [[ $(on_host curl -sS --max-time 5 http://127.0.0.1:18080/ 2>&1) != *hello* ]]; }
reset || fail 'a channel was opened though the class is off'
eventually 'the agent says so' logs_say agent-g1 'refused 1 connection'

# Nonsense in the configuration is said with its place.
printf '{"classes":{"telepathy":true}}\n' >"$work/bad.json"
status=0
inside g1 hospes-agent --config "$work/bad.json" --listen "unix:$work/x" --state-dir "$work/x-state" 2>"$work/err" || status=$?
equal "$status" 1 'an unknown class'
matches "$(<"$work/err")" 'bad.json:1:[0-9]+.*telepathy' 'where the mistake is'
