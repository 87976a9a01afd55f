#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the guest's owner says to the agent: hospes-agent hosts, trust, forget, identity and pair, with an agent that runs
# and on the files of one that does not. Pairing with a real host is another test's.
# shellcheck source=harness.sh
. "$(dirname "$0")/harness.sh"

make_namespace dolly
state=$work/dolly-state
admin=$work/dolly.admin
key=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
other=AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=

# The command, with the agent's folder and socket: its exit status; output in $work/out and $work/err.
agent_status() {
    local status=0
    inside dolly timeout "$patience" hospes-agent "$@" --state-dir "$state" --admin-socket "$admin" \
        >"$work/out" 2>"$work/err" </dev/null || status=$?
    printf '%s' "$status"
}
succeeds() { equal "$(agent_status "$@")" 0 "hospes-agent $*: $(<"$work/err")"; }
fails() { # fails STATUS PATTERN ARGUMENT…
    equal "$(agent_status "${@:3}")" "$1" "hospes-agent ${*:3}"
    matches "$(<"$work/err")" "$2" "hospes-agent ${*:3} says why"
    equal "$(wc -l <"$work/err")" 1 "lines said by hospes-agent ${*:3}"
}
known() { jq -rc '[.hosts[] | .key + " " + .way + " " + .name] | sort | .[]' <"$work/out"; }

# Command lines that make no sense.
fails 2 'KEY' trust
fails 2 'no public key' trust AAAA
fails 2 'unexpected' trust "$key" more
fails 2 'does not take' hosts --all
fails 2 'does not take' trust "$key" --json
fails 2 'KEY or --all' forget
fails 2 '63 bytes' trust "$key" --name "$(printf 'n%.0s' {1..64})"
fails 2 'six digits' pair --yes-if 12345
fails 2 'frobnicate' hosts --frobnicate
matches "$(inside dolly hospes-agent --help)" 'identity' 'the help tells of the commands'
status=0
inside dolly hospes-agent --log-level info hosts 2>"$work/err" || status=$?
equal "$status" 2 'a command after options'
matches "$(<"$work/err")" 'command comes first' 'a command after options is explained'

# An image that is being built: no agent has ever run.
fails 1 'no key yet' identity
fails 1 'does not run' pair
succeeds hosts
matches "$(<"$work/out")" 'No host is known' 'nobody is known'
succeeds trust "$key" --name 'the office'
equal "$(stat -c '%a %a' "$state/hosts.json")" '600 600' 'rights of hosts.json'
equal "$(stat -c %a "$state")" 700 'rights of the state folder'
succeeds hosts --json
equal "$(known)" "$key accepted the office" 'the host that was accepted'
succeeds trust "$other"
succeeds forget "$other"
fails 1 'no such host' forget "$other"
equal "$(find "$state" -name identity | wc -l)" 0 'no key is made by commands'

# The agent takes that over, and from then on its word counts.
start_agent dolly
eventually 'the admin socket is there' test -S "$admin"
equal "$(stat -c %a "$admin")" 600 'rights of the admin socket'
succeeds identity
identity=$(<"$work/out")
matches "$identity" '^[A-Za-z0-9+/]{43}=$' 'a public key'
equal "$(stat -c %a "$state/identity")" 600 'rights of the key'
succeeds hosts
matches "$(<"$work/out")" "$key  accepted .* the office" 'the list for people'
succeeds trust "$other" --name $'bell\a\e[2J'
succeeds hosts
not grep -q $'[\a\e]' "$work/out" || fail 'a name reached the terminal as it was'
succeeds hosts --json
equal "$(jq -r .key <"$work/out")" "$identity" 'the same key everywhere'
equal "$(jq '.hosts | length' <"$work/out")" 2 'both are known'
equal "$(jq '.hosts | length' <"$state/hosts.json")" 2 'and saved'
fails 1 'no such host' forget "$identity"
succeeds forget --all
succeeds hosts --json
equal "$(known)" '' 'all are forgotten'
logs_say agent-dolly 'accepted by this guest' || fail 'the agent logs what its owner says'

# A second agent leaves the socket to the first.
: >"$work/second.log"
spawn second dolly hospes-agent --listen "unix:$work/second" --state-dir "$work/second-state" --admin-socket "$admin"
daemons[second]=yes
eventually 'the second agent says so' logs_say second 'another agent serves it'
stop second
succeeds identity
equal "$(<"$work/out")" "$identity" 'the first agent still answers'

