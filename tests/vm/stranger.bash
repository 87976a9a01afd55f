# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: MIT
# Somebody else: a user without privilege who dials the agent, by socat and by a bridge of his own, and what the paired
# bridge tells of him. Needs bridge.bash. A test provides
#
#   stranger_place      variable: in_guest or on_host, where he sits
#   stranger_cid        variable: the vsock CID that he dials

stranger_hospes='hospes --socket /home/stranger/run/api.sock'

stranger_runs() {
    "$stranger_place" "$1" "su stranger -c 'exec sh -s' <<'STRANGER'
$2
STRANGER"
}

# expect_nothing_served SECONDS: he connects to both ports and listens. Not one byte comes, and before that time the agent
# hangs up; socat then ends with 0.
expect_nothing_served() {
    local port
    for port in 5002 5003; do
        expect_equal "bytes from vsock port $port to a stranger, and socat's status" "0 0" \
            "$(stranger_runs 30 "timeout $1 socat -u VSOCK-CONNECT:$stranger_cid:$port CREATE:/tmp/served
                status=\$?
                echo \$(wc -c </tmp/served) \$status
                rm /tmp/served" | tail -n 1)"
    done
}

stranger_starts_bridge() {
    stranger_runs 20 "mkdir -m 700 /home/stranger/run
        echo '{\"vms\":[{\"name\":\"mine\",\"link\":\"vsock:$stranger_cid\"}]}' >/home/stranger/config.json"
    "$stranger_place" 20 "setsid su stranger -c 'exec hospes-bridge --config /home/stranger/config.json \
        --state-dir /home/stranger/state --socket /home/stranger/run/api.sock --panel off' </dev/null >/dev/console 2>&1 &
        echo \$! >/run/stranger.pid"
}

# He insists. The guest's owner waits for nobody, so that is refused, too: status 4.
stranger_pairs() {
    local status=0
    stranger_runs 60 "$stranger_hospes pair mine" >/dev/null || status=$?
    expect_equal "status of the stranger's hospes pair" 4 "$status"
}

stranger_stops_bridge() {
    # shellcheck disable=SC2016 # for where he sits
    "$stranger_place" 20 'kill $(cat /run/stranger.pid)'
}

stranger_is_refused() {
    [ "$(stranger_runs 20 "$stranger_hospes --json vms" | jq -r '.vms[0].error.code')" = "$1" ]
}

# refusal_is_told CODE KEY: the paired bridge has the event, which names place and key of the stranger.
refusal_is_told() {
    [ "$(hospes_json events dev | jq -s --arg code "$1" --arg key "$2" 'any(.[]; .type == "vm.refused" and .code == $code and
        .link == "vsock" and (.who | startswith("vsock CID") and contains($key)))')" = true ]
}

refusal_is_audited() {
    [ "$(hospes_json audit dev | jq --arg code "$1" --arg key "$2" 'any(.entries[]; .action == "agent.refused" and
        .result == "refused" and .status == $code and (.parameters.who | contains($key)))')" = true ]
}

# He speaks another protocol on both ports; what he sent is no frame, and the paired bridge is told.
check_nonsense_of_stranger() {
    local port
    for port in 5002 5003; do
        stranger_runs 30 "echo 'GET / HTTP/1.0' | timeout 20 socat -t 15 - VSOCK-CONNECT:$stranger_cid:$port >/dev/null" || true
    done
    eventually 15 "hospes events has vm.refused for what is no frame" refusal_is_told MALFORMED 'vsock CID'
}

# check_bridge_of_stranger CODE: it is refused for this reason and no other, `hospes events` and the audit log have it, and
# the paired bridge goes on without a break.
check_bridge_of_stranger() {
    local since key
    since=$(vm_value .since)
    stranger_starts_bridge
    eventually 30 "the stranger's bridge is refused with $1" stranger_is_refused "$1"
    stranger_pairs
    key=$(stranger_runs 20 "$stranger_hospes identity")
    eventually 30 "hospes events has vm.refused with $1" refusal_is_told "$1" "$key"
    eventually 30 "the audit log has agent.refused with $1" refusal_is_audited "$1" "$key"
    stranger_stops_bridge
    expect_equal "state of the paired bridge" "connected $since" "$(vm_value '.state + " " + .since')"
}
