#!/usr/bin/env bash
# rename-module.sh MODULE [DIRECTORY]: gives the Go module another path, such as
# git.example.org/team/chat: in go.mod, in the imports, and in the test of which package
# imports which. Nothing else that has the word changes: keys are derived from it, locks
# and namespaces are named by it (docs/FORKING.md). Run it again after merging from upstream.
set -euo pipefail
new=${1:-} root=${2:-$(cd "$(dirname "$0")/.." && pwd)}
die() { printf '%s\n' "$*" >&2; exit 1; }
[[ $new =~ ^[a-zA-Z0-9._~-]+(/[a-zA-Z0-9._~-]+)*$ ]] || die "usage: rename-module.sh MODULE [DIRECTORY], with a module path such as git.example.org/team/chat"
cd "$root"
old=$(sed -n 's/^module //p' go.mod)
[[ -n $old ]] || die "$root/go.mod names no module"
# upstream is the path that merged files still have, besides the one of go.mod.
upstream=foyer
paths="$old"
[[ $old == "$upstream" ]] || paths="$old|$upstream"

# An import is a line with nothing but a name and the path: a text in a list has a comma after it.
rename='my ($new, $paths) = @ENV{qw(NEW PATHS)};
	s{^(\s*(?:import\s+)?(?:[A-Za-z_.][A-Za-z0-9_]*\s+)?")(?:$paths)(?=/[^"]*"\s*(?://.*)?$)}{$1$new}'
export NEW=$new PATHS
PATHS=$(sed 's/[.~]/\\&/g' <<<"$paths")
files=$(find . -name '*.go' -not -path './node_modules/*' -not -path './var/*' -print)
changed=()
while IFS= read -r file; do
	if grep -Eq "\"($paths)/" "$file"; then changed+=("$file"); fi
done <<<"$files"
((${#changed[@]} == 0)) || perl -pi -e "$rename" "${changed[@]}"
perl -pi -e 's{^module .*}{module $ENV{NEW}}' go.mod
perl -pi -e 's{^const module = ".*"$}{const module = "$ENV{NEW}"}' internal/arch/arch_test.go
((${#changed[@]} == 0)) || gofmt -w "${changed[@]}" # imports are in the order of their paths
printf '%s is %s now, in %d files.\n' "$old" "$new" "${#changed[@]}"
