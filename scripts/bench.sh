#!/usr/bin/env bash
# bench.sh [arguments for bench, such as -servers foyer -steps room]: builds the
# program and measures it beside the other servers that are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

need_go
[[ $(uname) == Linux ]] || die "The bench reads /proc, and so needs Linux. The Go benchmarks run anywhere: make microbench"
has_postgres || die "Postgres is missing: install it (Debian: apt-get install postgresql), then try again."
if [[ " $* " == *" -steps page "* ]]; then
	scripts/npm.sh test
	CHROMIUM=$(scripts/browser.sh)
	export CHROMIUM
fi
CGO_ENABLED=0 go build -trimpath -o bin/foyer .
CGO_ENABLED=0 go build -trimpath -o bin/bench ./bench
exec bin/bench "$@"
