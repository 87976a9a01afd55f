#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A bad configuration file ends the program with status 1 and one line: the file, line, column, and what was expected.
source "$(dirname "$0")/harness.sh"
config=$work/bad.json

refuses() { # refuses LINE SAYS PROGRAM ARGUMENT…
    local line=$1 says=$2 status=0
    shift 2
    on_host timeout "$patience" "$@" --config "$config" >"$work/out" 2>"$work/err" || status=$?
    equal "$status" 1 "$1 with $(tr '\n' ' ' <"$config")"
    equal "$(wc -l <"$work/err")" 1 "lines said by $1 about $(tr '\n' ' ' <"$config"): $(<"$work/err")"
    matches "$(<"$work/err")" "bad\.json[^0-9]+${line}[^0-9]+[0-9]+.*" "$1 names file, line and column"
    matches "$(<"$work/err")" "$says" "$1 says what is wrong"
}
bridge=(hospes-bridge --state-dir "$work/state" --socket "$api_socket" --panel off)
agent=(hospes-agent --state-dir "$work/agent-state" --admin-socket "$work/admin" --listen "unix:$work/c,$work/e")

printf '{\n  "vms": [\n' >"$config"
refuses 3 '' "${bridge[@]}"
refuses 3 '' "${agent[@]}"
printf 'listen: everything\n' >"$config"
refuses 1 '' "${bridge[@]}"
refuses 1 '' "${agent[@]}"
printf '[1, 2]\n' >"$config"
refuses 1 'object' "${bridge[@]}"
refuses 1 'object' "${agent[@]}"
printf '{\n\n  "colour": "red"\n}\n' >"$config"
refuses 3 'colour' "${bridge[@]}"
refuses 3 'colour' "${agent[@]}"
printf '{\n  "vms": 7\n}\n' >"$config"
refuses 2 'vms' "${bridge[@]}"
printf '{\n  "vms": [\n    {"name": "a", "link": "vsock:3", "colour": "red"}\n  ]\n}\n' >"$config"
refuses 3 'colour' "${bridge[@]}"
printf '{\n  "vms": [\n    {"name": "a", "link": "carrier-pigeon:3"}\n  ]\n}\n' >"$config"
refuses 3 'carrier-pigeon' "${bridge[@]}"
printf '{\n  "listen": 7\n}\n' >"$config"
refuses 2 'listen' hospes-agent --state-dir "$work/agent-state" --admin-socket "$work/admin"

# A file that was named and is not there is an error as well; bad options are told in one line.
rm "$config"
for program in hospes-bridge hospes-agent; do
    status=0
    on_host timeout "$patience" "$program" --config "$config" --state-dir "$work/s" 2>"$work/err" || status=$?
    equal "$status" 1 "$program with a configuration that is not there"
    matches "$(<"$work/err")" 'bad\.json' "$program names the file"
    status=0
    on_host timeout "$patience" "$program" --frobnicate 2>"$work/err" || status=$?
    matches "$status" '^[12]$' "$program with an option that is none"
    matches "$(<"$work/err")" 'frobnicate' "$program names the option"
    on_host "$program" --version >"$work/out"
    matches "$(<"$work/out")" '[0-9]+\.[0-9]+' "$program --version"
    on_host "$program" --help >"$work/out"
    matches "$(<"$work/out")" '\-\-config' "$program --help"
done
