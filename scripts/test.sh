#!/usr/bin/env bash
# test.sh all|unit|e2e|interop [arguments for Playwright]: installs what the
# tests need, runs them, and says at the end what was skipped and why.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

what=${1:?all, unit, e2e or interop}
shift
results=test-results
failed=0

# The race detector needs a C compiler.
race=(-race)
need_compiler() {
	command -v "$(go env CC)" >/dev/null && return
	if is_root_on_debian; then
		say "Installing a C compiler for the race detector …"
		apt-get update -qq >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends gcc libc6-dev >&2
		return
	fi
	race=()
	echo "the race detector: it needs a C compiler; install gcc or clang" >>"$results/skipped.txt"
}

unit() {
	say "Go tests …"
	CGO_ENABLED=$((${#race[@]} > 0)) go test "${race[@]+"${race[@]}"}" -json ./... |
		node scripts/gotest.mjs "$results/go.json" || failed=1
}

# The browser tests run the program itself, with the race detector in it.
e2e() {
	say "Browser tests …"
	CGO_ENABLED=$((${#race[@]} > 0)) go build "${race[@]+"${race[@]}"}" -o bin/foyer-e2e .
	CGO_ENABLED=0 go build -o bin/e2e-cluster ./e2e/cluster
	CHROMIUM=$(scripts/browser.sh) npx playwright test -c e2e "$@" || failed=1
}

need_go
scripts/npm.sh test
node scripts/assets.mjs
rm -rf "$results"
mkdir -p "$results"
case $what in
unit) need_compiler && unit ;;
e2e) need_compiler && e2e "$@" ;;
all) need_compiler && unit && e2e ;;
interop) die "There is nothing to run yet: this version speaks to its embedded server only (XMPP_UPSTREAM), so there are no tests against other servers." ;;
*) die "test.sh: $what is none of all, unit, e2e, interop" ;;
esac
node scripts/summary.mjs "$results" || failed=1
exit "$failed"
