# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What every end-to-end test sources first: a host and guests as network namespaces of this machine, the bridge in
# one, an agent in each other, joined by Unix sockets (which cross namespaces, as ports do not). So host and guest may
# both use port 8080, as in life. Whatever way a test ends, its processes and namespaces go with it.
#
# HOSPES_BIN  folders of hospes-agent, hospes-send, hospes-bridge, hospes and flood_agent, joined by colons
#
# A test fails by `fail`, by any command that fails, by a daemon that does not end with status 0, and by a
# sanitizer's report. Nothing here waits a fixed time: everything polls with a deadline.
set -euo pipefail

: "${HOSPES_BIN:?names the folders of the programs}"
export PATH=$HOSPES_BIN:$PATH
# Leaks are looked for; freed memory is not kept back for long, since some tests bound a daemon's memory.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4:malloc_context_size=8

e2e=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d /tmp/hospes-XXXXXX) # short: socket paths end at 108 bytes
run=${work##*-}
api_socket=$work/run/api.sock
patience=${HOSPES_E2E_PATIENCE:-30} # seconds: silence on a link is noticed after 15, and a busy machine is slow
declare -A pid=()                   # of every spawned process, by its name
declare -A daemons=()               # those of them that must end with status 0 when told to
export PYTHONDONTWRITEBYTECODE=1 # the sources stay as they are
export HOSPES_SOCKET=$api_socket HOME=$work XDG_CONFIG_HOME=$work/xdg XDG_STATE_HOME=$work/xdg XDG_RUNTIME_DIR=$work/run
mkdir -m 0700 "$work/run"

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

poll() { # poll SECONDS COMMAND…: until it succeeds
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

eventually() { # eventually SENTENCE COMMAND…
    poll "$patience" "${@:2}" >/dev/null || fail "$1 (not within $patience s)"
}

equal() { # equal GOT WANTED SENTENCE
    [[ $1 == "$2" ]] || fail "$3: got '$1', wanted '$2'"
}

matches() { # matches GOT PATTERN SENTENCE
    [[ $1 =~ $2 ]] || fail "$3: '$1' does not match '$2'"
}

not() { ! "$@"; }

# ---- the machines -------------------------------------------------------------------------------------------------

namespace() { # namespace NAME: of the host or of a guest of this test
    printf 'hospes-%s-%s' "$run" "$1"
}

make_namespace() {
    ip netns add "$(namespace "$1")"
    ip -n "$(namespace "$1")" link set lo up
}

inside() { # inside host|GUEST COMMAND…
    nsenter --net="/run/netns/$(namespace "$1")" -- "${@:2}"
}
on_host() { inside host "$@"; }

spawn() { # spawn NAME host|GUEST COMMAND…: in the background, in a process group of its own; output in $work/NAME.log
    local name=$1 where=$2
    shift 2
    setsid nsenter --net="/run/netns/$(namespace "$where")" -- "$@" >>"$work/$name.log" 2>&1 </dev/null &
    pid[$name]=$!
}

is_gone() { ! kill -0 "${pid[$1]}" 2>/dev/null; }

kill_hard() { # kill_hard NAME: it and its children, and waits until they are gone
    kill -KILL -- "-${pid[$1]}" 2>/dev/null || kill -KILL "${pid[$1]}" 2>/dev/null || true
    wait "${pid[$1]}" 2>/dev/null || true
    unset "pid[$1]" "daemons[$1]"
}

# Ends a daemon as systemd would; it must end by itself, in time, with status 0. Says what is wrong otherwise.
end_daemon() {
    local status=0
    if ! kill -TERM "${pid[$1]}" 2>/dev/null; then
        printf 'FAILED: %s had ended before it was told to\n' "$1" >&2
        return 1
    fi
    if ! poll "$patience" is_gone "$1"; then
        printf 'FAILED: %s does not end on SIGTERM\n' "$1" >&2
        return 1
    fi
    wait "${pid[$1]}" || status=$?
    unset "pid[$1]" "daemons[$1]"
    if ((status != 0)); then
        printf 'FAILED: %s ended with status %d\n' "$1" "$status" >&2
        return 1
    fi
}
stop() { end_daemon "$1" || exit 1; }

# ---- agent, bridge, CLI -------------------------------------------------------------------------------------------

agent_options=() # for every agent that is started from now on

start_agent() { # start_agent GUEST [LISTEN]
    local guest=$1 listen=${2:-unix:$work/$1.ctl,$work/$1.evt}
    spawn "agent-$guest" "$guest" hospes-agent --listen "$listen" "${agent_options[@]}" --state-dir "$work/$guest-state" \
        --admin-socket "$work/$guest.admin" --session-socket "$work/$guest.session" --log-level info
    daemons[agent-$guest]=yes
}

start_bridge() { # start_bridge [OPTION…]
    [[ -e $work/config.json ]] || printf '{}\n' >"$work/config.json"
    spawn bridge host hospes-bridge --config "$work/config.json" --state-dir "$work/state" --socket "$api_socket" \
        --panel off --log-level info "$@"
    daemons[bridge]=yes
    eventually 'the Host API answers' api_is_up
}

# The usual beginning: a guest that is connected.
start_guest() { # start_guest GUEST
    make_namespace "$1"
    start_agent "$1"
    cli --quiet add "$1" "unix:$work/$1.ctl,$work/$1.evt"
    eventually "$1 connects" is_connected "$1"
}

# A test's own bridge: its key is in $work/test.key, and the guest's agent trusts it from now on.
trust_test_bridge() { # trust_test_bridge GUEST
    local key
    key=$(python3 "$e2e/session.py" key "$work/test.key")
    inside "$1" hospes-agent trust "$key" --admin-socket "$work/$1.admin" >>"$work/trust.log" 2>&1 ||
        fail "$1 does not trust the test's bridge: $(<"$work/trust.log")"
}

pair_anew() { # pair_anew GUEST: another agent is in its place, and that is as it should be
    cli --quiet unpair "$1"
    cli --quiet pair "$1"
}

cli() { on_host hospes --socket "$api_socket" "$@"; }

cli_status() { # cli_status ARGUMENT…: its exit status; the output is in $work/out and $work/err
    local status=0
    cli "$@" >"$work/out" 2>"$work/err" || status=$?
    printf '%s' "$status"
}

api() { # api METHOD PATH [CURL OPTION…]: the body; fails on 4xx and 5xx
    curl -sS --fail-with-body --max-time "$patience" --unix-socket "$api_socket" -X "$1" "${@:3}" "http://localhost/api/v1$2"
}

api_code() { # api_code METHOD PATH [CURL OPTION…]: the status; the body is in $work/body
    curl -sS --max-time "$patience" --unix-socket "$api_socket" -o "$work/body" -w '%{http_code}' -X "$1" "${@:3}" \
        "http://localhost/api/v1$2"
}

api_is_up() { api GET /health 2>/dev/null | jq -e '.status == "ok"' >/dev/null; }
vm_state() { api GET "/vms/$1" | jq -r .state; }
vm_error() { api GET "/vms/$1" | jq -r '.error | if type == "object" then .message else . end'; }
is_connected() { [[ $(vm_state "$1") == connected ]]; }
is_not_connected() { [[ $(vm_state "$1") != connected ]]; }

# The forward of a guest's port as one line of JSON; fails when there is none.
forward_of() { # forward_of GUEST PORT [tcp|udp]
    api GET "/vms/$1/forwards" |
        jq -ce --argjson port "$2" --arg protocol "${3:-tcp}" \
            'first(.forwards[] | select(.guestPort == $port and .protocol == $protocol))'
}
forward_is() { # forward_is GUEST PORT STATE [tcp|udp]
    forward_of "$1" "$2" "${4:-tcp}" | jq -e --arg state "$3" '.state == $state' >/dev/null
}
forward_is_active() { forward_is "$1" "$2" active "${3:-tcp}"; }
has_no_active_forward() { ! forward_is_active "$@"; }
host_port_of() { # host_port_of GUEST PORT [tcp|udp]: waits for the forward
    eventually "$1's port $2 is forwarded" forward_is_active "$@"
    forward_of "$@" | jq -r .hostPort
}
port_of() { # port_of GUEST PORT: what the bridge knows of it
    api GET "/vms/$1/ports" | jq -ce --argjson port "$2" 'first(.ports[] | select(.port == $port))'
}
has_no_port() { ! port_of "$1" "$2" >/dev/null; }

# ---- servers and clients ------------------------------------------------------------------------------------------

serve() { # serve GUEST PORT [ADDRESS] [TEXT]: a web server; its page is "GUEST says hello" or TEXT
    local folder=$work/$1-$2-www
    mkdir -p "$folder"
    printf '%s\n' "${4:-$1 says hello}" >"$folder/index.html"
    spawn "http-$1-$2" "$1" python3 -m http.server "$2" --bind "${3:-127.0.0.1}" --directory "$folder"
}

fetch() { # fetch HOST_PORT [ADDRESS]: the page that the host sees there
    on_host curl -sS --max-time "$patience" "http://${2:-127.0.0.1}:$1/"
}
fetches() { # fetches HOST_PORT TEXT [ADDRESS]
    [[ $(fetch "$1" "${3:-127.0.0.1}" 2>/dev/null) == "$2" ]]
}
is_refused() { # is_refused HOST_PORT: nobody listens there any more
    [[ $(on_host python3 "$e2e/peer.py" talk 127.0.0.1 "$1") == refused* ]]
}
listens() { # listens WHERE PORT [tcp|udp]: somebody does, whoever
    [[ -n $(inside "$1" ss -Hln "--${3:-tcp}" "sport = :$2") ]]
}

rss_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/${pid[$1]}/status"; }
descriptors() { find "/proc/${pid[$1]}/fd" -mindepth 1 | wc -l; }
logs_say() { grep -qiE -- "$2" "$work/$1.log"; } # logs_say NAME PATTERN

# ---- the end ------------------------------------------------------------------------------------------------------

finish() {
    local status=$? name ns
    trap - EXIT
    set +e
    if ((status == 0)); then
        for name in "${!daemons[@]}"; do
            end_daemon "$name" || status=1
        done
    fi
    for name in "${!pid[@]}"; do
        kill_hard "$name"
    done
    for ns in $(ip netns list | awk -v prefix="hospes-$run-" 'index($1, prefix) == 1 { print $1 }'); do
        ip netns pids "$ns" | xargs -r kill -KILL 2>/dev/null
        ip netns del "$ns"
    done
    if grep -lE 'ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|Assertion .* failed' "$work"/*.log >/dev/null 2>&1; then
        printf 'FAILED: a sanitizer or an assertion complains\n' >&2
        status=1
    fi
    if ((status != 0)); then
        for name in "$work"/*.log; do
            printf -- '---- %s\n' "${name##*/}" >&2
            tail -n 60 "$name" | cut -c 1-400 >&2
        done
    fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM INT

make_namespace host
