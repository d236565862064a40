#!/usr/bin/env bash
# audit.sh: looks for known holes in what the program uses: the Go release it is
# built with, the Go modules (govulncheck), and the packages from npm. Says plainly
# what could not be looked at, and fails only for what was found.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
need_go

found=0

# The release that go.mod names is one without known holes in what is used here.
want=$(awk '$1 == "toolchain" { sub(/^go/, "", $2); print $2 }' go.mod)
have=$(go env GOVERSION)
have=${have#go}
IFS=. read -r _ _ want_patch <<<"$want"
IFS=. read -r _ _ have_patch <<<"${have%%[a-z ]*}"
if at_least "${have%.*}" "${want%.*}" && { [[ ${have%.*} != "${want%.*}" ]] || ((${have_patch:-0} >= ${want_patch:-0})); }; then
	say "Go $have: as new as go.mod asks ($want)."
else
	say "Go $have has known holes that Go $want has not; build what people reach with that one, by GOTOOLCHAIN=go$want, or in the image of the Dockerfile."
fi

output=$(go tool govulncheck ./... 2>&1)
case $? in
0) say "Go modules: no known hole in what is called." ;;
3) printf '%s\n' "$output"; found=1 ;;
*)
	if grep -q 'fetching vulnerabilities' <<<"$output"; then
		say "Go modules: NOT looked at; https://vuln.go.dev cannot be reached from here."
	else
		printf '%s\n' "$output" >&2
		found=1
	fi
	;;
esac

output=$(npm audit --omit=dev 2>&1)
case $? in
0) say "npm packages: no known hole in what browsers get." ;;
*)
	if grep -qiE 'audit endpoint|ENOTFOUND|ECONNREFUSED|ENOAUDIT|404|network' <<<"$output"; then
		say "npm packages: NOT looked at; the registry answers no audit from here."
	else
		printf '%s\n' "$output"
		found=1
	fi
	;;
esac
exit "$found"
