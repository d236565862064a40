#!/usr/bin/env bash
# test.sh all|unit|e2e|interop [arguments for Playwright]: installs what the
# tests need, runs them, and says at the end what was skipped and why.
# test.sh patches [names]: the proof that each patch of Converse has a test.
# test.sh install: installs the programs of Debian that all of them need, and no more.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

what=${1:?all, unit, e2e, interop or patches}
shift
arguments=("$@")
results=test-results
export GORACE=${GORACE:-atexit_sleep_ms=50} # a program with the race detector would sleep for a second before it ends

# A stage is a function. It leaves its report in test-results/STAGE.json, for
# summary.mjs to add up; build has none.

# What takes minutes is for make interop: crashes under load, a crowd while a server
# restarts, and a site with a million messages that moves.
slow='^(TestCrashes|TestCrowd|TestMoving_Large)$'

# Some packages wait for much of their time. make lint has looked at them with go vet.
unit() {
	BUNDLES_ARE_MADE=yes CGO_ENABLED=$cgo go test -vet=off -p 3 -timeout 30m -skip "$slow" "${race[@]+"${race[@]}"}" -json ./... | node scripts/gotest.mjs "$results/unit.json"
}

# Every fuzz target for a moment, as the tests above have built it: make fuzz is for longer, and looks at what is covered.
fuzz() { CGO_ENABLED=$cgo scripts/fuzz.sh --moment "$results/fuzz.json" "${race[@]+"${race[@]}"}"; }

# The browser and the other clients meet the program itself, with the race
# detector in it.
build() {
	CGO_ENABLED=$cgo go build "${race[@]+"${race[@]}"}" -o bin/foyer-e2e .
	CGO_ENABLED=0 go build -o bin/e2e-cluster ./e2e/cluster
	[[ $(go env GOOS) != linux ]] || CGO_ENABLED=0 go build -o bin/e2e-samba ./e2e/samba
}

e2e() {
	local chromium whole firefox
	chromium=$(scripts/browser.sh)
	whole=$(scripts/browser.sh whole)
	firefox=$(scripts/firefox.sh)
	CHROMIUM=$chromium CHROMIUM_WHOLE=$whole FIREFOX=$firefox npx playwright test -c e2e "${arguments[@]+"${arguments[@]}"}"
}

# Each patch of Converse is left out in turn, and the test that docs/CONVERSE.md names has to fail.
patches() {
	local chromium whole
	chromium=$(scripts/browser.sh)
	whole=$(scripts/browser.sh whole)
	CHROMIUM=$chromium CHROMIUM_WHOLE=$whole node scripts/patches.mjs "${arguments[@]+"${arguments[@]}"}"
}

