#!/usr/bin/env bash
# settings.sh [--check]: puts the table of settings that the program prints into
# README.md, or checks that it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

table=$(go run . settings)
fresh=$(TABLE="$table" awk '
	/^<!-- end of settings -->/ { skip = 0 }
	!skip { print }
	/^<!-- settings: / { print ENVIRON["TABLE"]; skip = 1 }
' README.md)
if [[ ${1:-} == --check ]]; then
	[[ $fresh == "$(<README.md)" ]] || die "README.md has another table of settings than the program; run scripts/settings.sh"
else
	printf '%s\n' "$fresh" >README.md
fi
