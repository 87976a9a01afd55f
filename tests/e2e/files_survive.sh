#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Transfers of a mixed tree while somebody kills the agent, the bridge or the client, or cuts the link, at random
# moments: after each resume nothing is lost, at the end the trees are the same and nothing half done is left.
#
# HOSPES_KILLS   how often (default 12); HOSPES_TREE_MIB   size of the tree (default 96); HOSPES_SEED   of the moments
source "$(dirname "$0")/harness.sh"
source "$e2e/files.bash"
kills=${HOSPES_KILLS:-12} mib=${HOSPES_TREE_MIB:-96}
RANDOM=${HOSPES_SEED:-4711}
start_bridge
start_guest g1
make_tree "$work/src" "$mib"
mkdir "$work/arrived"

# The link runs through a proxy of the test, so that it can be cut.
start_cut() { spawn cut host socat "UNIX-LISTEN:$work/cut.ctl,fork,unlink-early" "UNIX-CONNECT:$work/g1.ctl"; }
spawn cut-events host socat "UNIX-LISTEN:$work/cut.evt,fork,unlink-early" "UNIX-CONNECT:$work/g1.evt"
start_cut
cli --quiet remove g1
cli --quiet add g1 "unix:$work/cut.ctl,$work/cut.evt"
eventually 'the guest is reached through the proxy' is_connected g1

copy() { # copy SOURCE TARGET: as somebody who asks again until it is done
    spawn client host hospes --socket "$api_socket" --no-progress cp -r --resume "$1" "$2"
}
is_over() { is_gone client; }

strike() { # at a random moment: 0 agent, 1 bridge, 2 client, 3 link
    case $((RANDOM % 4)) in
    0)
        kill_hard agent-g1
        start_agent g1
        ;;
    1)
        kill_hard bridge
        start_bridge
        ;;
    2)
        kill_hard client
        return 1
        ;;
    3)
        kill_hard cut
        start_cut
        ;;
    esac
}

# wait_random: up to about the time that the whole takes, but not beyond its end.
wait_random() {
    local until=$((RANDOM % (30 + mib / 8)))
    while ((until-- > 0)); do
        is_over && return
        sleep 0.01
    done
}

struck=0 rounds=0
while ((struck < kills)); do
    rounds=$((rounds + 1))
    if ((rounds % 2)); then
        source=$work/src target=g1:$work/arrived/
    else
        source=g1:$work/src target=$work/arrived/
    fi
    while :; do
        copy "$source" "$target"
        while ! is_over && ((struck < kills)); do
            wait_random
            is_over && break
            struck=$((struck + 1))
            strike || break
        done
        if [[ -n ${pid[client]:-} ]]; then
            poll 120 is_over || fail 'the copy does not end'
            status=0
            wait "${pid[client]}" || status=$?
            unset "pid[client]"
            ((status == 0)) && break
            ((status == 1 || status == 3)) || fail "the client ended with status $status"
            eventually 'the guest comes back' is_connected g1
        else
            eventually 'the guest comes back' is_connected g1
        fi
    done
    same_trees "$work/src" "$work/arrived/src" || fail "round $rounds, after $struck strikes"
    rm -rf "$work/arrived/src"
    no_partials "$work" || fail "round $rounds leaves something half done"
done
printf '%d strikes in %d copies of %d MiB\n' "$struck" "$rounds" "$mib"
