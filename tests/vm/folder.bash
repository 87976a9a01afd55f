# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: MIT
# A folder of mixed files that hospes cp takes into the guest and back; nothing may be lost but where the link is. Needs
# bridge.bash. Where the bridge runs there must be rsync, the judge that others wrote; a guest has busybox only.
#
#   folder_make                           $lab/folder, on this machine
#   folder_disk                           array: QEMU options, after folder_pack, for a guest in which the bridge runs
#   folder_program                        array: make-initramfs options for that guest
#   folder_pack · folder_unpack TO        by that disk, TO being a new folder where the bridge runs
#   check_folder_goes_and_comes PATH SECONDS     PATH is the folder where the bridge runs; the limit is for each way

readonly FOLDER_MIB=200
readonly FOLDER_IN_GUEST=/tmp/there
folder_disk=()
folder_program=()

# Who is not root can't read what nobody may read.
folder_make() {
    python3 "$here/../e2e/make_tree.py" "$lab/folder" "$FOLDER_MIB"
    [ "$(id -u)" = 0 ] || chmod -R u+r "$lab/folder"
}

# GNU tar, in the one format that has nanoseconds, on both ends.
folder_pack() {
    folder_make
    tar --create --format=posix --sparse --file "$lab/folder.tar" --directory "$lab/folder" .
    folder_disk=(-drive "file=$lab/folder.tar,format=raw,if=virtio,readonly=on")
    folder_program=(--module virtio_blk --program "$(command -v rsync)" --program "$(command -v tar)=gnu-tar")
}

folder_unpack() {
    on_host 60 "mkdir '$1' && gnu-tar --extract --preserve-permissions --file /dev/vda --directory '$1'"
    expect_same_list on_host "$1" "$(folder_list "$lab/folder")"
}

# Prints the command that lists a folder's paths, modes, times and contents; the same program does it everywhere.
folder_list_command() {
    printf '%s' "cd '$1' && { TZ=UTC0 busybox find . -exec busybox stat -c '%a %y %n' {} + &&
        busybox find . -type f -exec busybox sha256sum {} +; } | LC_ALL=C busybox sort"
}

# expect_same_list WHAT PLACE PATH PLACE PATH: only the digests of the lists travel, unless they differ.
expect_same_list() {
    local what=$1 list other
    list=$(folder_list_command "$3")
    other=$(folder_list_command "$5")
    [ "$("$2" 120 "{ $list; } | sha256sum")" != "$("$4" 120 "{ $other; } | sha256sum")" ] || return 0
    fail "$what: $(diff <("$2" 240 "$list") <("$4" 240 "$other") | head -n 20)"
}
