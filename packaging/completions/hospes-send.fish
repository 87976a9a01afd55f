# SPDX-License-Identifier: MIT
# Completion of hospes-send(1) for fish.
complete -c hospes-send -l no-wait -d 'leave the offer there, and end'
complete -c hospes-send -l list -d 'what you have offered'
complete -c hospes-send -l withdraw -x -a '(hospes-send --list 2>/dev/null | string split -f 1 " ")' -d 'take an offer back'
complete -c hospes-send -l session-socket -r -d 'where the agent is reached'
complete -c hospes-send -l json -d 'print JSON lines'
complete -c hospes-send -l version -d 'print the version and end'
complete -c hospes-send -l help -d 'print help and end'
