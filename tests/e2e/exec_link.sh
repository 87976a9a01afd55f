#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The link is a command's stdin and stdout; what the command says before the agent speaks is skipped.
source "$(dirname "$0")/harness.sh"
start_bridge
make_namespace g1
cli add g1 "exec:ip netns exec $(namespace g1) $(command -v hospes-agent) --stdio --state-dir $work/g1-state --admin-socket $work/g1.admin"
eventually 'connects over a command' is_connected g1
serve g1 8080
eventually 'the page' fetches "$(host_port_of g1 8080)" 'g1 says hello'

make_namespace g2
cat >"$work/login" <<LOGIN
#!/bin/sh
printf 'Welcome to the guest\nLast login: never\n\377\377\377\377 not a marker\n'
exec nsenter --net=/run/netns/$(namespace g2) -- hospes-agent --stdio --state-dir $work/g2-state --admin-socket $work/g2.admin
LOGIN
chmod +x "$work/login"
cli add g2 "exec:$work/login"
eventually 'connects behind a banner' is_connected g2
serve g2 8081
eventually 'the page' fetches "$(host_port_of g2 8081)" 'g2 says hello'

# The command dies: started again.
agents_of() { ip netns pids "$(namespace "$1")" | while read -r p; do grep -qx hospes-agent "/proc/$p/comm" && echo "$p"; done; }
kill -KILL "$(agents_of g2)"
kill_hard http-g2-8081
serve g2 8081 127.0.0.1 'after the loss'
eventually 'the page after the command was killed' fetches 8081 'after the loss'

# A command that can't work says why.
cli add g3 "exec:sh -c 'echo no such machine >&2; exit 7'"
says_status() { [[ $(vm_error g3) =~ 7 ]]; }
eventually "the reason holds the command's status" says_status
cli remove g2
leaves_none() { [[ -z $(agents_of g2) ]]; }
eventually 'a guest that is removed leaves no command behind' leaves_none
