#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whoever did not take part in a session's handshake gets no channel and no feed of it: no proof, a proof twice, another
# session's. A sealed channel takes nothing that was changed, moved, left out or cut, and a server in the guest never
# takes that for a clean end.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
trust_test_bridge g1
spawn echo g1 socat TCP-LISTEN:7700,bind=127.0.0.1,fork,reuseaddr,backlog=128 PIPE
spawn watched g1 python3 "$e2e/peer.py" watch-all 7701 "$work/ended"
eventually 'the servers listen' listens g1 7701
eventually 'the servers listen' listens g1 7700
python3 "$e2e/channel_proofs.py" "$work/g1.ctl" "$work/test.key" 7700 7701 || fail 'channel_proofs.py'
ended() { [[ $(wc -l <"$work/ended") -ge 8 ]]; }
eventually 'each broken channel ends at the server' ended
equal "$(sort -u "$work/ended")" 'reset 5' 'how broken channels end, and how many bytes came'
equal "$(vm_state g1)" connected 'the real bridge'
