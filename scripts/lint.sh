#!/usr/bin/env bash
# Every check that needs no test run; goes on after a failure and fails at the end.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go

bad=0
check() {
	local name=$1
	shift
	if ! "$@"; then
		say "lint: $name failed"
		bad=1
	fi
}

gofmt_clean() {
	local unformatted
	unformatted=$(gofmt -l $(git ls-files --cached --others --exclude-standard '*.go')) || return 1
	[[ -z $unformatted ]] || { say "run gofmt -w on:" $unformatted; return 1; }
}

# Scripts are parsed; the browser tests' TypeScript is checked in full.
scripts_parse() {
	local file status=0
	while read -r file; do
		node --check "$file" || status=1
	done < <(git ls-files --cached --others --exclude-standard 'static/js/*.js' 'scripts/*.mjs')
	while read -r file; do
		bash -n "$file" || status=1
	done < <(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
	return "$status"
}

types() { scripts/npm.sh test && npx tsc --noEmit -p e2e; }

check gofmt gofmt_clean
check vet go vet ./...
check staticcheck go tool staticcheck ./...
check "the arrows between packages" go test ./internal/arch/...
check "go mod tidy" go mod tidy -diff
check "the table of settings in README.md" scripts/settings.sh --check
check scripts scripts_parse
check types types
((bad == 0)) && say "lint: all is well"
exit "$bad"
