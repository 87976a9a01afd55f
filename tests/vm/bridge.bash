# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: MIT
# What every guest test asks of Hospes, wherever its two ends run. Needs lab.bash. A test provides
#
#   in_guest SECONDS COMMAND      where the agent runs
#   on_host SECONDS COMMAND       where the bridge runs
#   hospes                        variable: the CLI with its --socket, as words for on_host
#   fetch                         variable: a command that prints a URL's content, as words for on_host
#
# The guest is called `dev`. JSON is read with jq on this machine.

hospes_json() {
    on_host 20 "$hospes --json $*"
}

# One value of the guest's entry in `hospes vms`.
vm_value() {
    hospes_json vms | jq -r --arg name "${2:-dev}" ".vms[] | select(.name == \$name) | $1"
}

link_is_connected() {
    [ "$(vm_value .state "${1:-dev}")" = connected ]
}

# Somewhere in the guest's entry stands this error code.
link_error_is() {
    [ "$(vm_value "[.. | strings] | index(\"$1\") != null" "${2:-dev}")" = true ]
}

# link_reports CODE [NAME]: not connected, and for this reason.
link_reports() {
    ! link_is_connected "${2:-dev}" && link_error_is "$1" "${2:-dev}"
}

# port_value GUEST-PORT [PROTOCOL] FILTER
port_value() {
    hospes_json ports dev | jq -r --argjson port "$1" --arg protocol "$2" \
        "[.ports[] | select(.port == \$port and .protocol == \$protocol)][0] | $3"
}

process_of() {
    port_value "$1" "${2:-tcp}" '.process.name'
}

# The host's port while the forward is active, else nothing.
host_port_of() {
    port_value "$1" "${2:-tcp}" '.forward // {} | select(.state == "active") | .hostPort'
}

is_forwarded() {
    [ -n "$(host_port_of "$@")" ]
}

# The bridge's answer says so; no answer is none.
is_not_forwarded() {
    local port
    port=$(host_port_of "$@") && [ -z "$port" ]
}

host_refuses() {
    [[ "$(on_host 10 "socat -u /dev/null TCP:127.0.0.1:$1 2>&1")" == *refused* ]]
}

# The forward of a guest port is gone from the list, and its host port no longer accepts.
is_released() {
    is_not_forwarded "$1" && host_refuses "$2"
}

# start_in_guest NAME COMMAND: in the background, under the name that its own program gives; stop_in_guest NAME ends it.
start_in_guest() {
    in_guest 20 "cat >/run/$1.sh <<'END'
echo \$\$ >/run/$1.pid
exec $2
END
setsid sh /run/$1.sh </dev/null >/dev/null 2>&1 &"
}

stop_in_guest() {
    in_guest 20 "kill \$(cat /run/$1.pid)"
}

expect_page() {
    expect_equal "page at $1" "It works: this page came out of the guest." "$(on_host 90 "$fetch $1")"
}

# The sha256 of what a URL gives.
fetch_sum() {
    on_host 90 "$fetch '$1' | sha256sum | cut -d ' ' -f 1"
}

page_is_at() {
    [ "$(on_host 90 "$fetch $1")" = "It works: this page came out of the guest." ]
}

# The main job: a server appears, is fetched through localhost with the right name, stops, and its forward goes.
check_server_comes_and_goes() {
    local port=$1 host_port
    start_in_guest "web-$port" "/bin/httpd -f -p $port -h /www"
    eventually 15 "guest port $port is forwarded" is_forwarded "$port"
    host_port=$(host_port_of "$port")
    expect_page "http://localhost:$host_port/"
    expect_equal "process of guest port $port" httpd "$(process_of "$port")"
    stop_in_guest "web-$port"
    eventually "${2:-3}" "the forward of guest port $port goes" is_released "$port" "$host_port"
}

# make_big_file MEBIBYTES: random bytes as /www/big in the guest; prints their sha256.
make_big_file() {
    in_guest 60 "dd if=/dev/urandom of=/www/big bs=1M count=$1 2>/dev/null; sha256sum /www/big | cut -d ' ' -f 1"
}

guest_key() {
    in_guest 20 'hospes-agent identity --state-dir /run/hospes-agent'
}

kill_agent() {
    # shellcheck disable=SC2016 # for the guest
    in_guest 20 'kill -9 $(pidof hospes-agent)'
}

# The programs ended only where the test killed them, and no sanitizer complained. $@: logs of consoles and bridges.
check_no_crash() {
    local found
    found=$(grep -hE 'Sanitizer|runtime error:|Segmentation|the agent ended with status' "$@" | grep -v 'status 137' || true)
    [ -z "$found" ] || fail "a program ended by itself: $found"
}
