#!/usr/bin/env bash
# Sees to it that there is a Firefox for the main journey, and prints its path;
# prints nothing where there is none and none can be installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

find_firefox() {
	local name
	for name in ${FIREFOX:+"$FIREFOX"} firefox-esr firefox /Applications/Firefox.app/Contents/MacOS/firefox; do
		command -v "$name" && return
	done
	return 1
}

find_firefox && exit
is_root_on_debian || exit 0
say "Installing Firefox for the browser tests …"
apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends firefox-esr >&2 || exit 0
find_firefox
