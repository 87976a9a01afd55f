# SPDX-License-Identifier: MIT
# Completion of hospes(1) for fish. A test compares the words with the program's table of commands.

# The words of the line that are neither options nor their values: the command and its operands.
function __hospes_words
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l skip 0
    for token in $tokens
        if test $skip -eq 1
            set skip 0
        else if contains -- $token --socket --bind --since --last --key --psk-file --encryption --accept --code --links --user --to
            set skip 1
        else if not string match -q -- '-*' $token
            echo $token
        end
    end
end

# True when the command is one of the arguments behind the first, and so many operands stand behind it.
function __hospes_at
    set -l words (__hospes_words)
    test (count $words) -eq (math $argv[1] + 1); and contains -- $words[1] $argv[2..-1]
end

function __hospes_needs_command
    test (count (__hospes_words)) -eq 0
end

function __hospes_command_is
    set -l words (__hospes_words)
    test (count $words) -ge 1; and contains -- $words[1] $argv
end

# Names of guests, asked of the bridge; nothing when it does not answer at once.
function __hospes_guests
    HOSPES_TIMEOUT=1 command hospes vms 2>/dev/null | string match -rg '^(\S+)' | string match -v NAME
end

# Numbers in the first column of the guest's ports.
function __hospes_ports
    set -l words (__hospes_words)
    HOSPES_TIMEOUT=1 command hospes ports $words[2] 2>/dev/null | string match -rg '^ *([0-9]+)'
end

# The same as the beginning of NAME:PATH.
function __hospes_guest_paths
    __hospes_guests | string replace -r '$' ':'
end

# Ids in the first column of the table that a command prints.
function __hospes_ids
    HOSPES_TIMEOUT=1 command hospes $argv[1] 2>/dev/null | string match -rg '^(\S+)' | string match -v ID
end

complete -c hospes -f
complete -c hospes -l socket -r -F -d 'the Host API socket of the bridge'
complete -c hospes -l json -d 'print JSON'
complete -c hospes -l quiet -d 'print no confirmations and no advice'
complete -c hospes -l no-progress -d 'show no progress while waiting'
complete -c hospes -l version -d 'print the version and end'
complete -c hospes -l help -s h -d 'print help and end'

complete -c hospes -n __hospes_needs_command -a vms -d 'list guests and their state'
complete -c hospes -n __hospes_needs_command -a add -d 'configure a guest'
complete -c hospes -n __hospes_needs_command -a remove -d 'forget a guest, its forwards and its rules'
complete -c hospes -n __hospes_needs_command -a status -d 'health, versions, load, memory, disks, addresses'
complete -c hospes -n __hospes_needs_command -a ports -d 'guest ports: process, policy, address on the host'
complete -c hospes -n __hospes_needs_command -a forward -d 'make a guest port reachable on the host'
complete -c hospes -n __hospes_needs_command -a unforward -d 'end a forward and its connections'
complete -c hospes -n __hospes_needs_command -a policy -d 'list or set the rules for ports'
complete -c hospes -n __hospes_needs_command -a block -d 'never forward this port'
complete -c hospes -n __hospes_needs_command -a unblock -d 'undo block'
complete -c hospes -n __hospes_needs_command -a cp -d 'copy files and folders between host and guests'
complete -c hospes -n __hospes_needs_command -a send -d 'drop files into the drop folder of the guest'
complete -c hospes -n __hospes_needs_command -a inbox -d 'what guests offer to this host'
complete -c hospes -n __hospes_needs_command -a accept -d 'take what a guest offers'
complete -c hospes -n __hospes_needs_command -a decline -d 'do not take what a guest offers'
complete -c hospes -n __hospes_needs_command -a transfers -d 'copies that are under way or have ended'
complete -c hospes -n __hospes_needs_command -a ls -d 'list a folder of the guest'
complete -c hospes -n __hospes_needs_command -a cat -d 'print a file of the guest'
complete -c hospes -n __hospes_needs_command -a mkdir -d 'make a folder in the guest'
complete -c hospes -n __hospes_needs_command -a mv -d 'rename or move within the guest'
complete -c hospes -n __hospes_needs_command -a rm -d 'remove a file or a folder of the guest'
complete -c hospes -n __hospes_needs_command -a watch -d 'what changes beneath a folder of the guest'
complete -c hospes -n __hospes_needs_command -a events -d 'what happened to guests, ports and forwards'
complete -c hospes -n __hospes_needs_command -a pair -d 'know a guest by its key, or accept its new one'
complete -c hospes -n __hospes_needs_command -a unpair -d 'forget the key of a guest and stay away from it'
complete -c hospes -n __hospes_needs_command -a identity -d 'print the key of this host'
complete -c hospes -n __hospes_needs_command -a audit -d 'what was asked of the bridge, by whom, and how it ended'
complete -c hospes -n __hospes_needs_command -a doctor -d 'what works here, what does not, and what to do'
complete -c hospes -n __hospes_needs_command -a help -d 'explain a command'

