#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each side may say that it is done and still listen: 64 MiB each way, and what comes after the other's end of stream.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
head -c 64M /dev/urandom >"$work/big"
wanted=$(sha256sum <"$work/big")

# The client ends first; only then the server can answer.
spawn digest g1 socat -t 60 TCP-LISTEN:7001,bind=127.0.0.1,fork,reuseaddr SYSTEM:'sha256sum'
port=$(host_port_of g1 7001)
equal "$(on_host socat -t 60 - "TCP:127.0.0.1:$port" <"$work/big")" "$wanted" '64 MiB to the guest, answered after the end'

# The server ends first; the client sends 64 MiB after that.
spawn first g1 python3 "$e2e/peer.py" send-first 7002 "$work/big" "$work/at-server"
port=$(host_port_of g1 7002)
at_client=$(on_host python3 "$e2e/peer.py" send-last 127.0.0.1 "$port" "$work/big")
eventually 'the server gets it all' test -e "$work/at-server"
wanted="eof $((64 * 1024 * 1024)) ${wanted%% *}"
equal "$at_client" "$wanted" '64 MiB from the guest, before its end of stream'
equal "$(<"$work/at-server")" "$wanted" '64 MiB to the guest, after its end of stream'

# Both ends are done and the server is gone while its answer still piles up before a client that reads late.
for size in 1500K 9M; do
    head -c "$size" /dev/urandom >"$work/answer.$size"
    server_port=$((7100 + ${size%[KM]} % 100))
    spawn "late$size" g1 python3 "$e2e/peer.py" answer-last "$server_port" "$work/answer.$size"
    port=$(host_port_of g1 "$server_port")
    equal "$(on_host python3 "$e2e/peer.py" read-late 127.0.0.1 "$port" 0.7)" \
        "eof $(stat -c %s "$work/answer.$size") $(sha256sum <"$work/answer.$size" | cut -d' ' -f1)" 'a late reader gets it all'
done

# Small ones end as whole as large ones, a hundred times.
spawn upper g1 socat -t 60 TCP-LISTEN:7003,bind=127.0.0.1,fork,reuseaddr SYSTEM:'tr a-z A-Z'
port=$(host_port_of g1 7003)
for ((i = 0; i < 100; i++)); do
    equal "$(printf 'number %d' "$i" | on_host socat -t 60 - "TCP:127.0.0.1:$port")" "NUMBER $i" 'a short dialogue'
done
