#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# hospes send and POST drop: what is dropped lands in the guest's drop folder, whole, and replaces nothing. It waits for
# a guest that is away, and goes on by itself after the bridge or the agent was killed in its midst.
source "$(dirname "$0")/harness.sh"
source "$e2e/files.bash"
printf '{"files": {"dropFolder": "%s/drop"}}\n' "$work" >"$work/agent.json"
agent_options=(--config "$work/agent.json")
drop=$work/drop
start_bridge
start_guest g1
[[ ! -e $drop ]] || fail 'the drop folder is made before anything is dropped'

# A file; again, and again; a folder, twice; two things.
make_tree "$work/tree" 4
printf 'first' >"$work/note.txt"
chmod 0750 "$work/note.txt"
touch -d @1234567890 "$work/note.txt"
cli send g1 "$work/note.txt" >"$work/said"
equal "$(<"$drop/note.txt")" first 'a file that is dropped'
equal "$(stat -c '%a %Y' "$drop/note.txt")" '750 1234567890' 'its mode and time'
matches "$(<"$work/said")" "$drop/note.txt" 'it is said where it is'
printf 'second' >"$work/note.txt"
chmod 4755 "$work/note.txt"
cli --quiet send g1 "$work/note.txt"
cli --quiet send g1 "$work/note.txt"
equal "$(<"$drop/note.txt")" first 'what was there before'
equal "$(<"$drop/note (1).txt")" second 'a name that is taken'
equal "$(<"$drop/note (2).txt")" second 'a name that is taken twice'
equal "$(stat -c %a "$drop/note (1).txt")" 755 'setuid is not kept'
cli --quiet send g1 "$work/tree"
cli --quiet send g1 "$work/tree"
same_trees "$work/tree" "$drop/tree" || fail 'a folder that is dropped'
same_trees "$work/tree" "$drop/tree (1)" || fail 'a folder whose name is taken'
mkdir "$work/pair"
printf 'three' >"$work/pair/three"
printf 'four' >"$work/four.tar.gz"
: >"$drop/four.tar.gz"
cli --json send g1 "$work/pair" "$work/four.tar.gz" >"$work/news"
equal "$(<"$drop/pair/three") $(<"$drop/four (1).tar.gz")" 'three four' 'two things at once'
tail -n 1 "$work/news" | jq -e --arg drop "$drop" \
    '.state == "done" and .kind == "drop" and .names == [$drop + "/pair", $drop + "/four (1).tar.gz"]' >/dev/null ||
    fail "the names they got are told: $(tail -n 1 "$work/news")"
no_partials "$drop" || fail 'something half done is left'

# What cannot be sent is said, and nothing comes of it.
equal "$(cli_status send g1 "$work/nothing")" 1 'a file that is not there'
matches "$(<"$work/err")" 'nothing' 'it is named'
equal "$(cli_status send nobody "$work/four.tar.gz")" 1 'a guest that is not there'
[[ ! -e $drop/nothing ]] || fail 'nothing was dropped'

# --no-wait: its number, at once. A guest that is away: it waits, arrives later, once.
id=$(cli send --no-wait g1 "$work/pair/three")
matches "$id" '^[0-9a-f]+$' 'the id of the transfer'
eventually 'what nobody waits for is done' transfer_is "$id" "done"
equal "$(<"$drop/three")" three 'what nobody waited for'
stop agent-g1
eventually 'the loss is noticed' is_not_connected g1
printf 'later' >"$work/later"
id=$(cli send --no-wait g1 "$work/later")
spawn sender host hospes --socket "$api_socket" --no-progress send g1 "$work/tree"
transfers_in() { [[ $(api GET "/transfers?state=$1" | jq '.transfers | length') == "$2" ]]; }
eventually 'both wait for the guest' transfers_in waiting 2
printf 'changed' >"$work/later"
start_agent g1
eventually 'it arrives when the guest is back' transfer_is "$id" "done"
equal "$(<"$drop/later")" changed 'as it is when it is sent'
eventually 'the command that waited ends' is_gone sender
wait "${pid[sender]}" || fail "it failed: $(tail -n 3 "$work/sender.log")"
unset "pid[sender]"
same_trees "$work/tree" "$drop/tree (2)" || fail 'a folder that waited'

# In the midst of a larger one. The agent gets so little time that this moment is certain to be met.
size=$((192 << 20))
head -c "$size" /dev/urandom >"$work/large"
known() { api GET "/transfers/$id" >/dev/null 2>&1; }
half_done() { [[ -n $(find "$drop" -path '*/.hospes-partial/*' -type f -size +20000k) ]]; }
half_drop() { # half_drop: begins to drop it; afterwards the agent stands still, and the transfer is $id
    id=$(cli send --no-wait g1 "$work/large")
    until half_done; do
        kill -CONT "${pid[agent-g1]}"
        kill -STOP "${pid[agent-g1]}"
        ((++turns < 20000)) || fail 'a larger drop does not begin'
    done
    transfer_is "$id" running || fail "in its midst it is $(transfer_state "$id")"
    eventually 'it is written down' grep -q "$id" "$work/state/transfers/pending.json"
}
arrives() { # arrives NAME SENTENCE: goes on by itself; nothing comes twice
    eventually "$2: it goes on by itself" transfer_is "$id" "done"
    cmp "$work/large" "$drop/$1" || fail "$2: it is not whole"
    api GET "/transfers/$id" | jq -e --arg path "$drop/$1" '.names == [$path]' >/dev/null || fail "$2: the name it got"
    no_partials "$drop" || fail "$2: something half done is left"
}
turns=0
half_drop
kill_hard bridge
kill -CONT "${pid[agent-g1]}"
start_bridge
known || fail 'the bridge has forgotten it'
arrives large 'the bridge was killed'
api GET "/transfers/$id" | jq -e --argjson size "$size" '.bytes.moved < $size' >/dev/null ||
    fail "it begins anew instead of going on: $(api GET "/transfers/$id" | jq -c .bytes)"
