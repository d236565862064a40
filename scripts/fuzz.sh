#!/usr/bin/env bash
# fuzz.sh [--total] TIME [REPORT]: runs every fuzz target there is for TIME (such
# as 20s or 5m) each, or for TIME altogether. An input that is found to fail is
# left in testdata/fuzz of its package, where the tests try it from then on.
# REPORT is a file for the counts and what failed.
# fuzz.sh --moment REPORT [FLAG…]: what each has as seeds, and new inputs, 200 with them,
# some targets at once: some wait for most of their time.
# Packages are built with these FLAGs, without the fuzzer's instruments: where the tests
# have built them so, no more is to do, and in a moment the instruments would find nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

total=false moment=false flags="" at_once=1
case ${1:-} in
--total) total=true && shift ;;
--moment) moment=true && shift ;;
esac
if "$moment"; then
	report=${1:?a file for the report}
	flags="-ldflags=-w ${*:2}" # nobody debugs them
	at_once=$(($(getconf _NPROCESSORS_ONLN) + 1))
else
	time=${1:?a duration such as 20s}
	report=${2:-}
fi

seconds() {
	local n=${1%[smh]}
	[[ $n =~ ^[0-9]+$ ]] || die "fuzz.sh: $1 is no duration such as 20s, 5m or 1h"
	case $1 in
	*h) echo $((n * 3600)) ;;
	*m) echo $((n * 60)) ;;
	*) echo "$n" ;;
	esac
}

# A line for each target: its package, the directory, its name. The gateway's come first: one of
# them waits for longer than the others take.
targets() {
	local package dir
	while read -r package dir; do
		grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null | sort | sed "s|^func |$package $dir |" || true
	done < <(go list -f '{{.ImportPath}} {{.Dir}}' ./... | sort -r)
}

# What a package is built with, to be fuzzed: its own code and all that it stands on
# are watched. Below app/uploads that is what reaches databases and stores, which a
# file's name does not, and which takes as long to build as all the others together.
instruments() {
	case $1 in
	*/app/uploads) echo "-gcflags=$(go list -m)/...=-d=libfuzzer" ;;
	*) echo "-fuzz=." ;;
	esac
}

# Packages are built once each, with the instruments of the fuzzer in them.
build() {
	local package=$1
	"$moment" || flags=$(instruments "$package")
	# shellcheck disable=SC2086 # several flags
	go test -c $flags -o "$work/${package//\//_}.test" "$package"
}

# What a server with many goroutines covers is never quite the same twice, so that the
# default of a minute for making an input smaller would leave time for nothing
# else.
fuzz() {
	local package=$1 dir=$2 target=$3 binary=$work/${1//\//_}.test output=$4
	(cd "$dir" && "$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$each" -test.fuzzminimizetime 5x -test.fuzzcachedir "$cache/$package") >"$output" 2>&1 && {
		! "$moment" && return
		grep -q 'now fuzzing' "$output" # it has come beyond its seeds
		return
	}
	# A run that is out of time sometimes takes that for an error (golang/go#48157).
	! grep -q 'Failing input\|panic\|goroutine ' "$output" && grep -q '^ *context deadline exceeded' "$output"
}

# report PACKAGE DIR TARGET: fuzzes it, and says what came of it. What failed is in a file of $work/failed.
report() {
	local output="$work/${1//\//_} $3"
	if fuzz "$@" "$output"; then
		say "ok   $1 $3: $(grep -o 'execs: [0-9]*.*' "$output" | tail -1)"
	else
		say "FAIL $1 $3"
		cat "$output"
		mv "$output" "$work/failed/"
	fi
}

# each_line FUNCTION: calls it with the words of each line that comes, for as many at once as shall be.
each_line() { xargs -P "$at_once" -L 1 bash -c "$1"' "$@"' _; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$(go env GOCACHE)/fuzz
all=()
while IFS= read -r line; do all+=("$line"); done < <(targets)
((${#all[@]} > 0)) || die "There is no fuzz target."
if "$moment"; then
	each=200x # inputs, its seeds among them
else
	each=$(seconds "$time")
	"$total" && each=$((each / ${#all[@]} > 0 ? each / ${#all[@]} : 1))
	each+=s
fi
mkdir "$work/failed"
export moment flags work cache each
export -f say instruments build fuzz report
printf '%s\n' "${all[@]}" | cut -d ' ' -f 1 | uniq | each_line build || true # whose targets fail below
printf '%s\n' "${all[@]}" | each_line report
failed=("$work/failed"/*)
[[ -e ${failed[0]} ]] || failed=()
passed=$((${#all[@]} - ${#failed[@]}))
[[ -z $report ]] || node scripts/fuzz_report.mjs "$passed" "$work/failed" >"$report"
say "$passed of ${#all[@]} fuzz targets found nothing in ${each/%x/ inputs} each."
((passed == ${#all[@]}))
