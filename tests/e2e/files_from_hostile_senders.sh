#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Hostile guests that are asked for files, and a hostile bridge that sends some to an agent: whatever they say, nothing
# lands outside the target, nothing is replaced unasked, memory stays bounded, and honest copies go on beside them.
#
# HOSPES_MANY   how many empty files the attack "many" has (default 100,000)
source "$(dirname "$0")/harness.sh"
source "$e2e/files.bash"
mkdir "$work/evil" "$work/in" "$work/outside"
printf 'untouched' >"$work/outside/canary"
python3 "$e2e/hostile_files.py" list >"$work/attacks"
jq -R --arg folder "$work/evil" 'split(" ")[0] | {name: ., link: "unix:\($folder)/\(.)"}' "$work/attacks" | jq -s '{vms: .}' >"$work/config.json"
spawn evil host python3 "$e2e/hostile_files.py" serve "$work/evil"
eventually 'the hostile guests listen' logs_say evil ready
start_bridge
start_guest good
make_tree "$work/src" 4
limit=$((64 * 1024)) # of growth; a sanitizer needs more for the same
grep -q __asan_init "$(command -v hospes-bridge)" && limit=$((192 * 1024))

# What is below a target may only be what the attack is allowed to leave.
look() { # look TARGET ATTACK PATTERNS
    local path allowed
    [[ -z $(find "$1" -perm /7000 -o -type b -o -type c -o -type p -o -type s) ]] || fail "$2: a mode or kind that may not be"
    allowed=$(tr ',' '|' <<<"$3")
    while read -r path; do
        [[ $path == .hospes-partial* || $path =~ ^($allowed)$ ]] || fail "$2: '$path' is there"
    done < <(cd "$1" && find . -mindepth 1 -maxdepth 2 -printf '%P\n' | head -n 5000)
    [[ ! -e $1/x/a || ! -L $1/x/a ]] || fail "$2: the link was made"
    equal "$(find "$work/outside" -type f -printf '%f ')$(<"$work/outside/canary")" 'canary untouched' "$2: outside of the target"
    equal "$(<"$1/keep")" 'mine' "$2: what was there before"
    [[ ! -e /tmp/owned && ! -e $work/owned && ! -e $1/owned ]] || fail "$2: a file outside"
}

before=$(rss_kib bridge)
largest=$before
while read -r attack wanted made; do
    eventually "$attack is connected" is_connected "$attack"
    mkdir "$work/in/$attack"
    printf 'mine' >"$work/in/$attack/keep"
    status=$(cli_status --no-progress cp -r "$attack:/x" "$work/in/$attack/")
    matches "$status" "^($wanted)$" "$attack: the exit status of the copy ($(tail -n 2 "$work/err"))"
    look "$work/in/$attack" "$attack" "keep,$made"
    cat "$work/err" >>"$work/shown"
    now=$(rss_kib bridge)
    ((now <= largest)) || largest=$now
done <"$work/attacks"
printf 'the bridge grew by %d KiB\n' "$((largest - before))"
((largest - before < limit)) || fail "the bridge grew by $((largest - before)) KiB"
if LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]' "$work/shown" "$work/bridge.log" >"$work/found"; then
    fail "an escape is shown: $(head -n 3 "$work/found" | cat -v)"
fi
cli cp -r "$work/src" "good:$work/in/"
cli cp -r "good:$work/in/src" "$work/outside/"
same_trees "$work/src" "$work/outside/src" || fail 'an honest copy after all that'
rm -rf "$work/outside/src"

# The other way round: the agent is asked to take all this.
trust_test_bridge good
mkdir "$work/put"
while read -r attack _ _; do
    mkdir "$work/put/$attack"
    printf 'mine' >"$work/put/$attack/keep"
done <"$work/attacks"
before=$(rss_kib agent-good)
on_host timeout 900 python3 "$e2e/hostile_files.py" put "$work/good.ctl" "$work/test.key" "$work/put" >"$work/done" ||
    fail "the hostile bridge: $(tail -n 1 "$work/done")"
now=$(rss_kib agent-good)
printf 'the agent grew by %d KiB\n' "$((now - before))"
((now - before < limit)) || fail "the agent grew by $((now - before)) KiB"
while read -r attack _ made; do
    look "$work/put/$attack" "$attack" "keep,$made"
done <"$work/attacks"
is_connected good || fail 'the honest bridge has lost its guest'
