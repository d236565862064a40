# Prosody 0.12 as Debian 12 has it, with deploy/prosody/prosody.cfg.lua. It runs as the
# user of the site's image (65532), whom the site's sockets are for.
FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends prosody prosody-modules lua-dbi-postgresql \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 65532 -g 65532 /var/lib/prosody /run/prosody /run/foyer
COPY prosody/prosody.cfg.lua /usr/share/foyer/prosody.cfg.lua
COPY --chmod=755 compose/prosody.sh /usr/local/bin/start
USER 65532:65532
CMD ["/usr/local/bin/start"]
