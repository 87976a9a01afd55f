# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The frame of a guest test: a private folder, background programs that end with the test whatever happens, waiting with a
# limit, and checks. Leaves to qemu.bash what a guest is, to bridge.bash what Hospes is. Sourced first by each test.
#
#   lab_limit SECONDS "$@"      runs the whole script under that limit (first call of a script)
#   lab_begin                   makes $lab; from here on every exit cleans up
#   lab_spawn NAME COMMAND…     in the background, output in $lab/NAME.log; killed by the kernel if the test dies
#   lab_stop NAME [SIGNAL]      ends it and waits for its end
#   step TEXT · fail TEXT · expect_equal WHAT EXPECTED ACTUAL · eventually SECONDS WHAT COMMAND…
#
# HOSPES_KEEP=1 leaves the folder for inspection.

declare -A lab_processes=()
lab=
lab_began=$SECONDS

lab_limit() {
    local seconds=$1
    shift
    [ -n "${HOSPES_LAB_LIMITED:-}" ] ||
        HOSPES_LAB_LIMITED=1 exec timeout --foreground --kill-after=20 "$seconds" "$0" "$@"
}

# Forwarded ports of the test then meet nobody else's. Unix sockets cross network namespaces.
lab_private_network() {
    local unshare=(unshare --net)
    [ -z "${HOSPES_LAB_NETWORK:-}" ] || return 0
    [ "$(id -u)" = 0 ] || unshare=(unshare --map-root-user --net)
    if "${unshare[@]}" true 2>/dev/null; then
        # shellcheck disable=SC2016 # for the inner shell
        HOSPES_LAB_NETWORK=private exec "${unshare[@]}" sh -c 'ip link set lo up && exec "$0" "$@"' "$0" "$@"
    fi
    HOSPES_LAB_NETWORK=shared
}

lab_begin() {
    lab=$(mktemp -d "${TMPDIR:-/tmp}/hospes-vm.XXXXXX")
    trap lab_end EXIT
    trap 'echo "the test was interrupted or took too long" >&2; exit 124' HUP INT TERM
}

lab_end() {
    local status=$? name log
    trap - EXIT
    trap '' HUP INT TERM
    if [ "$status" != 0 ]; then
        for log in "$lab"/*.log; do
            [ ! -s "$log" ] || { printf '\n==== %s (end)\n' "${log##*/}" && tail -n 60 "$log" | tr -d '\r'; } >&2
        done
    fi
    for name in "${!lab_processes[@]}"; do
        lab_stop "$name"
    done
    if [ -n "${HOSPES_KEEP:-}" ]; then
        printf 'kept: %s\n' "$lab" >&2
    else
        rm -rf "$lab"
    fi
    exit "$status"
}

lab_spawn() {
    local name=$1
    shift
    setpriv --pdeathsig KILL "$@" </dev/null >>"$lab/$name.log" 2>&1 &
    lab_processes[$name]=$!
    # Else the shell reports its violent ends.
    disown
}

lab_pid() {
    printf '%s\n' "${lab_processes[$1]}"
}

lab_stop() {
    local name=$1 signal=${2:-TERM} pid=${lab_processes[$1]:-} tries
    [ -n "$pid" ] || return 0
    unset "lab_processes[$name]"
    kill -s CONT "$pid" 2>/dev/null || true
    kill -s "$signal" "$pid" 2>/dev/null || true
    for ((tries = 0; tries < 50; tries++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -s KILL "$pid" 2>/dev/null || true
}

step() {
    printf '%4d s  %s\n' $((SECONDS - lab_began)) "$*"
}

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

expect_equal() {
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# Tries the command every 50 ms, its output dropped. Its own run time counts against the limit only between tries.
eventually() {
    local seconds=$1 what=$2 deadline
    shift 2
    deadline=$((${EPOCHREALTIME/[.,]/} + seconds * 1000000))
    until "$@" >/dev/null 2>&1; do
        [ "${EPOCHREALTIME/[.,]/}" -lt "$deadline" ] || fail "not within $seconds s: $what"
        sleep 0.05
    done
}
