#!/usr/bin/env bash
# backports.sh PACKAGE…: unpacks newer releases of Debian packages, from the backports of
# this Debian, into var/backports, beside what is installed: tests run them from there. What
# is unpacked already stays. Nothing is installed and no service started.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

root=$PWD/var/backports
missing=()
for name in "$@"; do
	[[ -e $root/.unpacked/$name ]] || missing+=("$name")
done
((${#missing[@]} > 0)) || exit 0
command -v apt-get >/dev/null || die "backports.sh: this is no Debian; ${missing[*]} cannot be had."

release=$(. /etc/os-release && echo "$VERSION_CODENAME")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$root/.unpacked"
# The same mirror as the system's own.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m1 '/debian/*$') ||
	die "backports.sh: the system names no mirror of Debian; run apt-get update first."
printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s-backports main\n' "$mirror" "$release" >"$work/sources.list"
apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/nonexistent
	-o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
say "Unpacking ${missing[*]} from $release-backports …"
"${apt[@]}" update >&2
(cd "$work" && "${apt[@]}" download "${missing[@]}" >&2)
for name in "${missing[@]}"; do
	dpkg -x "$work/$name"_*.deb "$root"
	touch "$root/.unpacked/$name"
done
