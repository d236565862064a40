package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"foyer/app/auth"
	"foyer/app/remote"
	"foyer/internal/stream"
	"foyer/xmppgw/relay"
)

// ErrNoUpstreamPush: the external chat server lets the site in, and does not tell it of
// messages.
var ErrNoUpstreamPush = errors.New("it does not tell the site of messages, so that nobody is notified whose pages are closed; turn on cloud_notify in Prosody, mod_push in ejabberd (XEP-0357)")

// UpstreamClock is what the external chat server says of the time, and what this machine's
// clock said at that moment: the server judges the site's tokens by its own.
type UpstreamClock struct {
	Theirs, Ours time.Time
	Err          error // it does not tell; the times are nothing then
}

// CheckUpstream signs in to the external chat server, as the site itself does, and asks for its
// clock; one that takes nothing but people's own passwords is only looked at. clock is nil where
// there was nobody to ask as. The error says what to mend.
func CheckUpstream(ctx context.Context, cfg Config, service *auth.Service) (clock *UpstreamClock, err error) {
	r, err := newUpstreamCheck(cfg, service)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Shutdown(context.WithoutCancel(ctx)) }() // it has no streams to wait for
	if err := r.Check(ctx); err != nil || cfg.Login == LoginTyped {
		return nil, err
	}
	_, secret, err := service.Upstream(ctx, stream.Identity{User: auth.ServiceUser})
	if err != nil {
		return nil, err
	}
	session, err := r.SignIn(ctx, auth.ServiceUser, "", secret)
	var refused *relay.RefusedError
	if errors.As(err, &refused) {
		return nil, fmt.Errorf("a token of the site does not sign in there; docs/SERVERS.md has the server's settings, and its clock has to agree with this machine's, since a token is good for a minute: %w", err)
	}
	if err != nil {
		return nil, err
	}
	err = remote.Use(remote.NewConn(session, nil), func(s *remote.Session) error {
		clock = askClock(ctx, s, cfg.Domain)
		offered, err := s.OffersPush(ctx)
		if err == nil && !offered {
			err = ErrNoUpstreamPush
		}
		return err
	})
	return clock, err
}

// newUpstreamCheck is a link to the external chat server for one look at it.
func newUpstreamCheck(cfg Config, service *auth.Service) (*relay.Relay, error) {
	upstream, err := relay.ParseUpstream(cfg.Upstream)
	if err != nil {
		return nil, err
	}
	roots, err := cfg.upstreamRoots()
	if err != nil {
		return nil, err
	}
	authority := upstreamAuthority{service, func(string) {}}
	return relay.New(relay.Config{Domain: cfg.Domain, Upstream: upstream, Roots: roots, Authority: authority, Logger: slog.New(slog.DiscardHandler), PassPasswords: cfg.Login == LoginTyped})
}

// How long a server may take that need not answer.
const clockTimeout = 10 * time.Second

// askClock asks the server of a domain for its time. That it does not tell is no error of the
// check: RFC 6120 asks nobody for XEP-0202.
func askClock(ctx context.Context, s *remote.Session, domain string) *UpstreamClock {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	var c UpstreamClock
	c.Theirs, c.Ours, c.Err = s.Time(ctx, domain)
	return &c
}

// HowToMendUpstream says what to change about an error of CheckUpstream: the setting here, and
// for each server that is known the file and what stands in it.
func HowToMendUpstream(err error, domain string) string {
	var refused *relay.RefusedError
	var broken *relay.StreamError
	var mechanisms relay.MechanismError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(err, ErrNoUpstreamPush):
		return `Prosody: "cloud_notify" in modules_enabled of prosody.cfg.lua. ejabberd: mod_push under modules of ejabberd.yml. ` +
			`With these two it was not tried: MongooseIM, [modules.mod_event_pusher.push] in mongooseim.toml; Openfire, its plugin Push Notification. Restart it.`
	case errors.As(err, &refused):
		return `Here: XMPP_AUTH_ACCEPT names token, if it is set; the clocks of both machines. ` +
			`Prosody, in prosody.cfg.lua: authentication = "dovecot" with dovecot_auth_socket, the socket of XMPP_AUTH_DOVECOT, which XMPP_AUTH_GROUP lets it use; or authentication = "foyer_token" with its key. ` +
			`ejabberd, in ejabberd.yml: auth_method: [jwt, external], jwt_jid_field: jid, and jwt_key, a file with what "foyer token key print" prints now. ` +
			`MongooseIM, in mongooseim.toml: methods and password.format = "plain" of [auth], basic_auth of [auth.http], which is foyer: and XMPP_AUTH_SECRET, and host of [outgoing_pools.http.auth.connection], which is XMPP_AUTH_HTTP; or secret.file, algorithm and username_key of [auth.jwt]. ` +
			`Openfire, its system properties: provider.auth.className, a class that asks XMPP_AUTH_HTTP, and provider.user.className, which has to know _foyer. Restart it.`
	case errors.As(err, &untrusted):
		return `Here: XMPP_UPSTREAM_CA, the file of the authority that signed it, unless the system knows that one. There a certificate that carries ` + domain + `, with its chain. ` +
			`Prosody: certificates in prosody.cfg.lua, the directory that "prosodyctl cert import" fills. ejabberd: certfiles in ejabberd.yml. ` +
			`MongooseIM: tls.certfile of [[listen.c2s]] in mongooseim.toml. Openfire: the identity store of its administration, TLS/SSL Certificates. Restart it.`
	case errors.As(err, &broken) && broken.Condition == "host-unknown":
		return `Here: XMPP_DOMAIN (it is ` + domain + `), the domain as that server has it. Prosody: VirtualHost in prosody.cfg.lua. ejabberd: hosts in ejabberd.yml. ` +
			`MongooseIM: hosts of [general] in mongooseim.toml. Openfire: its system property xmpp.domain. Restart it.`
	case errors.As(err, &mechanisms):
		return `There PLAIN is let in, or with XMPP_LOGIN=typed SCRAM. Prosody: allow_unencrypted_plain_auth = true where the link stays on this machine without TLS, and authentication, in prosody.cfg.lua. ` +
			`ejabberd: auth_method and disable_sasl_mechanisms (without plain) in ejabberd.yml. MongooseIM: sasl_mechanisms = ["plain"] of [auth] in mongooseim.toml. Openfire: its system property sasl.mechs, with PLAIN. Restart it.`
	}
	return `Here: XMPP_UPSTREAM, the host and port where that server takes clients, and what lies between. ` +
		`Prosody: interfaces and c2s_ports in prosody.cfg.lua. ejabberd: ip and port of ejabberd_c2s under listen, in ejabberd.yml. MongooseIM: ip_address and port of [[listen.c2s]] in mongooseim.toml. ` +
		`Openfire: its system properties xmpp.socket.plain.port (xmpp://) and xmpp.socket.ssl.port (xmpps://). Its log says why it does not start.`
}
