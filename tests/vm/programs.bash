# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Where the programs under test are: from the environment (ctest sets it), else from a build folder of the source tree.
#
#   HOSPES_AGENT, HOSPES_BRIDGE, HOSPES_CLI     the three programs
#   HOSPES_BUILD                                a build folder to look in

programs_find() {
    local folder file
    for folder in "${HOSPES_BUILD:-}" "$1"/build/{release,demo,dev,asan-ubsan}; do
        [ -d "$folder" ] || continue
        file=$(find "$folder" -type f -name "$2" -perm -u+x -print -quit)
        if [ -n "$file" ]; then
            printf '%s\n' "$file"
            return
        fi
    done
    printf 'no %s: build the project first, or set HOSPES_BUILD to its build folder\n' "$2" >&2
    return 1
}

# Sets and exports the three variables. $1: the source tree.
programs_locate() {
    HOSPES_AGENT=${HOSPES_AGENT:-$(programs_find "$1" hospes-agent)} || exit 1
    HOSPES_BRIDGE=${HOSPES_BRIDGE:-$(programs_find "$1" hospes-bridge)} || exit 1
    HOSPES_CLI=${HOSPES_CLI:-$(programs_find "$1" hospes)} || exit 1
    export HOSPES_AGENT HOSPES_BRIDGE HOSPES_CLI
}
