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

# The same as the beginning of NAME:PATH.
_hospes_guest_paths() {
    local name
    _hospes_guests | while read -r name; do
        printf '%s:\n' "$name"
    done
}

# Ids in the first column of the table that a command prints.
_hospes_ids() {
    HOSPES_TIMEOUT=1 hospes "${_hospes_socket[@]}" "$1" 2>/dev/null | while read -r id _; do
        [[ $id == ID ]] || printf '%s\n' "$id"
    done
}

# Whether the operand may be a file of this host.
_hospes_takes_file() { # command, number of the operand
    [[ $1 == cp || ($1 == send && $2 -gt 1) ]]
}

_hospes_operand() { # command, number of the operand, the first operand
    case $1:$2 in
    remove:1 | status:1 | ports:1 | forward:1 | unforward:1 | policy:1 | block:1 | unblock:1 | events:1 | pair:1 | \
        unpair:1 | send:1 | inbox:1 | watch:1)
        _hospes_guests
        ;;
    cp:* | ls:1 | cat:1 | mkdir:1 | mv:1 | mv:2 | rm:1)
        _hospes_guest_paths
        ;;
    accept:1 | decline:1)
        _hospes_ids inbox
        ;;
    transfers:1)
        printf '%s\n' cancel
        ;;
    transfers:2)
        _hospes_ids transfers
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
    cp) printf '%s\n' --recursive --resume --update --checksum --links --owner --attributes --no-clobber --rename --user --verbose ;;
    send) printf '%s\n' --user --verbose --no-wait ;;
    accept) printf '%s\n' --to --verbose --no-wait ;;
    transfers) printf '%s\n' --watch ;;
    ls) printf '%s\n' --user ;;
    cat) printf '%s\n' --user ;;
    mkdir) printf '%s\n' --parents --user ;;
    mv) printf '%s\n' --no-clobber --user ;;
    rm) printf '%s\n' --recursive --user ;;
    watch) printf '%s\n' --user ;;
    events) printf '%s\n' --since --follow ;;
    pair) printf '%s\n' --yes --accept --code ;;
    esac
    printf '%s\n' --socket --json --quiet --no-progress --version --help
}

_hospes() {
    local _hospes_commands=(vms add remove status ports forward unforward policy block unblock cp send inbox accept decline transfers ls cat mkdir mv rm watch events pair unpair identity audit doctor help)
    local _hospes_socket=() current=${COMP_WORDS[COMP_CWORD]} command='' first='' operands=0 i word
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        :) ;; # readline parts NAME:PATH into three words
        --socket) _hospes_socket=(--socket "${COMP_WORDS[++i]}") ;;
        --bind | --since | --last | --key | --psk-file | --encryption | --accept | --code | --links | --user | --to) ((++i)) ;;
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
    --to)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        compopt -o filenames 2>/dev/null
        return
        ;;
    --links)
        mapfile -t COMPREPLY < <(compgen -W 'skip keep follow' -- "$current")
        return
        ;;
    --encryption)
        mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$current")
        return
        ;;
    --bind | --since | --last | --key | --accept | --code | --user) return ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_hospes_options "$command")" -- "$current")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${_hospes_commands[*]}" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$(_hospes_operand "$command" $((operands + 1)) "$first")" -- "$current")
        if _hospes_takes_file "$command" $((operands + 1)); then
            local files=()
            mapfile -t files < <(compgen -f -- "$current")
            COMPREPLY+=("${files[@]}")
            [[ ${#files[@]} -eq 0 ]] || compopt -o filenames 2>/dev/null
        fi
        [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *: ]] || compopt -o nospace 2>/dev/null
    fi
}

complete -F _hospes hospes