# What other people wrote: a server as the referee, clients, proxies, and Prometheus.
need_others() {
	local name missing=()
	for name in prosody profanity tmux nginx caddy openssl prometheus; do
		command -v "$name" >/dev/null || missing+=("$name")
	done
	compgen -G '/usr/lib/*/ejabberd-*' >/dev/null || missing+=(ejabberd)
	[[ -e /usr/lib/prosody/modules/mod_auth_dovecot ]] || missing+=(prosody-modules)
	for name in lua-dbi-postgresql lua-ldap erlang-p1-pgsql; do
		dpkg -s "$name" >/dev/null 2>&1 || missing+=("$name")
	done
	command -v systemd-analyze >/dev/null || missing+=(systemd)
	command -v apache2 >/dev/null || missing+=(apache2-bin)
	[[ -e /usr/lib/apache2/modules/mod_auth_openidc.so ]] || missing+=(libapache2-mod-auth-openidc)
	[[ -x /usr/sbin/slapd ]] || missing+=(slapd)
	command -v ldapmodify >/dev/null || missing+=(ldap-utils)
	# A domain controller of Active Directory; none of it is recommended by the others.
	command -v samba-tool >/dev/null || missing+=(samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind)
	/usr/bin/python3 -c "import slixmpp, aiohttp" 2>/dev/null || missing+=(python3-slixmpp python3-slixmpp-lib python3-aiohttp)
	is_root_on_debian || return 0
	if ((${#missing[@]} > 0)); then
		say "Installing ${missing[*]} …"
		install_without_services "${missing[@]}"
	fi
	scripts/backports.sh prosody prosody-modules || say "Prosody 13 cannot be had; its tests are skipped (make interop fails for it)."
	# The Erlang itself is the same in both.
	scripts/backports.sh ejabberd erlang-jose erlang-p1-{acme,cache-tab,eimp,mqtree,pgsql,pkix,stringprep,stun,tls,utils,xml,xmpp,yaml,yconf,zlib} ||
		say "ejabberd 24.12 cannot be had; its tests are skipped (make interop fails for it)."
}

# Servers of other people, which let the site decide who signs in, in both of their releases.
extauth() { go test -json ./e2e/extauth -args -full | node scripts/gotest.mjs "$results/extauth.json"; }

# Two instances and two nodes; who is killed under load is for make interop, too.
instances() { go test -json ./e2e/instances -args -full | node scripts/gotest.mjs "$results/instances.json"; }

# What people need of the gateway before each release, and hundreds of sessions over each transport while it restarts.
relay() { go test -json ./e2e/relay -args -full | node scripts/gotest.mjs "$results/relay.json"; }

# A site with a million messages moves to each server; it is too large for memory.
moving() { TMPDIR=${TMPDIR:-/tmp} go test -json -timeout 40m -run Large ./e2e/moving | node scripts/gotest.mjs "$results/moving.json"; }

# The dashboard's queries, by Prometheus itself.
dashboard() { go test -json -run '^TestDashboard_' ./app | node scripts/gotest.mjs "$results/dashboard.json"; }

# Transcripts, against this server and Prosody.
referee() { go test -json ./e2e/referee | node scripts/gotest.mjs "$results/referee.json"; }

clients() { npx playwright test -c e2e/interop --pass-with-no-tests "${arguments[@]+"${arguments[@]}"}"; }

# The proxies of deploy/. What takes a minute is for make interop.
proxies() {
	local chromium status=0 slow=()
	chromium=$(scripts/browser.sh)
	[[ $what == interop ]] || slow=(--grep-invert @interop)
	CHROMIUM=$chromium npx playwright test -c e2e/proxies --pass-with-no-tests "${slow[@]+"${slow[@]}"}" "${arguments[@]+"${arguments[@]}"}" || status=$?
	node scripts/matrix.mjs "$results/proxies.json" "in front of the site"
	return "$status"
}

# Other XMPP servers behind the site, in a browser. One way into the chat for each release is
# enough for make test; with Debian's own releases what is marked @once, with one of them what is
# marked @any.
servers() {
	local chromium status=0 all=()
	chromium=$(scripts/browser.sh)
	[[ $what == interop ]] || all=(--grep-invert '@interop|^(prosody 13|ejabberd) .*@any|^(prosody 13|ejabberd 24.12) .*@once')
	CHROMIUM=$chromium npx playwright test -c e2e/servers --pass-with-no-tests "${all[@]+"${all[@]}"}" "${arguments[@]+"${arguments[@]}"}" || status=$?
	node scripts/matrix.mjs "$results/servers.json" "behind the site"
	return "$status"
}

# stages NAME…: runs them one after the other, whatever the others did.
stages() {
	local stage start status
	for stage in "$@"; do
		say "── $stage"
		start=$SECONDS
		set +e
		(set -e && "$stage")
		status=$?
		set -e
		say "── $stage took $((SECONDS - start)) s"
		echo "$stage $((SECONDS - start)) $status" >>"$results/stages.txt"
	done
}

need_go
if [[ $what == install ]]; then
	need_others
	scripts/browser.sh >/dev/null
	scripts/browser.sh whole >/dev/null
	scripts/firefox.sh >/dev/null
	exit
fi
scripts/npm.sh test
node scripts/assets.mjs
rm -rf "$results"
mkdir -p "$results"
need_compiler || echo "the race detector: it needs a C compiler; install gcc or clang" >>"$results/skipped.txt"
case $what in
unit) stages unit fuzz ;;
e2e) stages build e2e ;;
patches) build && patches && exit ;;
interop) need_others && stages build referee extauth dashboard instances relay moving clients proxies servers ;;
all) need_others && stages unit fuzz build e2e clients proxies servers ;; # the referee, extauth, the dashboard and the instances are among the Go tests
*) die "test.sh: $what is none of all, unit, e2e, interop, patches, install" ;;
esac
# The table of make interop is of everything, or it is none.
[[ $what == interop && ${#arguments[@]} == 0 ]] && whole=(--whole)
node scripts/summary.mjs "$results" "${whole[@]+"${whole[@]}"}"
