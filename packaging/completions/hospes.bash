# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of hospes(1) for bash. A test compares the words with the program's table of commands.

# Names of guests, asked of the bridge; nothing when it does not answer at once.
_hospes_guests() {
    HOSPES_TIMEOUT=1 hospes "${_hospes_socket[@]}" vms 2>/dev/null | while read -r name _; do
        [[ $name == NAME ]] || printf '%s\n' "$name"
    done
}

# Numbers in the first column of the guest's ports.
_hospes_ports() {
    HOSPES_TIMEOUT=1 hospes "${_hospes_socket[@]}" ports "$1" 2>/dev/null | while read -r port _; do
        [[ $port == PORT ]] || printf '%s\n' "$port"
    done
}

_hospes_operand() { # command, number of the operand, the first operand
    case $1:$2 in
    remove:1 | status:1 | ports:1 | forward:1 | unforward:1 | policy:1 | block:1 | unblock:1 | events:1 | pair:1 | \
        unpair:1)
        _hospes_guests
        ;;
    forward:2 | block:2 | unblock:2)
        _hospes_ports "$3"
        ;;
    add:2)
        printf '%s\n' vsock: hybrid: unix: serial: exec: tcp:
        ;;
    policy:2)
        _hospes_ports "$3"
        printf '%s\n' process: command: uid: unit:
        ;;
    policy:3)
        printf '%s\n' forward ask ignore block
        ;;
    audit:1)
        _hospes_guests
        printf '%s\n' verify
        ;;
    help:1)
        printf '%s\n' "${_hospes_commands[@]}"
        ;;
    esac
}

_hospes_options() {
    case $1 in
    add) printf '%s\n' --key --psk-file --ephemeral --encryption ;;
    ports) printf '%s\n' --watch ;;
    forward) printf '%s\n' --udp --bind --no-fallback ;;
    unforward) printf '%s\n' --udp ;;
    policy) printf '%s\n' --remove ;;
    audit) printf '%s\n' --last ;;
    events) printf '%s\n' --since --follow ;;
    pair) printf '%s\n' --yes --accept --code ;;
    esac
    printf '%s\n' --socket --json --quiet --no-progress --version --help
}

_hospes() {
    local _hospes_commands=(vms add remove status ports forward unforward policy block unblock events pair unpair identity audit doctor help)
    local _hospes_socket=() current=${COMP_WORDS[COMP_CWORD]} command='' first='' operands=0 i word
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --socket) _hospes_socket=(--socket "${COMP_WORDS[++i]}") ;;
        --bind | --since | --last | --key | --psk-file | --encryption | --accept | --code) ((++i)) ;;
        -*) ;;
        *)
            if [[ -z $command ]]; then
                command=$word
            else
                ((++operands))
                [[ $operands -ne 1 ]] || first=$word
            fi
            ;;
        esac
    done
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    --socket | --psk-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --encryption)
        mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$current")
        return
        ;;
    --bind | --since | --last | --key | --accept | --code) return ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_hospes_options "$command")" -- "$current")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${_hospes_commands[*]}" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$(_hospes_operand "$command" $((operands + 1)) "$first")" -- "$current")
        [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *: ]] || compopt -o nospace 2>/dev/null
    fi
}

complete -F _hospes hospes
