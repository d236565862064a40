#!/usr/bin/env bash
# Sees to it that there is a Chromium for the browser tests, and prints its
# path; prints nothing when Playwright brings its own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

if find_chromium; then
	exit
fi
if is_root_on_debian; then
	say "Installing Chromium for the browser tests …"
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >&2
	find_chromium
else
	say "Fetching a Chromium for the browser tests (once) …"
	npx playwright install chromium >&2
fi
