package relay

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"mellium.im/sasl"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
)

// SignIn opens a session of the site's own at the upstream, for a service account: over
// the same addresses and with the same demands as the streams of people. It signs in by
// SCRAM where the upstream has it, else by PLAIN; the upstream chooses the resource. ctx
// bounds the sign-in only. The caller serves the session, and closes it and its Conn.
// Errors: *RefusedError; any other means that there was no stream to sign in on.
func (r *Relay) SignIn(ctx context.Context, user, secret string) (session *xmpp.Session, err error) {
	address, err := jid.New(user, r.cfg.Domain, "")
	if err != nil {
		return nil, fmt.Errorf("service account %q: %w", user, err)
	}
	if err := r.takeTurn(ctx); err != nil {
		return nil, err
	}
	defer r.leaveTurn()
	err = r.each(ctx, func(ctx context.Context, t target) error {
		session, err = r.signInAt(ctx, t, address, secret)
		return err
	})
	r.tell(ctx, err)
	return session, err
}

func (r *Relay) signInAt(ctx context.Context, t target, address jid.JID, secret string) (*xmpp.Session, error) {
	l, err := r.openFresh(ctx, t)
	if err != nil {
		return nil, err
	}
	relax := l.hurry(ctx)
	defer relax()
	// mellium has SASL only on what it takes for secure, which this is: TLS, or within
	// the machine.
	session, err := xmpp.NewSession(ctx, address.Domain(), address, l.conn, xmpp.Secure,
		xmpp.NewNegotiator(func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
			return xmpp.StreamConfig{Features: []xmpp.StreamFeature{
				xmpp.SASL("", secret, sasl.ScramSha256, sasl.ScramSha1, sasl.Plain),
				xmpp.BindResource(),
			}}
		}))
	if err != nil {
		l.raw.Close()
		return nil, fmt.Errorf("as %s: %w", address.Bare(), asRefused(err))
	}
	return session, nil
}

// asRefused makes a *RefusedError of mellium's, whose type is its own: it has the element.
func asRefused(err error) error {
	var failure interface {
		error
		xml.Marshaler
	}
	if !errors.As(err, &failure) {
		return err
	}
	raw, marshalErr := xml.Marshal(failure)
	if marshalErr != nil {
		return err
	}
	el, parseErr := stream.Parse(raw, stream.DefaultLimits)
	if parseErr != nil || el.Name != (stream.Name{Space: stanza.NSSASL, Local: "failure"}) {
		return err
	}
	return refusalOf(el)
}

// openFresh returns a secured connection on which no stream is open yet.
func (r *Relay) openFresh(ctx context.Context, t target) (*link, error) {
	l, err := r.dial(ctx, t)
	if err != nil {
		return nil, err
	}
	relax := l.hurry(ctx)
	features, err := l.secure(ctx, "")
	relax()
	if err != nil {
		l.abort()
		return nil, err
	}
	if features == nil {
		return l, nil
	}
	// Without TLS a stream had to be opened to see that none is wanted.
	l.close()
	l.finish()
	return r.dial(ctx, t)
}
