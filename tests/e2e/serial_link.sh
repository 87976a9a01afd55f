#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One byte stream carries it all: a character device on both sides, and a Unix socket as QEMU offers, with stale bytes
# of an earlier life in it.
source "$(dirname "$0")/harness.sh"
start_bridge

# A pair of character devices.
make_namespace g1
spawn cable host socat "PTY,link=$work/host-end,raw,echo=0" "PTY,link=$work/guest-end,raw,echo=0"
eventually 'the cable is there' test -e "$work/guest-end"
start_agent g1 "serial:$work/guest-end"
cli add g1 "serial:$work/host-end"
eventually 'connects over a character device' is_connected g1
serve g1 8080
eventually 'the page through a character device' fetches "$(host_port_of g1 8080)" 'g1 says hello'

# A Unix socket in front of one. A shell keeps the far end open, so that bytes of a lost bridge stay in the line.
make_namespace g2
spawn cable2 host socat "PTY,link=$work/middle,raw,echo=0" "PTY,link=$work/guest-end2,raw,echo=0"
eventually 'the cable is there' test -e "$work/middle"
eventually 'the cable is there' test -e "$work/guest-end2"
exec 8<>"$work/middle" 9<>"$work/guest-end2"
printf 'leftovers of an earlier life \377\377\377\377' >&9
spawn vmm host socat "UNIX-LISTEN:$work/serial.sock,fork,max-children=1" "OPEN:$work/middle,raw,echo=0"
eventually 'the socket is there' test -S "$work/serial.sock"
start_agent g2 "serial:$work/guest-end2"
cli add g2 "serial:$work/serial.sock"
eventually 'connects over a Unix socket' is_connected g2
serve g2 8082
port=$(host_port_of g2 8082)
eventually 'the page through a Unix socket' fetches "$port" 'g2 says hello'

# Several at once, with more than a window in each, and one that nobody reads.
head -c 4M /dev/urandom >"$work/g2-8082-www/big"
spawn idle host curl -sS --limit-rate 1 -o /dev/null "http://127.0.0.1:$port/big"
for i in 1 2 3 4; do
    spawn "get$i" host curl -sS -o "$work/got$i" "http://127.0.0.1:$port/big"
done
for i in 1 2 3 4; do
    poll 60 is_gone "get$i" || fail 'a download over the mux does not end'
    cmp "$work/got$i" "$work/g2-8082-www/big" || fail 'a download over the mux is not what was sent'
done

kill_hard bridge
start_bridge
eventually 'connects again with half a conversation in the line' is_connected g2
eventually 'the page again' fetches "$port" 'g2 says hello'
kill_hard agent-g2
start_agent g2 "serial:$work/guest-end2"
eventually 'the page after a new agent' fetches "$port" 'g2 says hello'
