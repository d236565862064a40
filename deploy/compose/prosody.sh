#!/bin/sh
# Starts Prosody on the file that deploy/prosody has, with this site's domain and database
# in it. It listens within the site's own network, so that nothing needs TLS; files that
# people send come in by a port of the host.
set -eu
umask 077
password=$(cat /run/secrets/prosody_password)
sed -e "s|https://chat\.example\.org|${BASE_URL%/}|g" \
	-e "s/example\.org/$XMPP_DOMAIN/g" \
	-e 's/http_interfaces = { "127\.0\.0\.1" }/http_interfaces = { "*" }/' \
	-e 's/host = "127\.0\.0\.1"/host = "db"/' \
	-e "s/password = \"change me\"/password = \"$password\"/" \
	-e 's|^log = .*|log = "*console"|' \
	/usr/share/foyer/prosody.cfg.lua >/run/prosody/prosody.cfg.lua
exec prosody --config /run/prosody/prosody.cfg.lua -F
