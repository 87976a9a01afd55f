#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# hospes cp in all directions: a tree with everything that others lose arrives whole; names, modes and times by rsync's
# judgement. The rules of cp for where it goes; stdin and stdout; what is left out is said.
source "$(dirname "$0")/harness.sh"
source "$e2e/files.bash"
start_bridge
start_guest g1
start_guest g2
make_tree "$work/src" 24
mkdir "$work/in-guest" "$work/in-guest2" "$work/back"

# A folder, into a folder that is there, and as a new name.
cli cp -r "$work/src" "g1:$work/in-guest"
same_trees "$work/src" "$work/in-guest/src" || fail 'host to guest'
cli cp -r "$work/src" "g1:$work/in-guest/renamed"
same_trees "$work/src" "$work/in-guest/renamed" || fail 'host to guest under a new name'
cli cp -r "g1:$work/in-guest/src" "$work/back/"
same_trees "$work/src" "$work/back/src" || fail 'guest to host'
cli cp -r "g1:$work/in-guest/src" "g2:$work/in-guest2"
same_trees "$work/src" "$work/in-guest2/src" || fail 'guest to guest'
equal "$(stat -c %b "$work/back/src/special/only a hole")" 0 'blocks of a file that is only a hole'
(($(stat -c %b "$work/back/src/special/sparse") < 8192)) || fail 'the holes of a sparse file are filled'
no_partials "$work" || fail 'something half done is left'

# Several files, one file to a new name, over an old one.
printf 'one\n' >"$work/one"
printf 'two\n' >"$work/two"
cli cp "$work/one" "$work/two" "g1:$work/in-guest/"
equal "$(<"$work/in-guest/two")" two 'one of several files'
cli cp "$work/one" "g1:$work/in-guest/two"
equal "$(<"$work/in-guest/two")" one 'a file that is replaced'
equal "$(cli_status cp -n "$work/two" "g1:$work/in-guest/two")" 1 'a name that is taken, with --no-clobber'
equal "$(<"$work/in-guest/two")" one 'what was not to be replaced'
cli cp --rename "$work/two" "g1:$work/in-guest/two"
equal "$(<"$work/in-guest/two (1)")" two 'a file beside the one that has its name'
equal "$(cli_status cp "$work/one" "$work/two" "g1:$work/in-guest/one")" 1 'several files onto one'
matches "$(<"$work/err")" 'folder|directory' 'why several files cannot become one'

# Folders only when asked; a source that is not there; a folder above that is not there.
equal "$(cli_status cp "$work/src" "g1:$work/in-guest/x")" 1 'a folder without -r'
matches "$(<"$work/err")" '-r' 'the way out is named'
equal "$(cli_status cp "$work/nothing" "g1:$work/in-guest/")" 1 'a source that is not there'
equal "$(cli_status cp "g1:$work/nothing" "$work/")" 1 'a source that is not in the guest'
matches "$(<"$work/err")" 'nothing' 'it is named'
equal "$(cli_status cp "$work/one" "g1:$work/no/such/folder/one")" 1 'a target without a folder'
equal "$(cli_status cp "$work/one" "$work/two")" 2 'a copy without a guest'

# Streams.
head -c 3000000 /dev/urandom >"$work/noise"
cli cp - "g1:$work/in-guest/stream" <"$work/noise"
cmp "$work/noise" "$work/in-guest/stream" || fail 'stdin'
cli cp "g1:$work/in-guest/stream" - >"$work/stdout"
cmp "$work/noise" "$work/stdout" || fail 'stdout'

# Into a tree that is there: merged; what is only there stays. Unchanged files are not sent again.
rm -rf "$work/in-guest/src/special/empty"
printf 'kept' >"$work/in-guest/src/extra"
printf 'changed' >>"$work/in-guest/src/special/zero"
cli cp -r "$work/src" "g1:$work/in-guest"
equal "$(<"$work/in-guest/src/extra")" kept 'a file that only the target has'
rm "$work/in-guest/src/extra"
same_trees "$work/src" "$work/in-guest/src" --omit-dir-times || fail 'a merged tree'
touch "$work/in-guest/src/large0"
cli --json cp -r --update "$work/src" "g1:$work/in-guest" >"$work/news"
same_trees "$work/src" "$work/in-guest/src" --omit-dir-times || fail 'an updated tree'
tail -n 1 "$work/news" | jq -e '.state == "done" and .bytes.moved == 0 and .files.skipped > 100 and .files.failed == 0' \
    >/dev/null || fail "an update of what is the same moves nothing: $(tail -n 1 "$work/news")"
printf 'X' | dd of="$work/src/large1" bs=1 seek=2000000 conv=notrunc status=none
touch -d @1234567890 "$work/src/large1"
cli --json cp -r --update "$work/src" "g1:$work/in-guest" >"$work/news"
same_trees "$work/src" "$work/in-guest/src" --omit-dir-times || fail 'an updated tree with one changed file'
tail -n 1 "$work/news" | jq -e '.bytes.moved > 0 and .bytes.moved <= 1048576' >/dev/null ||
    fail "of a changed file only the changed block moves: $(tail -n 1 "$work/news")"
no_partials "$work" || fail 'something half done is left'

# Links, and what is no file.
mkdir -p "$work/links/sub"
printf 'x' >"$work/links/sub/file"
ln -s sub/file "$work/links/inside"
ln -s ../../../etc/passwd "$work/links/sub/outside"
ln -s /etc/passwd "$work/links/absolute"
mkfifo "$work/links/pipe"
equal "$(cli_status cp -r "$work/links" "g1:$work/in-guest")" 1 'what was left out'
matches "$(<"$work/err")" 'pipe' 'a pipe is named'
[[ ! -e $work/in-guest/links/inside && -e $work/in-guest/links/sub/file ]] || fail 'links are left out unless asked for'
equal "$(cli_status cp -r --links keep "$work/links" "g1:$work/in-guest/kept")" 1 'links that lead out'
equal "$(readlink "$work/in-guest/kept/inside")" sub/file 'a link that stays inside'
[[ ! -L $work/in-guest/kept/absolute && ! -L $work/in-guest/kept/sub/outside ]] || fail 'a link that leads out was made'
equal "$(cli_status cp -r --links follow "$work/links" "g1:$work/in-guest/followed")" 1 'a pipe beside followed links'
cmp /etc/passwd "$work/in-guest/followed/absolute" || fail 'a link that is followed'
no_partials "$work" || fail 'something half done is left'
