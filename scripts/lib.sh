# Shell functions of the scripts beside this file. Sourced, never run; the
# working directory is the checkout's.

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# at_least HAVE WANT: compares versions of the form 1.2 or 1.2.3.
at_least() {
	local h1 h2 w1 w2 _
	IFS=. read -r h1 h2 _ <<<"$1.0"
	IFS=. read -r w1 w2 _ <<<"$2.0"
	((h1 > w1 || (h1 == w1 && h2 >= w2)))
}

need_go() {
	local want have
	want=$(awk '$1 == "go" { print $2 }' go.mod)
	command -v go >/dev/null || die "Go is missing: install Go $want or newer (https://go.dev/dl/), then try again."
	have=$(go env GOVERSION 2>/dev/null) || die "This is $(GOTOOLCHAIN=local go version); Foyer needs Go $want or newer (https://go.dev/dl/)."
	have=${have#go}
	at_least "${have%%[a-z ]*}" "$want" || die "This is Go $have; Foyer needs Go $want or newer (https://go.dev/dl/)."
}

need_node() {
	local want=20.0 have
	command -v node >/dev/null && command -v npm >/dev/null ||
		die "Node.js or its npm is missing: install Node $want or newer (https://nodejs.org/), then try again."
	have=$(node --version)
	at_least "${have#v}" "$want" || die "This is Node $have; Foyer needs $want or newer (https://nodejs.org/)."
}

# Where internal/pgdev looks, in its order; npm's comes last there too.
has_postgres() {
	local dir
	for dir in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin \
		"$(dirname "$(command -v postgres || echo /nowhere/postgres)")" /opt/homebrew/opt/postgresql@*/bin; do
		[[ -x $dir/postgres && -x $dir/initdb ]] && return 0
	done
	return 1
}

# A Chromium that is on this machine already; prints its path.
find_chromium() {
	local name
	if [[ -n ${CHROMIUM:-} ]]; then
		[[ -x $CHROMIUM ]] || die "CHROMIUM=$CHROMIUM is not a program."
		echo "$CHROMIUM"
		return
	fi
	for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
		command -v "$name" && return
	done
	name="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
	[[ -x $name ]] && echo "$name"
}

# A Chromium with everything that people have, notifications among it, which the headless
# shell is without; prints its path.
find_whole_chromium() {
	local name
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		command -v "$name" && return
	done
	name="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
	[[ -x $name ]] && echo "$name"
}

is_root_on_debian() { [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; }

# Installs Debian packages and leaves their services stopped, now and later:
# tests start what they need themselves.
install_without_services() {
	local policy=/usr/sbin/policy-rc.d made="" name
	if [[ ! -e $policy ]]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
		made=$policy
	fi
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >&2 || say "$* could not be installed."
	[[ -z $made ]] || rm -f "$made"
	if [[ -d /run/systemd/system ]]; then
		for name in "$@"; do systemctl disable --quiet "$name" 2>/dev/null || true; done
	fi
}

# The race detector needs a C compiler. Programs and tests are built with "${race[@]}" and
# CGO_ENABLED=$cgo; both are without it where there is none, and need_compiler fails. No debugger
# looks at them: what it would need takes a tenth of compiling. Stack traces have lines all the same.
need_compiler() {
	race=(-race -gcflags=all=-dwarf=false) cgo=1
	command -v "$(go env CC)" >/dev/null && return
	if is_root_on_debian; then
		say "Installing a C compiler for the race detector …"
		apt-get update -qq >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends gcc libc6-dev >&2 && return
	fi
	race=() cgo=0
	return 1
}
