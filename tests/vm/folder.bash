# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: MIT
# A folder of few large and many small files, and of all that others lose, goes into the guest and comes back by hospes cp.
# Needs bridge.bash.
#
#   make_folder MIB                 $lab/folder, on this machine
#   pack_folder MIB                 and as a disk, for a test whose bridge runs in a guest: with folder_programs and
#                                   folder_disk, arrays of options for that guest's make-initramfs and its qemu_boot
#   unpack_folder PATH              from that disk, where the bridge runs
#   check_folder PATH [SECONDS]     PATH is the folder where the bridge runs, which has rsync; the limit is for each way

folder_mib=
folder_programs=()
folder_disk=()

# Who is not root could not read the files that nobody may read.
make_folder() {
    folder_mib=$1
    python3 "$here/../e2e/make_tree.py" "$lab/folder" "$folder_mib"
    [ "$(id -u)" = 0 ] || chmod -R u+r "$lab/folder"
}

# The disk is a tar archive, in the one format that keeps nanoseconds; busybox has no program that reads it.
pack_folder() {
    make_folder "$1"
    tar --create --format=posix --sparse --file "$lab/folder.tar" --directory "$lab/folder" .
    folder_disk=(-drive "file=$lab/folder.tar,format=raw,if=virtio,readonly=on")
    folder_programs=(--module virtio_blk --program "$(command -v tar)=gnu-tar" --program "$(command -v rsync)")
}

unpack_folder() {
    on_host 60 "mkdir '$1' && gnu-tar --extract --preserve-permissions --warning=no-timestamp --file /dev/vda --directory '$1'"
    expect_same_list "what came from the disk" here_on_machine "$lab/folder" on_host "$1"
}

here_on_machine() {
    timeout "$1" bash -c "$2"
}

# Prints a command that lists a folder's paths, modes, times and contents, by the same program wherever it runs; MD5, since an
# emulator in an emulator takes minutes for 200 MB of anything better.
list_command() {
    printf '%s' "set -o pipefail; cd '$1' && { TZ=UTC0 busybox find . -exec busybox stat -c '%a %y %n' {} + &&
        busybox find . -type f -exec busybox md5sum {} +; } | LC_ALL=C busybox sort"
}

# expect_same_list WHAT PLACE PATH PLACE PATH: only the lists' digests travel, unless they differ.
expect_same_list() {
    local what=$1 one other digest other_digest
    one=$(list_command "$3")
    other=$(list_command "$5")
    digest=$("$2" 120 "$one | sha256sum") || fail "$what: no list of $3: $digest"
    other_digest=$("$4" 120 "$other | sha256sum") || fail "$what: no list of $5: $other_digest"
    [ "$digest" = "$other_digest" ] ||
        fail "$what differs: $(diff <("$2" 240 "$one") <("$4" 240 "$other") | head -n 20)"
}

# copy_folder WHAT FROM TO SECONDS
copy_folder() {
    local began said milliseconds
    began=${EPOCHREALTIME/[.,]/}
    said=$(on_host "$4" "$hospes --no-progress cp -r '$2' '$3' 2>&1") || fail "$1, hospes cp, status $?: $said"
    milliseconds=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
    step "$1: $folder_mib MiB in $milliseconds ms, $((folder_mib * 1048576 / 1000 / milliseconds)) MB/s"
}

# expect_no_partial PLACE FOLDER
expect_no_partial() {
    expect_equal "what is half done ($1)" "" "$("$1" 60 "find '$2' -name '.hospes-partial*'")"
}

check_folder() {
    local there=/tmp/there back=$1.back
    copy_folder "a folder goes into the guest" "$1" "dev:$there" "${2:-60}"
    expect_same_list "the folder in the guest" on_host "$1" in_guest "$there"
    copy_folder "and comes back" "dev:$there" "$back" "${2:-60}"
    expect_equal "what rsync finds different" "" \
        "$(on_host 120 "rsync -rptn --checksum --delete --itemize-changes --modify-window=-1 '$1/' '$back/' 2>&1 | head -n 20")"
    expect_no_partial on_host "$(dirname "$1")"
    expect_no_partial in_guest /tmp
    in_guest 60 "rm -r '$there'"
    on_host 60 "rm -r '$1' '$back'"
}
