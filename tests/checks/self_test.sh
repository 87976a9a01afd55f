#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The checks are checked: each must pass a small clean tree and must report every violation planted in it.
set -euo pipefail

scripts=$(cd "$(dirname "$0")/../../scripts" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0
cases=0

spdx='/* SPDX-License-Identifier: MIT */'

plant() { # plant FILE TEXT…: a file of these lines
    local file=$tree/$1
    mkdir -p "$(dirname "$file")"
    printf '%s\n' "${@:2}" >"$file"
}

plant_clean_tree() {
    rm -rf "$tree" && mkdir -p "$tree"
    plant protocol/base/log.h "$spdx"
    plant protocol/wire/frame.h "$spdx" '#include "protocol/base/log.h"'
    plant protocol/link/stream.h "$spdx" '#include "protocol/wire/frame.h"' '#include <linux/vm_sockets.h>'
    plant services/relay/flow.h "$spdx" '#include "protocol/link/stream.h"'
    plant services/transfer/manifest.h "$spdx"
    plant agent/platform/health.h "$spdx" '#include <linux/types.h>'
    plant agent/features/ports/table.h "$spdx" '#include "agent/platform/health.h"'
    plant agent/features/dial.h "$spdx" '#include "services/relay/flow.h"'
    plant agent/agent.h "$spdx" '#include "agent/features/dial.h"' '#include "agent/features/ports/table.h"'
    plant host-bridge/features/forwards/policy.h "$spdx"
    plant host-bridge/guest.h "$spdx" '#include "host-bridge/features/forwards/policy.h"'
    plant host-bridge/bridge.h "$spdx" '#include "host-bridge/guest.h"'
    plant host-bridge/api/server.h "$spdx" '#include "host-bridge/guest.h"' '#include <microhttpd.h>'
    plant host-bridge/cli/client.h "$spdx" '#include "protocol/base/log.h"' '#include <curl/curl.h>'
    plant tests/unit/flow_test.c "$spdx" '#include "services/relay/flow.h"'
    local page=$tree/docs/architecture.md file
    mkdir -p "$tree/docs"
    (cd "$tree" && find protocol services agent host-bridge -name '*.h' | sort) | while read -r file; do
        printf '## `%s/`\n\n| `%s` | It does one thing well. |\n\n' "$(dirname "$file")" "$(basename "$file")"
    done >"$page"
    printf '## `tests/`\n\n| `unit/` | One program a source file. |\n' >>"$page"
}

passes() { # passes CHECK: the tree as it stands has no problem
    cases=$((cases + 1))
    local output
    output=$("$scripts/$1" --root "$tree" 2>&1) && return
    printf 'FAILED: %s complains about a clean tree:\n%s\n' "$1" "$output"
    failed=$((failed + 1))
}

reports() { # reports CHECK TEXT: the planted violation is reported, with this text; the tree is clean again then
    cases=$((cases + 1))
    local output
    if output=$("$scripts/$1" --root "$tree" 2>&1); then
        printf 'FAILED: %s passes, but should report: %s\n' "$1" "$2"
        failed=$((failed + 1))
    elif ! grep -qF -- "$2" <<<"$output"; then
        printf 'FAILED: %s does not report "%s" but:\n%s\n' "$1" "$2" "$output"
        failed=$((failed + 1))
    fi
    plant_clean_tree
}

plant_clean_tree
for check in check-layers check-code-map check-format check-style; do
    passes "$check"
done

include() { # include FILE HEADER: adds an #include to a file of the tree
    printf '#include %s\n' "$2" >>"$tree/$1"
}
while read -r file header text; do
    include "$file" "$header"
    reports check-layers "$file:$(wc -l <"$tree/$file"): includes ${header//[<>\"]/}: $text"
done <<'CASES'
protocol/base/log.h "protocol/wire/frame.h" against
protocol/wire/frame.h "protocol/link/stream.h" against
protocol/link/stream.h "services/relay/flow.h" against
services/relay/flow.h "services/transfer/manifest.h" against
services/relay/flow.h "agent/agent.h" against
agent/platform/health.h "agent/features/dial.h" against
agent/features/dial.h "agent/features/ports/table.h" against
agent/features/ports/table.h "agent/agent.h" against
agent/agent.h "host-bridge/guest.h" against
host-bridge/features/forwards/policy.h "host-bridge/guest.h" against
host-bridge/api/server.h "host-bridge/bridge.h" against
host-bridge/cli/client.h "protocol/wire/frame.h" against
host-bridge/cli/client.h "host-bridge/guest.h" against
host-bridge/bridge.h "host-bridge/cli/client.h" against
agent/agent.h "agent/features/dial.c" a source file
agent/agent.h "agent.h" no such header
agent/agent.h "protocol/base/gone.h" no such header
agent/agent.h "tests/unit/flow_test.h" no such header
agent/agent.h <linux/types.h> a Linux header
agent/agent.h <msgpack.h> the message library
host-bridge/guest.h <microhttpd.h> the HTTP server
host-bridge/api/server.h <curl/curl.h> the HTTP client
CASES

plant protocol/base/buffer.h "$spdx"
reports check-code-map 'no sentence for protocol/base/buffer.h'
rm "$tree/protocol/base/log.h"
reports check-code-map 'describes protocol/base/log.h, which is not there'
sed -i 's/It does one thing well\./Log/' "$tree/docs/architecture.md"
reports check-code-map 'protocol/base/log.h needs a whole sentence'
plant tests/vm/run.sh '#!/bin/sh' '# SPDX-License-Identifier: MIT'
reports check-code-map 'no sentence for tests/vm/'
again=$(tail -n 1 "$tree/docs/architecture.md")
printf '%s\n' "$again" >>"$tree/docs/architecture.md"
reports check-code-map 'tests/unit/ is described twice'

plant protocol/base/log.h "$spdx" 'int   x ;'
cp "$scripts/../.clang-format" "$tree/"
reports check-format 'protocol/base/log.h:2'

plant protocol/base/log.h 'int x;'
reports check-style 'protocol/base/log.h:1: no SPDX'
plant protocol/base/log.h "$spdx" '/* TO''DO: later */'
reports check-style 'protocol/base/log.h:2: promises work'
plant protocol/base/string_utils.h "$spdx"
reports check-style 'string_utils.h: a name says'
plant protocol/helpers/text.h "$spdx"
reports check-style 'protocol/helpers/text.h: lies in a folder'
# shellcheck disable=SC2046 # 501 words are wanted
plant protocol/base/log.h "$spdx" $(seq 1 501)
reports check-style 'protocol/base/log.h: more than 500 lines'
plant docs/build.md 'cd /home''/somebody/hospes'
reports check-style 'docs/build.md:1: names a path'
plant docs/build.md "cd $tree/build"
reports check-style 'docs/build.md:1: names a path'
plant scripts/run '#!/bin/sh' '# SPDX-License-Identifier: MIT' 'cd /nowhere' # without a way out
reports check-style 'shellcheck has complaints'

printf 'checks: %d cases, %d failed\n' "$cases" "$failed"
((failed == 0))
