#!/usr/bin/env bash
# Sees to it that there is a Chromium for the browser tests, and prints its
# path; prints nothing when Playwright brings its own. Debian's headless shell is
# Chromium without its windows, which takes a quarter less of the machine. With "whole":
# a Chromium that shows notifications; nothing is printed where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

if [[ ${1:-} == whole ]]; then
	find_whole_chromium && exit
	is_root_on_debian || exit 0
	say "Installing Chromium for the tests of notifications …"
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >&2 || exit 0
	find_whole_chromium || true
	exit
fi
if [[ -z ${CHROMIUM:-} ]] && is_root_on_debian && ! command -v chromium-headless-shell >/dev/null; then
	say "Installing Chromium for the browser tests …"
	apt-get update -qq >&2
	for name in chromium-headless-shell chromium; do
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$name" >&2 && break
	done
fi
if find_chromium; then
	exit
fi
say "Fetching a Chromium for the browser tests (once) …"
npx playwright install chromium >&2
