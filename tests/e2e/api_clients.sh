#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Another user of the host: turned away, or let in for some classes of request, and in either case written down. The log
# that says so can be checked, and shows when it was changed.
source "$(dirname "$0")/harness.sh"
listed=$(id -u nobody)
group=$(id -g nobody)
stranger=54321
chmod 0711 "$work" # the test's own folder is no obstacle

as() { # as UID COMMAND…
    setpriv --reuid "$1" --regid "$group" --clear-groups -- "${@:2}"
}
ask_as() { # ask_as UID METHOD PATH [CURL OPTION…]: "HTTP status body", or "000" when the connection is refused
    local uid=$1
    as "$uid" curl -s --max-time "$patience" --unix-socket "${socket:-$api_socket}" -X "$2" -w '\n%{http_code}\n' "${@:4}" \
        "http://localhost/api/v1$3" 2>/dev/null | tac | tr '\n' ' ' || true
}

# Without a list nobody else gets as far as the socket.
start_bridge
matches "$(ask_as "$listed" GET /health)" '^000' 'nobody without a list'
equal "$(stat -c '%a' "$api_socket")" 600 'the mode of the socket'
stop bridge

# Entries without a group say what is missing.
cat >"$work/config.json" <<CONFIG
{"clients": [{"user": "nobody", "classes": ["observe"]}]}
CONFIG
if on_host hospes-bridge --config "$work/config.json" --state-dir "$work/state" --socket "$api_socket" 2>"$work/err"; then
    fail 'a list without a group is taken'
fi
grep -q 'apiSocketGroup' "$work/err" || fail "the error does not name apiSocketGroup: $(<"$work/err")"

cat >"$work/config.json" <<CONFIG
{"clients": [{"user": "nobody", "classes": ["observe", "ports"]}], "apiSocketGroup": "$group"}
CONFIG
start_bridge
equal "$(stat -c '%a %g' "$api_socket")" "660 $group" 'mode and group of the socket'
equal "$(stat -c '%a %g' "${api_socket%/*}")" "710 $group" 'mode and group of its folder'
cli --quiet add g1 "unix:$work/g1.ctl,$work/g1.evt"
equal "$(stat -c '%a %g' "$work/run/vm/g1.sock")" "660 $group" "mode and group of the guest's socket"

# What nobody may: look, and rule over ports; nothing else.
matches "$(ask_as "$listed" GET /health)" '^200 .*"classes":\["ports","observe"\]' 'health for nobody'
matches "$(ask_as "$listed" GET /vms)" '^200 ' 'guests for nobody'
matches "$(ask_as "$listed" PUT /vms/g1/ports/80 -d '{"policy":"block"}')" '^200 ' 'a policy by nobody'
for request in 'POST /vms' 'DELETE /vms/g1' 'GET /audit' 'GET /audit/verify' 'POST /vms/g1/pair'; do
    read -r method path <<<"$request"
    matches "$(ask_as "$listed" "$method" "$path" -d '{}')" '^403 .*"NOT_ALLOWED".*class \\"admin\\"' "$request by nobody"
done
matches "$(socket=$work/run/vm/g1.sock ask_as "$listed" GET /ports)" '^200 ' "the guest's own socket for nobody"
matches "$(socket=$work/run/vm/g1.sock ask_as "$listed" POST /pair -d '{}')" '^403 ' 'pairing there by nobody'
matches "$(api GET /vms/g1 | jq -r .name)" '^g1$' 'the guest is still there'

# The CLI says so by its exit status.
status=0
chmod 0755 "$work"
mkdir -m 0755 "$work/bin"
cp "$(command -v hospes)" "$work/bin/hospes"
as "$listed" "$work/bin/hospes" --socket "$api_socket" remove g1 2>"$work/err" || status=$?
equal "$status" 4 'exit status of a refused command'
grep -q 'may not use the class "admin"' "$work/err" || fail "the CLI's message: $(<"$work/err")"

# A stranger of the same group reaches the socket and is turned away, on each of them.
api GET '/events?since=0' --no-buffer >"$work/events" 2>/dev/null &
reader=$!
matches "$(ask_as "$stranger" GET /health)" '^000' 'a stranger'
matches "$(socket=$work/run/vm/g1.sock ask_as "$stranger" GET /ports)" '^000' "a stranger at the guest's socket"
eventually 'the event tells of the stranger' grep -q "\"reason\":\"peer\",\"uid\":$stranger" "$work/events"
kill "$reader"
wait "$reader" 2>/dev/null || true
cli events >"$work/out"
grep -q "api.refused.*uid $stranger" "$work/out" || fail "hospes events does not show the stranger: $(<"$work/out")"
logs_say bridge "refused uid $stranger" || fail 'the log does not show the stranger'
api GET /metrics >"$work/metrics"
grep -qx 'hospes_api_refused_total{reason="peer"} 2' "$work/metrics" || fail 'strangers are not counted'
grep -qx 'hospes_api_refused_total{reason="class"} 7' "$work/metrics" || fail 'missing classes are not counted'

# All of it is in the audit log, with who did it.
api GET '/audit?limit=1000' >"$work/audit.json"
entry() { # entry JQ_CONDITION SENTENCE
    jq -e "[.entries[] | select($1)] | length > 0" "$work/audit.json" >/dev/null || fail "$2: $(<"$work/audit.json")"
}
entry ".action == \"api.refused\" and .client.uid == $stranger and .client.pid > 0 and .result == \"refused\"" \
    'the stranger is in the audit log'
entry ".action == \"DELETE /vms/{vm}\" and .guest == \"g1\" and .client.uid == $listed and .result == \"refused\" and
    .class == \"admin\" and .status == \"NOT_ALLOWED\"" 'the refused command is in the audit log'
entry ".action == \"PUT /vms/{vm}/ports/{port}\" and .client.uid == $listed and .result == \"done\" and
    .parameters == {\"port\": \"80\", \"policy\": \"block\"} and (.client.executable | endswith(\"/curl\"))" \
    'what was allowed is in the audit log'
entry '.action == "POST /vms" and .client.uid == 0 and (.client.executable | endswith("/hospes"))' 'so is what root did'

# The chain holds, over a restart too; a changed byte is found by the bridge and by whoever has the file.
equal "$(cli_status audit verify)" 0 'the log is intact'
stop bridge
start_bridge
cli --quiet remove g1
equal "$(cli_status audit verify)" 0 'the log is intact after a restart'
equal "$(cli_status audit g1 --last 1)" 0 'hospes audit'
grep -q 'DELETE /vms/{vm}' "$work/out" || fail "hospes audit g1: $(<"$work/out")"
equal "$(stat -c %a "$work/state/audit.log")" 600 'the mode of the log'
equal "$(cli_status audit verify "$work/state/audit.log")" 0 'a copy is intact'
sed -i "2s/\"uid\":$listed/\"uid\":1/" "$work/state/audit.log"
equal "$(cli_status audit verify)" 1 'a changed log'
matches "$(<"$work/err")" 'line ' 'the place is named'
equal "$(cli_status audit verify "$work/state/audit.log")" 1 'a changed copy'
matches "$(<"$work/err")" 'line 2: changed' 'the place in the copy is named'