complete -c hospes -n '__hospes_at 0 remove status ports forward unforward policy block unblock events pair unpair audit send inbox watch' \
    -a '(__hospes_guests)' -d guest
complete -c hospes -n '__hospes_at 1 forward block unblock policy' -a '(__hospes_ports)' -d 'guest port'
complete -c hospes -n '__hospes_at 1 add' -a 'vsock: hybrid: unix: serial: exec: tcp:'
complete -c hospes -n '__hospes_at 1 policy' -a 'process: command: uid: unit:'
complete -c hospes -n '__hospes_at 2 policy' -a 'forward ask ignore block'
complete -c hospes -n '__hospes_at 0 help' \
    -a 'vms add remove status ports forward unforward policy block unblock cp send inbox accept decline transfers ls cat mkdir mv rm watch events pair unpair identity audit doctor'

complete -c hospes -n '__hospes_command_is add' -l key -x -d 'the public key of the guest'
complete -c hospes -n '__hospes_command_is add' -l psk-file -r -F -d 'a secret that the guest was given, too'
complete -c hospes -n '__hospes_command_is add' -l ephemeral -d 'the guest makes a new key at each start'
complete -c hospes -n '__hospes_command_is add' -l encryption -x -a 'auto always never' -d 'when to encrypt'
complete -c hospes -n '__hospes_command_is pair' -l yes -d 'accept a changed key without asking'
complete -c hospes -n '__hospes_command_is pair' -l accept -x -d 'accept this key of the guest'
complete -c hospes -n '__hospes_command_is pair' -l code -x -d 'the code that the guest shows'
complete -c hospes -n '__hospes_command_is ports' -l watch -d 'stay, and show every change'
complete -c hospes -n '__hospes_command_is forward unforward' -l udp -d 'the UDP port'
complete -c hospes -n '__hospes_command_is forward' -l bind -x -d 'listen on this address of the host'
complete -c hospes -n '__hospes_command_is forward' -l no-fallback -d 'fail when the host port is taken'
complete -c hospes -n '__hospes_command_is policy' -l remove -d 'remove the rule with this selector'
complete -c hospes -n '__hospes_command_is events' -l since -x -d 'only events after this number'
complete -c hospes -n '__hospes_command_is events' -l follow -d 'stay, and print events as they happen'
complete -c hospes -n '__hospes_command_is cp' -a '(__hospes_guest_paths)' -d guest
complete -c hospes -n '__hospes_command_is cp' -F
complete -c hospes -n '__hospes_command_is send; and not __hospes_at 0 send' -F
complete -c hospes -n '__hospes_at 0 ls cat mkdir mv rm' -a '(__hospes_guest_paths)' -d guest
complete -c hospes -n '__hospes_at 1 mv' -a '(__hospes_guest_paths)' -d guest
complete -c hospes -n '__hospes_at 0 accept decline' -a '(__hospes_ids inbox)' -d 'what is offered'
complete -c hospes -n '__hospes_at 0 transfers' -a cancel -d 'end one'
complete -c hospes -n '__hospes_at 1 transfers' -a '(__hospes_ids transfers)' -d transfer
complete -c hospes -n '__hospes_command_is cp rm' -l recursive -s r -d 'folders, too'
complete -c hospes -n '__hospes_command_is cp' -l resume -d 'go on with what an earlier try left'
complete -c hospes -n '__hospes_command_is cp' -l update -s u -d 'leave out files of the same size and time'
complete -c hospes -n '__hospes_command_is cp' -l checksum -d 'compare what is in the files'
complete -c hospes -n '__hospes_command_is cp' -l links -x -a 'skip keep follow' -d 'symbolic links'
complete -c hospes -n '__hospes_command_is cp' -l owner -d 'keep user and group'
complete -c hospes -n '__hospes_command_is cp' -l attributes -d 'keep extended attributes'
complete -c hospes -n '__hospes_command_is cp mv' -l no-clobber -s n -d 'replace nothing'
complete -c hospes -n '__hospes_command_is cp' -l rename -d 'replace nothing, find another name'
complete -c hospes -n '__hospes_command_is cp send ls cat mkdir mv rm watch' -l user -x -d 'on behalf of this user of the guest'
complete -c hospes -n '__hospes_command_is cp send accept' -l verbose -s v -d 'say at the end what was done'
complete -c hospes -n '__hospes_command_is send accept' -l no-wait -d 'print the id and end'
complete -c hospes -n '__hospes_command_is accept' -l to -x -a '(__fish_complete_directories)' -d 'into this folder of the host'
complete -c hospes -n '__hospes_command_is mkdir' -l parents -s p -d 'the folders above it, too'
complete -c hospes -n '__hospes_command_is transfers' -l watch -d 'stay, and show how they go on'
complete -c hospes -n '__hospes_at 0 audit' -a verify -d 'check that nobody changed the log'
complete -c hospes -n '__hospes_command_is audit' -F
complete -c hospes -n '__hospes_command_is audit' -l last -x -d 'so many of the newest entries'
