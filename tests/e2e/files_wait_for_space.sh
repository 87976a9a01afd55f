#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A disk that is full pauses a transfer, with its reason; when there is space it goes on. What one file meets does not
# keep the others: no permission, a name that is too long, a folder in the way.
source "$(dirname "$0")/harness.sh"
source "$e2e/files.bash"
start_bridge
# The agent's own mount namespace would hide the small disk from it: it is mounted before.
mkdir "$work/small"
mount -t tmpfs -o size=80m,nr_inodes=1000 hospes-test "$work/small"
finish_here() { # with the status that the test ended with
    local status=$?
    set +e
    umount -l "$work/small"
    (exit "$status")
    finish
}
trap finish_here EXIT
start_guest g1
head -c 40000000 /dev/urandom >"$work/forty"
head -c 60000000 /dev/zero >"$work/small/ballast"

spawn client host hospes --socket "$api_socket" --json cp "$work/forty" "g1:$work/small/"
paused() { api GET /transfers | jq -e '.transfers[-1] | .state == "paused" and .error.code == "ENOSPC"' >/dev/null; }
eventually 'a full disk pauses the transfer' paused
rm "$work/small/ballast"
eventually 'it goes on when there is space' is_gone client
wait "${pid[client]}" || fail "the copy failed: $(tail -n 1 "$work/client.log")"
unset "pid[client]"
cmp "$work/forty" "$work/small/forty" || fail 'what came after a pause'
no_partials "$work/small" || fail 'something half done is left'

# Cancelled while paused: nothing is left.
head -c 40000000 /dev/zero >"$work/small/ballast"
spawn client host hospes --socket "$api_socket" --json cp "$work/forty" "g1:$work/small/second"
eventually 'it pauses again' paused
api DELETE "/transfers/$(api GET /transfers | jq -r '.transfers[-1].id')"
eventually 'the client ends' is_gone client
eventually 'nothing is left of what was cancelled' no_partials "$work/small"
rm "$work/small/ballast"

# Entries that fail alone.
mkdir -p "$work/src/good" "$work/into/src/taken"
printf 'fine' >"$work/src/good/file"
printf 'x' >"$work/src/taken"
printf 'y' >"$work/src/also fine"
equal "$(cli_status cp -r "$work/src" "g1:$work/into")" 1 'a copy of which one file failed'
matches "$(<"$work/err")" 'src/taken' 'the file that failed is named'
matches "$(<"$work/err")" '1 of 3' 'how many failed'
equal "$(<"$work/into/src/also fine")" y 'the rest arrived'
equal "$(<"$work/into/src/good/file")" fine 'the rest arrived, deeper'
