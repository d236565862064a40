#!/usr/bin/env bash
# Every check that needs no test run; goes on after a failure and fails at the end.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go

failed=()
check() {
	local name=$1
	shift
	"$@" || failed+=("$name")
}

gofmt_clean() {
	local unformatted
	unformatted=$(gofmt -l $(git ls-files --cached --others --exclude-standard '*.go')) || return 1
	[[ -z $unformatted ]] || { say "run gofmt -w on:" $unformatted; return 1; }
}

# Scripts are parsed; what runs in browsers, and the browser tests' TypeScript, is
# checked in full.
scripts_parse() {
	local file status=0
	while read -r file; do
		node --check "$file" || status=1
	done < <(git ls-files --cached --others --exclude-standard 'scripts/*.mjs' 'bench/*.mjs')
	while read -r file; do
		bash -n "$file" || status=1
	done < <(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
	return "$status"
}

scripts_work() {
	local said
	said=$(node --test scripts e2e/page 2>&1) || { say "$said"; return 1; }
}

types() { npx tsc -p e2e; }

# Turbo's own file is imported, and is not ours to mend.
browser_types() {
	local errors
	errors=$(npx tsc -p static/types | awk '/^[^ ]/ { ours = !/^static\/lib\// } ours')
	[[ -z $errors ]] || { say "$errors"; return 1; }
}

npm_packages() { scripts/npm.sh test && node scripts/assets.mjs; }

check gofmt gofmt_clean
check vet go vet ./...
check staticcheck go tool staticcheck ./...
check "the arrows between packages" go test ./internal/arch/...
check "go mod tidy" go mod tidy -diff
check "the table of settings in README.md" scripts/settings.sh --check
check scripts scripts_parse
check "npm packages" npm_packages
check "tests of the scripts" scripts_work
check "the browser tests' types" types
check "types in static/js" browser_types
for name in "${failed[@]+"${failed[@]}"}"; do say "FAILED lint: $name"; done
((${#failed[@]} == 0)) && say "lint: all is well"
