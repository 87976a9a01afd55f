#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Files over the Host API, by curl: whole and in ranges, conditional, put atomically, listed, made, moved, removed,
# watched; also on the guest's own socket. What goes wrong has its status.
source "$(dirname "$0")/harness.sh"
source "$e2e/files.bash"
start_bridge
start_guest g1
mkdir "$work/g"
head -c 5000000 /dev/urandom >"$work/g/noise"
at() { jq -rn --arg path "$work/g/$1" '$path | @uri'; }

api GET "/vms/g1/files?path=$(at noise)" -o "$work/got" -D "$work/head"
cmp "$work/got" "$work/g/noise" || fail 'a file by GET'
etag=$(sed -n 's/^ETag: \(.*\)\r$/\1/p' "$work/head")
[[ -n $etag ]] || fail 'an ETag is given'
equal "$(api_code GET "/vms/g1/files?path=$(at noise)" -H "If-None-Match: $etag")" 304 'what has not changed'
equal "$(api_code GET "/vms/g1/files?path=$(at noise)" -H 'Range: bytes=1000000-1999999')" 206 'a range'
cmp "$work/body" <(tail -c +1000001 "$work/g/noise" | head -c 1000000) || fail 'the bytes of a range'
equal "$(api_code GET "/vms/g1/files?path=$(at noise)" -H 'Range: bytes=-10')" 206 'the last bytes'
cmp "$work/body" <(tail -c 10 "$work/g/noise") || fail 'the last ten bytes'
equal "$(api_code GET "/vms/g1/files?path=$(at noise)" -H 'Range: bytes=9000000-')" 416 'a range behind the end'
touch "$work/g/noise"
equal "$(api_code GET "/vms/g1/files?path=$(at noise)" -H "If-None-Match: $etag")" 200 'what has changed'
equal "$(api_code GET "/vms/g1/files?path=$(at nothing)")" 404 'a file that is not there'
equal "$(api_code GET "/vms/g1/files?path=$(at '')")" 422 'a folder is no file'
equal "$(api_code GET '/vms/g1/files?path=/dev/zero')" 422 'a device is no file'
equal "$(api_code GET /vms/g1/files)" 400 'no path'
curl -sS --fail --unix-socket "$work/run/vm/g1.sock" "http://localhost/api/v1/files?path=$(at noise)" | cmp - "$work/g/noise" ||
    fail "on the guest's own socket"
curl -sS -I --fail --unix-socket "$api_socket" "http://localhost/api/v1/vms/g1/files?path=$(at noise)" | grep -q '^Content-Length: 5000000' ||
    fail 'HEAD tells the size'

answer=$(api PUT "/vms/g1/files?path=$(at put)&mode=0640" --data-binary "@$work/g/noise")
cmp "$work/g/put" "$work/g/noise" || fail 'a file by PUT'
equal "$(stat -c %a "$work/g/put")" 640 'its mode'
equal "$(jq -r .size <<<"$answer")" 5000000 'its size'
equal "$(jq -r .digest <<<"$answer")" "blake2b-256:$(b2sum -l 256 "$work/g/noise" | cut -d ' ' -f 1)" 'its digest'
api PUT "/vms/g1/files?path=$(at put)" -H 'Transfer-Encoding: chunked' -T - <<<'small' >/dev/null
equal "$(<"$work/g/put")" small 'a file by PUT in chunks, replaced'
equal "$(api_code PUT "/vms/g1/files?path=$(at no/such/folder)" --data-binary x)" 404 'a folder that is not there'
equal "$(api_code PUT "/vms/g1/files?path=$(at '')" --data-binary x)" 422 'a folder in the way'

# A body that breaks off changes nothing.
python3 - "$api_socket" "$(at put)" <<'PYTHON'
import socket
import sys

client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
client.sendall(f"PUT /api/v1/vms/g1/files?path={sys.argv[2]} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n".encode())
client.sendall(b"z" * 3_000_000)
client.close()
PYTHON
eventually 'what a broken upload left is removed' no_partials "$work/g"
equal "$(<"$work/g/put")" small 'the old file stays'

api POST /vms/g1/fs/mkdir --data "{\"path\":\"$work/g/a/b\",\"parents\":true}" >/dev/null
[[ -d $work/g/a/b ]] || fail 'mkdir'
equal "$(api_code POST /vms/g1/fs/mkdir --data "{\"path\":\"$work/g/a/b\"}")" 409 'a folder that is there'
api POST /vms/g1/fs/move --data "{\"from\":\"$work/g/put\",\"to\":\"$work/g/a/moved\"}" >/dev/null
equal "$(<"$work/g/a/moved")" small 'move'
equal "$(api_code POST /vms/g1/fs/move --data "{\"from\":\"$work/g/noise\",\"to\":\"$work/g/a/moved\"}")" 409 'move onto another'
printf 'x' >"$work/g/a/$(printf 'esc\033[31m')"
ln -s /etc "$work/g/a/link"
api GET "/vms/g1/fs?path=$(at a)" >"$work/list"
jq -e '[.entries[].name] == (["b", "esc\u001b[31m", "link", "moved"])' "$work/list" >/dev/null || fail "a listing: $(<"$work/list")"
jq -e '.entries[] | select(.name == "link") | .type == "link" and .target == "/etc"' "$work/list" >/dev/null || fail 'a link in a listing'
equal "$(api_code DELETE "/vms/g1/fs?path=$(at a)")" 409 'a folder that is not empty'
api DELETE "/vms/g1/fs?path=$(at a)&recursive=true"
[[ ! -e $work/g/a && -d /etc ]] || fail 'a folder with a link in it is removed, what the link points to is not'
equal "$(api_code DELETE '/vms/g1/fs?path=/&recursive=true')" 403 'nobody removes everything'

# Changes as they happen.
spawn watch host curl -sSN --unix-socket "$api_socket" "http://localhost/api/v1/vms/g1/fs/watch?path=$(at '')"
eventually 'the watch is in place' grep -q '^:' "$work/watch.log"
mkdir "$work/g/new"
printf 'x' >"$work/g/new/file"
change() { sed -n 's/^data: //p' "$work/watch.log" | jq -e --arg path "$1" --arg what "$2" 'select(.path == $path and .what == $what)' >/dev/null; }
eventually 'a new folder is seen' change new created
eventually 'a file in a new folder is seen' change new/file created
rm "$work/g/new/file"
eventually 'a file that goes is seen' change new/file deleted

# Another user's client may not name files of the host.
equal "$(api_code POST /transfers --data '{"from":{"paths":["/etc/hostname"]},"to":{"path":"/tmp"}}')" 422 'host to host'
equal "$(api_code POST /transfers --data '{"from":{"paths":["relative"]},"to":{"vm":"g1","path":"/tmp"}}')" 422 'a relative path of the host'
equal "$(api_code POST /transfers --data '{"from":{"paths":["/etc/hostname"]},"to":{"vm":"nobody","path":"/tmp"}}')" 404 'a guest that is not there'
equal "$(api_code GET /transfers/0123)" 404 'a transfer that is not there'
