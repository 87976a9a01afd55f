# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of hospes-send(1) for bash.

_hospes_send() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    case $before in
    --withdraw)
        mapfile -t COMPREPLY < <(compgen -W "$(hospes-send --list 2>/dev/null | cut -d ' ' -f 1)" -- "$word")
        return
        ;;
    --session-socket)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--no-wait --list --withdraw --session-socket --json --version --help' -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -o filenames -F _hospes_send hospes-send
