# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the tests of files source after harness.sh: trees, and their comparison by a program that others wrote (rsync).

: "${e2e:?is set by harness.sh}"
make_tree() { python3 "$e2e/make_tree.py" "$@"; }

# Contents, modes and times, both ways; links and owners are not looked at unless asked for.
same_trees() { # same_trees A B [RSYNC OPTION…]: says what differs
    local found
    found=$(rsync -rptn --checksum --delete --itemize-changes --modify-window=-1 "${@:3}" "$1/" "$2/")
    [[ -z $found ]] || {
        printf '%s and %s differ:\n%s\n' "$1" "$2" "$found" | head -n 20 >&2
        return 1
    }
}

no_partials() { # no_partials FOLDER…: nothing half done is left anywhere below
    local found
    found=$(find "$@" -name '.hospes-partial*')
    [[ -z $found ]] || {
        printf 'left behind: %s\n' "$found" >&2
        return 1
    }
}

transfer_state() { api GET "/transfers/$1" | jq -r .state; }
transfer_is() { [[ $(transfer_state "$1") == "$2" ]]; }
transfer_moved() { # transfer_moved ID BYTES: at least so many went over the link
    api GET "/transfers/$1" | jq -e --argjson least "$2" '.bytes.moved >= $least' >/dev/null
}
