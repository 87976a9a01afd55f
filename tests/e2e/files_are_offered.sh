#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The other way round: hospes-send and the outbox in the guest, the inbox on the host. Offers are taken by people or by
# rules, survive a bridge or an agent that goes away, and never give away what their user may not read.
source "$(dirname "$0")/harness.sh"
source "$e2e/files.bash"
jq -n --arg in "$work/in" '{inbox: {folder: $in, accept: [{name: "*.png", maxBytes: 1000000}]}}' >"$work/config.json"
jq -n --arg outbox "$work/outbox" '{files: {outbox: $outbox, user: "root"}}' >"$work/agent.json"
agent_options=(--config "$work/agent.json")
chmod 0711 "$work" # an ordinary user finds the way to the socket, and to a home
home=$work/home
install -d -o 65534 -g 65534 -m 0700 "$home"
as_user() { inside g1 setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$home" "$@"; }
send() { as_user hospes-send --session-socket "$work/g1.session" "$@"; }
send_later() { # send_later NAME ARGUMENT…: in the background, until the host has decided
    spawn "$1" g1 setpriv --reuid=65534 --regid=65534 --clear-groups hospes-send --session-socket "$work/g1.session" "${@:2}"
}
ends_with() { # ends_with NAME STATUS SENTENCE
    local status=0
    eventually "$3: it ends" is_gone "$1"
    wait "${pid[$1]}" || status=$?
    unset "pid[$1]"
    equal "$status" "$2" "$3 ($(tail -n 2 "$work/$1.log"))"
}
item() { api GET /inbox | jq -ce --arg name "$1" 'first(.items[] | select(.name == $name))'; } # item NAME: fails without
item_id() { item "$1" | jq -r .id; }
awaited() { # awaited NAME: its id, when it is in the inbox
    eventually "$1 is offered" item "$1"
    item_id "$1"
}
gone() { not item "$1" >/dev/null; }
origin() { python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.xdg.origin.url").decode())' "$1"; }
told() { # told WHAT NAME: the event came
    grep -A 2 "^event: inbox\\.$1\$" "$work/events.log" | sed -n 's/^data: //p' |
        jq -e --arg name "$2" 'select(.vm == "g1" and .item.name == $name)' >/dev/null
}

start_bridge
spawn events host curl -sSN --unix-socket "$api_socket" http://localhost/api/v1/events
start_guest g1
eventually 'the session socket is there' test -S "$work/g1.session"
equal "$(stat -c %a "$work/g1.session")" 666 'every user of the guest may ask'

# A file, accepted into the guest's folder in the downloads.
printf 'figures' >"$home/report.txt"
chmod 0755 "$home/report.txt"
touch -d @1234567890 "$home/report.txt"
chown -R 65534:65534 "$home"
send_later sender "$home/report.txt"
id=$(awaited report.txt)
equal "$(item report.txt | jq -c '[.vm, .files, .bytes, .roots, .state]')" '["g1",1,7,1,"offered"]' 'what is known of it'
equal "$(item report.txt | jq -r .user)" "$(id -nu 65534)" 'who offers it'
cli inbox >"$work/shown"
matches "$(<"$work/shown")" "$id .*g1 .*report.txt" 'hospes inbox lists it'
matches "$(cli inbox g1)" 'report.txt' 'hospes inbox NAME lists it'
matches "$(send --list)" 'report.txt' 'hospes-send --list lists it'
eventually 'the offer is told' told offered report.txt
[[ ! -e $work/in ]] || fail 'something is taken that nobody accepted'
cli accept "$id" >"$work/said"
matches "$(<"$work/said")" "$work/in/g1/report.txt" 'it is said where it is'
equal "$(<"$work/in/g1/report.txt")" figures 'what was accepted'
equal "$(stat -c '%a %Y' "$work/in/g1/report.txt")" '644 1234567890' 'it is not executable; its time is kept'
equal "$(origin "$work/in/g1/report.txt")" hospes://g1/report.txt 'where it comes from'
ends_with sender 0 'a sender whose offer was taken'
matches "$(<"$work/sender.log")" 'offered 1 file \(7 bytes\)' 'what the sender was told'
eventually 'what was taken leaves the inbox' gone report.txt
eventually 'that it is accepted is told' told accepted report.txt
eventually 'that it is gone is told' told gone report.txt
equal "$(cli_status accept "$id")" 1 'an offer that is not there any more'

# A folder, twice; elsewhere; several things, by names that are relative.
mkdir -p "$home/project/empty" "$home/project/.hidden"
make_tree "$home/project/tree" 3
printf '#!/bin/sh\n' >"$home/project/run"
chmod -R u+rwX "$home/project"
chmod 6777 "$home/project/run"
chown -R 65534:65534 "$home/project"
chmod 6777 "$home/project/run"
for place in "$work/in/g1/project" "$work/in/g1/project (1)" "$work/elsewhere/project"; do
    send_later sender "$home/project"
    id=$(awaited project)
    if [[ $place == "$work/in/"* ]]; then
        cli --quiet accept "$id"
    else
        mkdir "$work/elsewhere"
        cli --quiet accept "$id" --to "$work/elsewhere"
    fi
    same_trees "$home/project" "$place" --no-perms || fail "a folder that was accepted: $place"
    [[ -z $(find "$place" -type f -perm /7111) ]] || fail "$place has a file that is executable"
    equal "$(origin "$place/run")" hospes://g1/project 'where a file of a folder comes from'
    ends_with sender 0 'a sender whose folder was taken'
done
printf 'a' >"$home/a"
printf 'b' >"$home/b"
chown 65534:65534 "$home/a" "$home/b"
as_user sh -c 'cd && exec hospes-send --no-wait --session-socket "$0" a ./b' "$work/g1.session" >"$work/said"
matches "$(<"$work/said")" 'offered 2 files' 'two files at once'
several() { api GET /inbox | jq -e '.items[] | select(.roots == 2 and .files == 2 and .state == "offered")' >/dev/null; }
eventually 'two files are one offer' several
cli --quiet accept "$(api GET /inbox | jq -r '.items[0].id')"
equal "$(<"$work/in/g1/a")$(<"$work/in/g1/b")" ab 'two files at once'
no_partials "$work" || fail 'something half done is left'

# Declined; withdrawn by Ctrl-C, and by number.
send_later sender "$home/a"
cli --quiet decline "$(awaited a)"
ends_with sender 1 'a sender whose offer was declined'
matches "$(<"$work/sender.log")" 'declined' 'the sender is told'
eventually 'what was declined leaves the inbox' gone a
equal "$(cli_status decline nothing-1)" 1 'declining what is not there'
send_later sender "$home/b"
awaited b >"$work/id"
kill -INT "${pid[sender]}"
ends_with sender 1 'a sender that is interrupted'
eventually 'what was withdrawn leaves the inbox' gone b
equal "$(cli_status accept "$(<"$work/id")")" 1 'what was withdrawn'
number=$(send --no-wait --json "$home/b" | jq .id)
awaited b >/dev/null
send --withdraw "$number"
eventually 'what was withdrawn leaves the inbox' gone b
! send --withdraw "$number" 2>"$work/said" || fail 'an offer is withdrawn twice'

# What the user may not read stays where it is: by its name, by a link, by what comes into the place of a file that was
# offered, in a folder.
printf 'secret' >"$work/secret"
chmod 0600 "$work/secret"
! send "$work/secret" 2>"$work/said" || fail "root's file is offered"
matches "$(<"$work/said")" 'secret' "hospes-send names it"
ask() { as_user socat -t 10 - "UNIX-CONNECT:$work/g1.session,shut-none" <<<"$1"; } # what a program may say that does not look
matches "$(ask "{\"request\":\"offer\",\"paths\":[\"$work/secret\"],\"wait\":false}")" '"error"' 'the agent offers it'
matches "$(ask '{"request":"offer","paths":["/root/../etc/shadow"],"wait":false}')" '"error"' 'the agent offers it'
matches "$(ask '{"request":"offer","paths":["relative"],"wait":false}')" '"error"' 'a path that is relative'
printf 'mine' >"$home/swapped"
mkdir "$home/mixed"
printf 'fine' >"$home/mixed/fine"
cp "$work/secret" "$home/mixed/not mine"
chmod 0600 "$home/mixed/not mine"
ln -s "$work/secret" "$home/mixed/link"
chown 65534:65534 "$home/swapped" "$home/mixed" "$home/mixed/fine"
send --no-wait "$home/swapped" >/dev/null
id=$(awaited swapped)
ln -sf "$work/secret" "$home/swapped"
equal "$(cli_status accept "$id")" 1 'accepting what is not there any more'
send --no-wait "$home/mixed" >/dev/null
equal "$(cli_status accept "$(awaited mixed)")" 1 'accepting what can be read in part'
matches "$(<"$work/err")" 'not mine' 'what could not be read is named'
equal "$(<"$work/in/g1/mixed/fine")" fine 'what the user may read'
! grep -rqs secret "$work/in" || fail "root's file was taken: $(grep -rls secret "$work/in")"
matches "$(inside g1 hospes-send --session-socket "$work/g1.session" --list 2>&1)" 'nothing' "others' offers are not listed"
for id in $(api GET /inbox | jq -r '.items[].id'); do
    cli --quiet decline "$id"
done

# The bridge is away; the agent is restarted, and killed; then both: offers stay.
kill_hard bridge
send --no-wait "$home/a" >/dev/null
start_bridge
id=$(awaited a)
stop agent-g1
start_agent g1
eventually 'connected again' is_connected g1
equal "$(awaited a)" "$id" 'an offer after the agent was restarted'
kill_hard agent-g1
start_agent g1
eventually 'connected again' is_connected g1
equal "$(awaited a)" "$id" 'an offer after the agent was killed'
send_later sender "$home/b"
awaited b >/dev/null
kill_hard agent-g1
ends_with sender 3 'a sender whose agent is gone'
start_agent g1
cli --quiet accept "$id"
equal "$(<"$work/in/g1/a (1)")" a 'an offer that stayed'
eventually 'it leaves the inbox' gone a
matches "$(<"$work/sender.log")" 'stays offered' 'what it is told'
cli --quiet accept "$(awaited b)"
equal "$(<"$work/in/g1/b (1)")" b 'an offer whose sender lost its agent'

# A rule.
spawn events host curl -sSN --unix-socket "$api_socket" http://localhost/api/v1/events
eventually 'the guest is connected' is_connected g1
head -c 1000000 /dev/urandom >"$home/small.png"
head -c 1000001 /dev/urandom >"$home/large.png"
printf 'x' >"$home/png"
mkdir "$home/shots"
cp "$home/small.png" "$home/shots/one.png"
chown -R 65534:65534 "$home"
send_later sender "$home/small.png"
ends_with sender 0 'a sender whose offer a rule takes'
cmp "$home/small.png" "$work/in/g1/small.png" || fail 'what a rule takes'
eventually 'that a rule accepts is told' told accepted small.png
send --no-wait "$home/large.png" >/dev/null
send --no-wait "$home/png" >/dev/null
send --no-wait "$home/shots" >/dev/null
send --no-wait "$home/small.png" "$home/large.png" >/dev/null
four_offered() { api GET /inbox | jq -e '[.items[] | select(.state == "offered")] | length == 4' >/dev/null; }
eventually 'what the rule does not take stays' four_offered
send_later sender "$home/small.png"
ends_with sender 0 'a sender whose offer a rule takes'
four_offered || fail "the rule takes what it should not: $(api GET /inbox)"
[[ ! -e $work/in/g1/large.png && ! -e $work/in/g1/png && ! -e $work/in/g1/shots ]] || fail 'what nobody accepted is there'
for id in $(api GET /inbox | jq -r '.items[].id'); do
    cli --quiet decline "$id"
done

# The outbox.
eventually 'the outbox is made' test -d "$work/outbox"
printf 'half' >"$work/outbox/film.part"
printf 'x' >"$work/outbox/.hidden"
printf 'letter' >"$work/outbox/letter"
eventually 'what is in the outbox is offered' item letter
equal "$(item letter | jq -r .user)" root 'on whose behalf'
gone film.part || fail 'half a file is offered'
mv "$work/outbox/film.part" "$work/outbox/film"
eventually 'a file that is whole is offered' item film
gone .hidden || fail 'a hidden file is offered'
mkdir "$work/outbox/album"
printf 'song' >"$work/outbox/album/song"
eventually 'a folder in the outbox is offered' item album
cli --quiet accept "$(item_id letter)"
cli --quiet accept "$(item_id album)"
equal "$(<"$work/in/g1/letter") $(<"$work/in/g1/album/song")" 'letter song' 'what came out of the outbox'
eventually 'what was taken is put away' test -f "$work/outbox/Sent/letter"
eventually 'a folder that was taken, too' test -f "$work/outbox/Sent/album/song"
[[ ! -e $work/outbox/letter && ! -e $work/outbox/album ]] || fail 'what was taken is still in the outbox'
cli --quiet decline "$(item_id film)"
eventually 'what was declined leaves the inbox' gone film
[[ -e $work/outbox/film ]] || fail 'what was declined is not in the outbox any more'
printf 'letter two' >"$work/outbox/letter"
first=$(awaited letter)
printf ', continued' >>"$work/outbox/letter"
again() { [[ $(item_id letter) != "$first" ]] && item letter | jq -e '.bytes == 21' >/dev/null; }
eventually 'what changed is offered anew' again
gone film || fail 'what was declined is offered again though it is the same'
rm "$work/outbox/film"
printf 'lost' >"$work/outbox/lost"
awaited lost >/dev/null
stop agent-g1
rm "$work/outbox/lost"
start_agent g1
eventually 'connected again' is_connected g1
cli --quiet accept "$(awaited letter)"
equal "$(<"$work/in/g1/letter (1)")" 'letter two, continued' 'what was offered before a restart'
eventually 'it is put away beside the first one' test -f "$work/outbox/Sent/letter (1)"
eventually 'what went while the agent was away is not offered any more' gone lost
printf 'gone' >"$work/outbox/gone"
awaited gone >/dev/null
rm "$work/outbox/gone"
eventually 'what is taken out of the outbox is not offered any more' gone gone
no_partials "$work" || fail 'something half done is left'

# No agent; nothing to send.
stop agent-g1
status=0
send "$home/a" 2>"$work/said" || status=$?
equal "$status" 3 'without an agent'
matches "$(<"$work/said")" 'no agent runs' 'why'
status=0
send 2>"$work/said" || status=$?
equal "$status" 2 'nothing to send'
