#!/usr/bin/env bash
# settings.sh [--check]: puts the tables of settings that the program prints into
# docs/SETTINGS.md and docs/GATEWAY.md, or checks that they are there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_compiler || true
program=bin/foyer-e2e # the one of the browser tests, which make test needs anyway
CGO_ENABLED=$cgo go build "${race[@]+"${race[@]}"}" -o "$program" .

# put CHECK FILE ARGUMENTS of `foyer settings`
put() {
	local check=$1 file=$2 table fresh
	table=$("$program" settings "${@:3}")
	fresh=$(TABLE="$table" awk '
		/^<!-- end of settings -->/ { skip = 0 }
		!skip { print }
		/^<!-- settings: / { print ENVIRON["TABLE"]; skip = 1 }
	' "$file")
	if [[ $check == --check ]]; then
		[[ $fresh == "$(<"$file")" ]] || die "$file has another table of settings than the program; run scripts/settings.sh"
	else
		printf '%s\n' "$fresh" >"$file"
	fi
}

put "${1:-}" docs/SETTINGS.md
put "${1:-}" docs/GATEWAY.md --gateway
