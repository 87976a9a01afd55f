#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A server that speaks first is heard before the client has said anything, and the dialogue goes on.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1

spawn banner g1 socat TCP-LISTEN:2525,bind=127.0.0.1,fork,reuseaddr SYSTEM:'echo 220 guest ready; cat'
port=$(host_port_of g1 2525)
said=$(on_host bash -c "exec 3<>/dev/tcp/127.0.0.1/$port && read -r -t $patience -u 3 line && echo \"\$line\"")
equal "$said" '220 guest ready' 'the banner, without a word from the client'
said=$(printf 'HELO host\n' | on_host socat -t "$patience" - "TCP:127.0.0.1:$port")
equal "$said" $'220 guest ready\nHELO host' 'banner and answer'

# A server that only speaks and closes loses nothing.
printf 'x%.0s' {1..70000} >"$work/speech"
spawn speaker g1 socat -U TCP-LISTEN:2626,bind=127.0.0.1,fork,reuseaddr OPEN:"$work/speech",rdonly
port=$(host_port_of g1 2626)
for _ in {1..20}; do
    on_host socat -u "TCP:127.0.0.1:$port" - | cmp - "$work/speech" || fail 'bytes lost at close'
done
