# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: MIT
# A guest under QEMU: boots it from a kernel and an initramfs, runs commands in it, resets it. Needs lab.bash.
#
#   qemu_boot NAME KERNEL INITRAMFS APPEND [QEMU-OPTION…]    in the background; returns when the guest answers commands
#   guest_reset NAME                   the reset button; returns when the guest is up again
#   guest_run NAME SECONDS COMMAND     prints its output and gives its status; 124 when no answer came in time
#   qmp NAME JSON                      one command of QEMU's monitor
#
# KVM is used where the processor has it and the guest answers; else TCG. HOSPES_ACCEL=tcg decides for the user.
# In $lab: NAME.log (QEMU's own words), NAME.console.log, and the sockets NAME.commands and NAME.qmp.

QEMU_BOOT_SECONDS=90

qemu_accelerator() {
    if [ -n "${HOSPES_ACCEL:-}" ]; then
        printf '%s\n' "$HOSPES_ACCEL"
    elif [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then
        printf 'kvm\n'
    else
        printf 'tcg\n'
    fi
}

qemu_spawn() {
    local accelerator=$1 name=$2 kernel=$3 initramfs=$4 append=$5
    shift 5
    [ "$accelerator" != tcg ] || accelerator=tcg,thread=multi
    lab_spawn "$name" qemu-system-x86_64 -M q35 -accel "$accelerator" -smp 2 -cpu max -m 1024 \
        -nodefaults -display none -vga none \
        -chardev "file,id=console,path=$lab/$name.console.log,append=on" -serial chardev:console \
        -chardev "socket,id=commands,path=$lab/$name.commands,server=on,wait=off" -serial chardev:commands \
        -qmp "unix:$lab/$name.qmp,server=on,wait=off" \
        -kernel "$kernel" -initrd "$initramfs" -append "console=ttyS0 panic=1 quiet $append" "$@"
}

# How often the guest has come up so far: /init says a line each time.
guest_boots() {
    grep -c 'test-guest: ready' "$lab/$1.console.log" || true
}

guest_has_booted() {
    [ "$(guest_boots "$1")" -ge "$2" ] && guest_run "$1" 5 true
}

qemu_boot() {
    local name=$1 accelerator
    accelerator=$(qemu_accelerator)
    qemu_spawn "$accelerator" "$@"
    if [ "$accelerator" = kvm ] && ! guest_boots_within 20 "$name"; then
        step "KVM is there, but the guest does not answer: TCG instead"
        lab_stop "$name" KILL
        qemu_spawn tcg "$@"
    fi
    eventually "$QEMU_BOOT_SECONDS" "guest $name boots" guest_has_booted "$name" 1
}

guest_boots_within() {
    local deadline=$((SECONDS + $1))
    until guest_has_booted "$2" 1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

guest_reset() {
    local boots
    boots=$(guest_boots "$1")
    qmp "$1" '{"execute":"system_reset"}' >/dev/null
    eventually "$QEMU_BOOT_SECONDS" "guest $1 boots again" guest_has_booted "$1" $((boots + 1))
}

# A subshell, so that a connection that breaks ends this call and not the test.
guest_run() (
    name=$1 seconds=$2 command=$3 id=$BASHPID.$RANDOM
    deadline=$((SECONDS + seconds))
    coproc line { exec socat - "UNIX-CONNECT:$lab/$name.commands" 2>/dev/null; }
    # shellcheck disable=SC2154 # set by coproc
    pid=$line_PID
    trap 'kill "$pid" 2>/dev/null' EXIT
    printf '\nRUN %s %s\n' "$id" "$(printf '%s\n' "$command" | base64 -w 0)" >&"${line[1]}" || exit 124
    while [ "$SECONDS" -le "$deadline" ] && read -r -t $((deadline - SECONDS + 1)) verb answered status output; do
        if [ "$verb" = RESULT ] && [ "$answered" = "$id" ]; then
            printf '%s' "$output" | base64 -d
            exit "$status"
        fi
    done <&"${line[0]}"
    exit 124
)

qmp() {
    printf '{"execute":"qmp_capabilities"}\n%s\n' "$2" | socat -t 2 - "UNIX-CONNECT:$lab/$1.qmp"
}