# Whoever waits to pair hears when the agent ends; on the files everything is as it was left.
: >"$work/waiting.log"
spawn waiting dolly hospes-agent pair --admin-socket "$admin" --state-dir "$state"
eventually 'the window is open' logs_say waiting 'hospes pair NAME'
fails 1 'under way' pair
stop agent-dolly
status=0
wait "${pid[waiting]}" || status=$?
unset 'pid[waiting]'
equal "$status" 1 'hospes-agent pair when the agent has gone'
logs_say waiting 'the agent has gone' || fail 'hospes-agent pair says why it ends'
equal "$(find "$work" -name dolly.admin | wc -l)" 0 'the socket goes with the agent'
succeeds identity
equal "$(<"$work/out")" "$identity" 'the key on file'
succeeds trust "$key"
start_agent dolly
eventually 'the admin socket is there' test -S "$admin"
succeeds hosts --json
equal "$(known)" "$key accepted " 'accepted on file'
stop agent-dolly

# A broken list is told, and the way out works.
printf '{"hosts": [' >"$state/hosts.json"
chmod 0600 "$state/hosts.json"
start_agent dolly
eventually 'the admin socket is there' test -S "$admin"
succeeds hosts
matches "$(<"$work/out")" 'forget --all' 'the broken list is told'
succeeds forget --all
succeeds hosts
matches "$(<"$work/out")" 'No host is known' 'anew'
stop agent-dolly

# A key file that others may read is refused, and the agent does not start.
chmod 0644 "$state/identity"
fails 1 'identity' identity
fails 1 'chmod 0600' --listen "unix:$work/x"
chmod 0600 "$state/identity"

# ---- the pairing dialogue, against an agent made up for it ---------------------------------------------------------

code='{"state":"code","code":"012345","key":"'$key'","link":"tcp"}'
waiting='{"state":"waiting","seconds":300}'
pair() { # pair STATUS INPUT [OPTION…] -- STEP…: what the made-up agent was told is in $work/told
    local wanted=$1 input=$2 options=() status=0
    shift 2
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    python3 "$e2e/fake_admin.py" "$admin" "${@:2}" >"$work/told" 2>"$work/fake.log" &
    local fake=$!
    eventually 'the made-up agent listens' test -S "$admin"
    printf '%s' "$input" | timeout "$patience" hospes-agent pair "${options[@]}" --admin-socket "$admin" >"$work/out" \
        2>"$work/err" || status=$?
    wait "$fake" || fail "the made-up agent: $(<"$work/fake.log")"
    equal "$status" "$wanted" "hospes-agent pair ${options[*]}: $(<"$work/out") $(<"$work/err")"
}
said() { equal "$(jq -rc '[.request, .code, .same] | map(tostring) | join(" ")' <"$work/told")" "$1" 'what the agent heard'; }

pair 0 $'y\n' -- '<' "$waiting" "$code" '<' '{"state":"paired"}'
said $'pair null null\nanswer 012345 true'
matches "$(<"$work/out")" 'code 012 345' 'the code is shown'
matches "$(<"$work/out")" 'tcp' 'the link is shown'
matches "$(<"$work/out")" 'Paired' 'the end is told'
for word in n '' no maybe 'y es'; do
    pair 1 "$word"$'\n' -- '<' "$waiting" "$code" '<' '{"state":"declined"}'
    said $'pair null null\nanswer 012345 false'
done
pair 1 '' -- '<' "$waiting" "$code" '<' '{"state":"declined"}' # the end of the input is a no
said $'pair null null\nanswer 012345 false'
pair 0 '' --yes-if '012 345' -- '<' "$waiting" "$code" '<' '{"state":"paired"}'
said $'pair null null\nanswer 012345 true'
pair 1 '' --yes-if 012346 -- '<' "$waiting" "$code" '<' '{"state":"declined"}'
said $'pair null null\nanswer 012345 false'
pair 0 '' --yes-if 999999 -- '<' "$waiting" "$code" '<' '{"state":"lost"}' "${code/012345/999999}" '<' '{"state":"paired"}'
said $'pair null null\nanswer 012345 false\nanswer 999999 true'
pair 1 '' -- '<' "$waiting" '{"state":"expired"}'
pair 1 '' -- '<' "$waiting" '{"state":"spent"}'
pair 1 '' -- '<' '{"error":"a pairing is under way already","status":"EBUSY"}'
pair 1 '' -- '<' "$waiting" '!'
pair 1 '' -- '<' 'garbage'
pair 1 '' -- '<' '{"state":7}'
pair 1 '' -- '<' '{"state":"code","code":"12345","key":"k","link":"tcp"}'
pair 1 '' -- '<' "$(printf 'x%.0s' {1..100000})"
pair 1 $'n\n' -- '<' '{"state":"code","code":"012345","key":"\u001b[2J","link":"\u001b]0;x\u0007\u202etcp"}' '<' \
    '{"state":"declined"}'
not grep -q $'[\a\e\xe2\x80\xae]' "$work/out" || fail 'the other side wrote to the terminal'