half_drop
kill_hard agent-g1
start_agent g1
arrives 'large (1)' 'the agent was killed'
half_drop
kill_hard bridge
kill_hard agent-g1
start_agent g1
start_bridge
known || fail 'the bridge has forgotten it'
arrives 'large (2)' 'both were killed'
equal "$(find "$drop" -maxdepth 1 -name 'large*' | wc -l)" 3 'larger files that arrived, each once'
rm -f "$drop"/large*

# Cancelled in its midst: nothing is left.
eventually 'the guest is back' is_connected g1
half_drop
cli --quiet transfers cancel "$id"
kill -CONT "${pid[agent-g1]}"
eventually 'nothing is left of what was cancelled' no_partials "$drop"
[[ ! -e $drop/large ]] || fail 'what was cancelled has arrived'

# By HTTP, with folders in the name.
post() { # post NAME [BATCH]: the status; the answer is in $work/body
    api_code POST "/vms/g1/drop?name=$(jq -rn --arg name "$1" '$name | @uri')${2:+&batch=$2}" --data-binary "@$work/four.tar.gz"
}
lands() { # lands AT NAME [BATCH]
    equal "$(post "${@:2}")" 201 "the drop of $2"
    equal "$(jq -r .path "$work/body")" "$drop/$1" "where $2 is"
    equal "$(<"$drop/$1")" four "what is in $2"
}
lands 'web.txt' 'web.txt'
lands 'web (1).txt' 'web.txt'
equal "$(jq -r .digest "$work/body")" "blake2b-256:$(b2sum -l 256 "$work/four.tar.gz" | cut -d ' ' -f 1)" 'its digest'
lands 'photos/a.jpg' 'photos/a.jpg' one
lands 'photos/deeper/b.jpg' 'photos/deeper/b.jpg' one
lands 'photos/a (1).jpg' 'photos/a.jpg' one
lands 'photos (1)/a.jpg' 'photos/a.jpg' two
lands 'photos (1)/c d ü.jpg' 'photos/c d ü.jpg' two
lands 'photos (2)/a.jpg' 'photos/a.jpg'
lands 'photos (3)/a.jpg' 'photos/a.jpg'

# Names that lead elsewhere.
mkdir "$work/outside"
ln -s "$work/outside" "$drop/link"
find "$work/outside" "$drop" /etc -maxdepth 1 | sort >"$work/before"
for name in ../x /etc/x a/../../b .. . '' a//b a/ ./a a/. "$work/outside/x" $'esc\033[31m' $'a\nb' $'a/\x7f' \
    .hospes-partial .hospes-partial/x photos/.hospes-partial/x; do
    matches "$(post "$name" one)" '^(400|422)$' "the drop of '$name'"
done
equal "$(post ../x)$(post /etc/x)$(post a/../../b)" 422422422 'the status of names that lead elsewhere'
equal "$(api_code POST '/vms/g1/drop?name=%00x' --data-binary x)" 400 'a name with a zero byte'
equal "$(api_code POST '/vms/g1/drop?name=%ff' --data-binary x)" 422 'a name that is not UTF-8'
equal "$(api_code POST /vms/g1/drop --data-binary x)" 400 'no name'
equal "$(post 'link/x')" 201 'a folder whose name is a link there'
equal "$(<"$drop/link (1)/x")" four 'it is another folder'
equal "$(post link)" 201 'a file whose name is a link there'
rm -r "$drop/link (1)" "$(jq -r .path "$work/body")"
equal "$(find "$work/outside" "$drop" /etc -maxdepth 1 | sort)" "$(<"$work/before")" 'what hostile names leave behind'
[[ ! -e $work/x && ! -e $work/b && ! -e /etc/x ]] || fail 'a file is outside of the drop folder'

# A body that breaks off leaves nothing.
python3 - "$api_socket" <<'PYTHON'
import socket
import sys

client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
client.sendall(b"POST /api/v1/vms/g1/drop?name=broken HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
client.sendall(b"z" * 3_000_000)
client.close()
PYTHON
eventually 'what a broken upload left is removed' no_partials "$drop"
[[ ! -e $drop/broken ]] || fail 'a part of a file was put in place'

# A drop folder that cannot be made: said in words.
printf '{"files": {"dropFolder": "%s/four.tar.gz/drop"}}\n' "$work" >"$work/agent.json"
stop agent-g1
start_agent g1
eventually 'connected again' is_connected g1
equal "$(cli_status send g1 "$work/note.txt")" 1 'a drop folder that cannot be made'
matches "$(<"$work/err")" 'drop folder' 'why'
