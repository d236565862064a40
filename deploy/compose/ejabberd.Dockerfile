# ejabberd 23.01 as Debian 12 has it, with deploy/ejabberd/ejabberd.yml, and the site's
# program, which it starts to ask the site (foyer extauth). It runs as the user of the
# site's image (65532), whom the site's sockets are for.
ARG FOYER=foyer
FROM ${FOYER} AS foyer
FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ejabberd erlang-p1-pgsql \
 && rm -rf /var/lib/apt/lists/* \
 && groupmod -g 65532 ejabberd && usermod -u 65532 ejabberd \
 && install -d -o ejabberd -g ejabberd /run/foyer \
 && chown -R ejabberd:ejabberd /etc/ejabberd /var/lib/ejabberd /var/log/ejabberd
COPY --from=foyer /foyer /usr/local/bin/foyer
COPY ejabberd/ejabberd.yml /usr/share/foyer/ejabberd.yml
COPY --chmod=755 compose/ejabberd.sh /usr/local/bin/start
USER ejabberd
CMD ["/usr/local/bin/start"]
