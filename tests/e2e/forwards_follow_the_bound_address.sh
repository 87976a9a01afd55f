#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whatever address of the guest a server is bound to, the host reaches it on localhost.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1

serve g1 8001 ::1 'only ::1'
eventually 'a server on ::1 is reached' fetches "$(host_port_of g1 8001)" 'only ::1'

printf 'only IPv6\n' >"$work/v6only"
spawn v6only g1 socat -U TCP6-LISTEN:8002,fork,reuseaddr,ipv6only=1 OPEN:"$work/v6only",rdonly
port=$(host_port_of g1 8002)
equal "$(on_host socat -u "TCP:127.0.0.1:$port" -)" 'only IPv6' 'a v6only server'

serve g1 8003 0.0.0.0 'any IPv4'
eventually 'a server on 0.0.0.0 is reached' fetches "$(host_port_of g1 8003)" 'any IPv4'

# Two sockets of one number are one forward; http.server on :: takes IPv4 too.
serve g1 8004 :: 'dual stack'
eventually 'a dual-stack server is reached' fetches "$(host_port_of g1 8004)" 'dual stack'

printf 'four\n' >"$work/four"
printf 'six\n' >"$work/six"
spawn four g1 socat -U TCP4-LISTEN:8005,bind=0.0.0.0,fork,reuseaddr OPEN:"$work/four",rdonly
spawn six g1 socat -U TCP6-LISTEN:8005,fork,reuseaddr,ipv6only=1 OPEN:"$work/six",rdonly
port=$(host_port_of g1 8005)
matches "$(on_host socat -u "TCP:127.0.0.1:$port" -)" '^(four|six)$' '0.0.0.0 and [::] side by side'
count=$(api GET /vms/g1/forwards | jq '[.forwards[] | select(.guestPort == 8005)] | length')
equal "$count" 1 'one number is one forward'
kill_hard four
six_answers() { [[ $(on_host socat -u "TCP:127.0.0.1:$port" - 2>/dev/null) == six ]]; }
eventually 'the other one carries on when one of the two stops' six_answers
