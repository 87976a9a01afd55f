#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# GET /metrics is OpenMetrics: known line forms, a type for each family, # EOF at the end.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
serve g1 8080
eventually 'a byte has gone through' fetches "$(host_port_of g1 8080)" 'g1 says hello'
api GET /metrics -D "$work/headers" >"$work/metrics"
grep -qi '^content-type: application/openmetrics-text' "$work/headers" || fail 'the content type'
equal "$(tail -n 1 "$work/metrics")" '# EOF' 'the last line'
awk '
    /^# EOF$/ { next }
    /^# (HELP|UNIT) [a-z_:][a-z0-9_:]* / { next }
    /^# TYPE [a-z_:][a-z0-9_:]* (gauge|counter|histogram|info|stateset|summary|unknown)$/ { type[$3] = $4; next }
    /^[a-z_:][a-z0-9_:]*({[a-z_]+="([^"\\\n]|\\.)*"(,[a-z_]+="([^"\\\n]|\\.)*")*})? -?[0-9.e+-]+( [0-9.]+)?$/ {
        name = $1
        sub(/{.*/, "", name)
        family = name
        sub(/_(total|info|bucket|sum|count|created)$/, "", family)
        if (!(name in type) && !(family in type)) { print "no TYPE: " $0; bad = 1 }
        if (type[family] == "counter" && name !~ /_(total|created)$/) { print "a counter without _total: " $0; bad = 1 }
        if ($0 in seen) { print "twice: " $0; bad = 1 }
        seen[$0] = 1
        count++
        next
    }
    { print "not OpenMetrics: " $0; bad = 1 }
    END { exit bad || count < 5 }
' "$work/metrics" || fail 'the text does not parse'
grep -q 'vm="g1"' "$work/metrics" || fail 'nothing about g1'
