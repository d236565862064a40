#!/usr/bin/env bash
# fuzz.sh TIME: runs every fuzz target there is for TIME (such as 20s) each.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

time=${1:?a duration such as 20s}
found=0
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		found=$((found + 1))
		say "$package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
	done
done
((found > 0)) || die "There is no fuzz target."
say "$found fuzz targets ran for $time each."
