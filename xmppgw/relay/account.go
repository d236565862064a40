package relay

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	mellium "mellium.im/xmpp/stanza"
)

// SignIn opens a session of the site's own at the upstream, for a service account or for
// somebody who asks for something on a page: over the same addresses, with the same demands
// and by the same mechanism as the streams of people, since the secret is a token, which fits
// into no other. resource is what it asks for, of which the upstream may make another (RFC
// 6120 §7.7.2); empty: the upstream chooses. ctx bounds the sign-in only. The caller serves
// the session, and closes it and its Conn. Errors: *RefusedError; any other means that there
// was no stream to sign in on.
func (r *Relay) SignIn(ctx context.Context, user, resource, secret string) (session *xmpp.Session, err error) {
	address, err := jid.New(user, r.cfg.Domain, "")
	if err != nil {
		return nil, fmt.Errorf("service account %q: %w", user, err)
	}
	if err := r.acquireTurn(ctx); err != nil {
		return nil, err
	}
	defer r.releaseTurn()
	err = r.eachTarget(ctx, func(ctx context.Context, t target) error {
		session, err = r.signInAt(ctx, t, address, resource, secret)
		return err
	})
	r.logOutcome(ctx, err)
	return session, err
}

func (r *Relay) signInAt(ctx context.Context, t target, address jid.JID, resource, secret string) (*xmpp.Session, error) {
	l, err := r.openFresh(ctx, t)
	if err != nil {
		return nil, err
	}
	clearDeadline := l.setDeadline(ctx)
	defer clearDeadline()
	// mellium has SASL only on what it takes for secure, which this is: TLS, or within
	// the machine.
	session, err := xmpp.NewSession(ctx, address.Domain(), address, l.conn, xmpp.Secure,
		xmpp.NewNegotiator(func(*xmpp.Session, *xmpp.StreamConfig) xmpp.StreamConfig {
			return xmpp.StreamConfig{Features: append(bindAndOpen(resource), xmpp.SASL("", secret, sasl.Plain))}
		}))
	if err != nil {
		l.raw.Close()
		return nil, fmt.Errorf("as %s: %w", address.Bare(), asRefused(err))
	}
	return session, nil
}

// bindAndOpen are the features of a stream that is signed in: the binding, and behind it the
// session of RFC 3921 §3 where the upstream does not say that it is optional
// (draft-cridland-xmpp-session-01 §2). Without it MongooseIM drops what is sent.
func bindAndOpen(resource string) []xmpp.StreamFeature {
	wanted := false
	session := xmpp.StreamFeature{
		Name: xml.Name{Space: stanza.NSSession, Local: "session"}, Necessary: xmpp.Authn, Prohibited: xmpp.Ready,
		Parse: func(_ context.Context, d *xml.Decoder, start *xml.StartElement) (required bool, _ any, err error) {
			var offer struct {
				Optional *struct{} `xml:"optional"`
			}
			err = d.DecodeElement(&offer, start)
			wanted = offer.Optional == nil
			return false, nil, err
		},
	}
	bind := bindResource(resource)
	bound := bind.Negotiate
	bind.Negotiate = func(ctx context.Context, s *xmpp.Session, data any) (xmpp.SessionState, io.ReadWriter, error) {
		mask, rw, err := bound(ctx, s, data)
		if err == nil && wanted {
			err = openSession(s)
		}
		return mask, rw, err
	}
	return []xmpp.StreamFeature{session, bind}
}

// bindResource binds a resource (RFC 6120 §7.7.1). mellium's own feature asks for none,
// whatever the address has.
func bindResource(resource string) xmpp.StreamFeature {
	feature := xmpp.BindResource()
	if resource == "" {
		return feature
	}
	feature.Negotiate = func(_ context.Context, s *xmpp.Session, _ any) (xmpp.SessionState, io.ReadWriter, error) {
		name := xmlstream.Wrap(xmlstream.Token(xml.CharData(resource)), xml.StartElement{Name: xml.Name{Local: "resource"}})
		bound, err := request(s, "bind", xmlstream.Wrap(name, xml.StartElement{Name: xml.Name{Space: stanza.NSBind, Local: "bind"}}))
		if err != nil {
			return 0, nil, fmt.Errorf("it does not bind the resource %q: %w", resource, err)
		}
		s.UpdateAddr(bound.Bind.JID)
		return xmpp.Ready, nil, nil
	}
	return feature
}

// openSession asks for a session.
func openSession(s *xmpp.Session) error {
	session := xml.StartElement{Name: xml.Name{Space: stanza.NSSession, Local: "session"}}
	if _, err := request(s, "session", xmlstream.Wrap(nil, session)); err != nil {
		return fmt.Errorf("it opens no session: %w", err)
	}
	return nil
}

// answered is what a request was answered with.
type answered struct {
	mellium.IQ
	Error mellium.Error `xml:"error"`
	Bind  struct {
		JID jid.JID `xml:"jid"`
	} `xml:"urn:ietf:params:xml:ns:xmpp-bind bind"`
}

// request sends an IQ, and waits for the answer, which comes next: nobody can have written
// to the stream yet.
func request(s *xmpp.Session, id string, payload xml.TokenReader) (answer answered, err error) {
	w := s.TokenWriter()
	defer w.Close()
	iq := mellium.IQ{XMLName: xml.Name{Space: stream.NSClient, Local: "iq"}, Type: mellium.SetIQ, ID: id}
	if _, err := xmlstream.Copy(w, iq.Wrap(payload)); err != nil {
		return answer, err
	}
	if err := w.Flush(); err != nil {
		return answer, err
	}
	r := s.TokenReader()
	defer r.Close()
	if err := xml.NewTokenDecoder(r).Decode(&answer); err != nil {
		return answer, err
	}
	if answer.Type != mellium.ResultIQ {
		return answer, answer.Error
	}
	return answer, nil
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
	clearDeadline := l.setDeadline(ctx)
	features, err := l.secure(ctx, "")
	clearDeadline()
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
