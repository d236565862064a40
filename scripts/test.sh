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

# Every fuzz target, for a moment: make fuzz is for longer.
fuzz() {
	say "Fuzzing …"
	scripts/fuzz.sh --total 30s "$results/fuzz.json" || failed=1
}

# The browser and the other clients meet the program itself, with the race
# detector in it.
program() {
	CGO_ENABLED=$((${#race[@]} > 0)) go build "${race[@]+"${race[@]}"}" -o bin/foyer-e2e .
	CGO_ENABLED=0 go build -o bin/e2e-cluster ./e2e/cluster
}

e2e() {
	say "Browser tests …"
	program
	CHROMIUM=$(scripts/browser.sh) FIREFOX=$(scripts/firefox.sh) npx playwright test -c e2e "$@" || failed=1
}

# What other people wrote: a server as the referee, and clients.
need_others() {
	local name missing=()
	for name in prosody profanity tmux; do
		command -v "$name" >/dev/null || missing+=("$name")
	done
	/usr/bin/python3 -c "import slixmpp, aiohttp" 2>/dev/null || missing+=(python3-slixmpp python3-slixmpp-lib python3-aiohttp)
	[[ ${#missing[@]} -gt 0 ]] && is_root_on_debian || return 0
	say "Installing ${missing[*]} …"
	install_without_services "${missing[@]}"
}

referee() {
	say "Transcripts, against this server and Prosody …"
	go test -json ./e2e/referee | node scripts/gotest.mjs "$results/referee.json" || failed=1
}

clients() {
	say "Independent clients …"
	program
	npx playwright test -c e2e/interop "$@" || failed=1
}

# timed STAGE…: runs a stage, and notes how long it took.
stages=()
timed() {
	local start=$SECONDS
	"$@"
	stages+=("$1 $((SECONDS - start)) s")
}

need_go
scripts/npm.sh test
node scripts/assets.mjs
rm -rf "$results"
mkdir -p "$results"
case $what in
unit) need_compiler && timed unit && timed fuzz ;;
e2e) need_compiler && timed e2e "$@" ;;
interop) need_compiler && need_others && timed referee && timed clients "$@" ;;
all) need_compiler && need_others && timed unit && timed fuzz && timed e2e && timed clients ;; # the referee is among the Go tests
*) die "test.sh: $what is none of all, unit, e2e, interop" ;;
esac
say "Took: $(printf '%s, ' "${stages[@]}" | sed 's/, $//')."
node scripts/summary.mjs "$results" || failed=1
exit "$failed"
