#!/bin/sh
# Starts ejabberd on the file that deploy/ejabberd has, with this site's domain and
# database in it. It listens within the site's own network, so that nothing needs TLS; files
# that people send come in by a port of the host.
set -eu
umask 077
password=$(cat /run/secrets/ejabberd_password)
sed -e "s|https://chat\.example\.org|${BASE_URL%/}|g" \
	-e "s/example\.org/$XMPP_DOMAIN/g" \
	-e '/port: 5280/,/module:/s/"127\.0\.0\.1"/"0.0.0.0"/' \
	-e 's/^certfiles: .*//' \
	-e 's|/etc/ejabberd/foyer\.jwk|/run/secrets/ejabberd_key|' \
	-e 's/sql_server: "127\.0\.0\.1"/sql_server: "db"/' \
	-e "s/sql_password: \"change me\"/sql_password: \"$password\"/" \
	/usr/share/foyer/ejabberd.yml >/etc/ejabberd/ejabberd.yml
exec ejabberdctl foreground
