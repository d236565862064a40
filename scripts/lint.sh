#!/usr/bin/env bash
# Every check that needs no test run; goes on after a failure and fails at the end.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go
need_compiler || true

# Compilers and checkers end before their garbage matters: collecting it takes a tenth to a
# quarter of their time. A soft limit keeps what is large from growing beyond it.
export GOGC=${GOGC:-400} GOMEMLIMIT=${GOMEMLIMIT:-2GiB}

failed=()
check() {
	local name=$1
	shift
	"$@" >&2 || failed+=("$name")
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

# Of each patch of Converse whose test needs no browser: that the test fails without it.
patches_proved() {
	local said
	said=$(node scripts/patches.mjs --page 2>&1) || { grep -v ': proved: ' <<<"$said"; return 1; }
}

types() { npx tsc -p e2e; }

# Turbo's own file is imported, and is not ours to mend.
browser_types() {
	local errors
	errors=$(npx tsc -p static/types | awk '/^[^ ]/ { ours = !/^static\/lib\// } ours')
	[[ -z $errors ]] || { say "$errors"; return 1; }
}

# With the race detector, as the tests are built: what they need is compiled once for both.
# What stands in its place elsewhere is looked at without it.
go_vet() {
	CGO_ENABLED=$cgo go vet "${race[@]+"${race[@]}"}" ./... && CGO_ENABLED=0 go vet ./internal/socket
}

# The program itself is built without the race detector, which would make it many times slower.
program=bin/staticcheck
build_staticcheck() { CGO_ENABLED=0 go build -o "$program" honnef.co/go/tools/cmd/staticcheck; }

go_staticcheck() {
	build_staticcheck &&
		CGO_ENABLED=$cgo GOFLAGS="$(go env GOFLAGS) ${race[*]+"${race[*]}"}" "$program" ./... &&
		CGO_ENABLED=0 "$program" ./internal/socket
}

arrows() { CGO_ENABLED=$cgo go test -vet=off "${race[@]+"${race[@]}"}" ./internal/arch; }

npm_packages() { scripts/npm.sh test && node scripts/assets.mjs; }

# What is about Go, and what is about the rest, go on side by side.
rest() {
	failed=()
	check scripts scripts_parse
	check "tests of the scripts" scripts_work
	check "the browser tests' types" types
	check "types in static/js" browser_types
	check "the patches of Converse" patches_proved
	printf '%s\n' "${failed[@]+"${failed[@]}"}" >"$work/failed"
}

go_checks() {
	check gofmt gofmt_clean
	check vet go_vet
	check staticcheck go_staticcheck
	check "the arrows between packages" arrows
	check "go mod tidy" go mod tidy -diff
	check "the tables of settings in docs" scripts/settings.sh --check
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The program embeds what npm brings: it is there before anything is built of it.
build_staticcheck &
check "npm packages" npm_packages
wait
rest &
go_checks
wait
[[ -e $work/failed ]] || failed+=("what is not about Go")
while read -r name; do [[ -z $name ]] || failed+=("$name"); done < <(cat "$work/failed")
for name in "${failed[@]+"${failed[@]}"}"; do say "FAILED lint: $name"; done
((${#failed[@]} == 0)) && say "lint: all is well"
