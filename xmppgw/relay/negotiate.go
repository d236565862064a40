package relay

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

const seeOtherHost = "see-other-host"

// StreamError is a stream error that the upstream sent (RFC 6120 §4.9).
type StreamError struct {
	Condition string
	Text      string
	Host      string // of see-other-host
	element   *stream.Element
}

// Error implements error.
func (e *StreamError) Error() string {
	s := "the XMPP server says " + e.Condition
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Condition == string(stream.HostUnknown) {
		s += ": XMPP_DOMAIN has to be a domain that it serves"
	}
	return s
}

// RefusedError is the upstream's refusal of a sign-in (RFC 6120 §6.5).
type RefusedError struct {
	Failure sasl.Failure
	Text    string
}

// Error implements error.
func (e *RefusedError) Error() string {
	s := "the XMPP server refuses the sign-in: " + string(e.Failure)
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// secure negotiates TLS (RFC 6120 §5, XEP-0368). It returns the features of the stream
// when that goes on without TLS, within the machine; otherwise nil: a stream is still to
// be opened.
func (l *link) secure(ctx context.Context, lang string) (*stream.Element, error) {
	if l.target.direct {
		return nil, l.startTLS(ctx)
	}
	features, err := l.openStream(clientHeader{lang: lang})
	if err != nil {
		return nil, err
	}
	starttls, offered := features.Find(stanza.NSTLS, "starttls")
	if l.target.local && !l.wantsTLS(features, starttls) {
		return features, nil // B-55: the link does not leave the machine
	}
	if !offered {
		// Somebody in between who takes the offer away gets no further (RFC 6120 §13.8).
		return nil, errors.New("it offers no STARTTLS: give it a certificate and turn TLS on for clients, or write xmpps:// with its port for TLS from the first byte")
	}
	if err := l.requestTLS(); err != nil {
		return nil, err
	}
	return nil, l.startTLS(ctx)
}

// wantsTLS reports whether a server on this machine insists on TLS.
func (l *link) wantsTLS(features *stream.Element, starttls stream.Child) bool {
	if starttls.Name.Local == "" {
		return false
	}
	_, required := starttls.Find(stanza.NSTLS, "required")
	return required || len(mechanisms(features)) == 0
}

// requestTLS asks for TLS (RFC 6120 §5.4.2). Whatever was sent in the clear behind the
// answer would be taken for something secure.
func (l *link) requestTLS() error {
	if err := l.writeNow(`<starttls xmlns="` + stanza.NSTLS + `"/>`); err != nil {
		return err
	}
	el, err := l.nextNegotiated()
	switch {
	case err != nil:
		return err
	case el.Name != stream.Name{Space: stanza.NSTLS, Local: "proceed"}:
		return errors.New("it offers STARTTLS and refuses it: look at its certificate and key, and its log")
	case l.reader.Buffered() > 0:
		return errors.New("something was sent between STARTTLS and TLS: somebody may stand in between")
	}
	return nil
}

// clientHeader is what the upstream is told of the header of the client's own stream.
type clientHeader struct {
	lang string // xml:lang; empty: none
	from string // the account that the client says it is, as a bare address, which proves nothing; empty: none
}

func headerOf(p *stream.Peer) clientHeader { return clientHeader{p.Lang, p.From} }

// openSignedIn opens the stream that follows the sign-in of user (RFC 6120 §6.4.6). The
// client's from goes on (XEP-0206 §3, B-20) where it is no more than what was proved, since
// any other is invalid (§4.9.3.9); and only over TLS (§4.7.1).
func (l *link) openSignedIn(h clientHeader, user string) (*stream.Element, error) {
	domain := l.relay.cfg.Domain
	own := stanza.Address{User: userOf(user, domain), Domain: domain}
	if _, encrypted := l.conn.(*tls.Conn); !encrypted || own.User == "" || h.from != own.Bare() {
		h.from = ""
	}
	return l.openStream(h)
}

// openStream sends our header, and returns the features that follow the server's
// (RFC 6120 §4.7, §4.3.2). The version is that of this program, whatever a client named.
func (l *link) openStream(client clientHeader) (*stream.Element, error) {
	h := `<?xml version="1.0"?><stream:stream xmlns="` + stream.NSClient + `" xmlns:stream="` + stream.NSStream +
		`" to="` + stream.Escape(l.relay.cfg.Domain) + `" version="1.0"`
	if client.from != "" {
		h += ` from="` + stream.Escape(client.from) + `"`
	}
	if client.lang != "" {
		h += ` xml:lang="` + stream.Escape(client.lang) + `"`
	}
	if err := l.writeNow(h + `>`); err != nil {
		return nil, err
	}
	header, err := l.reader.Header()
	if err != nil {
		return nil, notXMPP(err)
	}
	if header.Name != (stream.Name{Space: stream.NSStream, Local: "stream"}) || header.Default != stream.NSClient {
		return nil, errors.New("this is no XMPP server for clients; ports for clients are usually 5222 (STARTTLS) and 5223 (TLS)")
	}
	el, err := l.nextNegotiated()
	if err != nil {
		return nil, err
	}
	if el.Name != (stream.Name{Space: stream.NSStream, Local: "features"}) {
		return nil, fmt.Errorf("it sends <%s/> where its features belong (RFC 6120 §4.3.2)", el.Name.Local)
	}
	return el, nil
}

// notXMPP says what it may mean that no stream header came.
func notXMPP(err error) error {
	var broken *stream.Error
	if errors.As(err, &broken) {
		return fmt.Errorf("it does not answer as an XMPP server (%w): look at host and port; xmpps:// is for ports with TLS from the first byte", err)
	}
	return err
}

// nextNegotiated returns the next element; a stream error is an error.
func (l *link) nextNegotiated() (*stream.Element, error) {
	el, err := l.next()
	if err != nil {
		return nil, err
	}
	if isStreamError(el) {
		return nil, streamErrorOf(el)
	}
	return el, nil
}

func isStreamError(el *stream.Element) bool {
	return el.Name == stream.Name{Space: stream.NSStream, Local: "error"}
}

// streamErrorOf reads a stream error.
func streamErrorOf(el *stream.Element) *StreamError {
	e := &StreamError{element: el, Condition: string(stream.UndefinedCondition)}
	for child := range el.Children() {
		switch {
		case child.Name.Space != stream.NSStreams:
		case child.Name.Local == "text":
			e.Text = child.Text()
		default:
			e.Condition = child.Name.Local
			if e.Condition == seeOtherHost {
				e.Host = strings.TrimSpace(child.Text())
			}
		}
	}
	return e
}

// mechanisms returns the SASL mechanisms that features offer.
func mechanisms(features *stream.Element) []string {
	list, ok := features.Find(stanza.NSSASL, "mechanisms")
	if !ok {
		return nil
	}
	var names []string
	for m := range list.Children() {
		if m.Name.Local == "mechanism" {
			names = append(names, m.Text())
		}
	}
	return names
}

// MechanismError: the upstream offers nothing that people can be signed in with.
type MechanismError string

// Error implements error.
func (e MechanismError) Error() string { return string(e) }

// errNoPlain says what to change where tokens cannot be used.
const errNoPlain = MechanismError("it does not offer SASL PLAIN, which carries the tokens that people are signed in with: allow PLAIN on this connection")

// authenticate signs in by SASL PLAIN (RFC 4616), and returns the features of the stream
// that follows. No authzid is ever sent: some servers would let anybody act as anybody
// (ejabberd before 26.07).
func (l *link) authenticate(features *stream.Element, h clientHeader, user, secret string) (*stream.Element, error) {
	if !slices.Contains(mechanisms(features), "PLAIN") {
		return nil, errNoPlain
	}
	message := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + secret))
	if err := l.writeNow(`<auth xmlns="` + stanza.NSSASL + `" mechanism="PLAIN">` + message + `</auth>`); err != nil {
		return nil, err
	}
	el, err := l.nextNegotiated()
	switch {
	case err != nil:
		return nil, err
	case el.Name.Space == stanza.NSSASL && el.Name.Local == "failure":
		return nil, refusalOf(el)
	case el.Name != stream.Name{Space: stanza.NSSASL, Local: "success"}:
		return nil, fmt.Errorf("it answers the sign-in with <%s/>", el.Name.Local)
	}
	return l.openSignedIn(h, user)
}

func refusalOf(el *stream.Element) *RefusedError {
	e := &RefusedError{Failure: sasl.NotAuthorized}
	for child := range el.Children() {
		if child.Name.Local == "text" {
			e.Text = child.Text()
		} else {
			e.Failure = sasl.Failure(child.Name.Local)
		}
	}
	return e
}
