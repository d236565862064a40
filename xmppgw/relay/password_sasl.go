package relay

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"foyer/internal/stanza"
	"foyer/internal/stream"

	"github.com/xdg-go/stringprep"
	"mellium.im/sasl"
)

// How somebody's own password is proved to the upstream (PassPasswords): by SCRAM (RFC 5802,
// RFC 7677) wherever that is offered, so that the password goes nowhere and the upstream proves that it
// knows it; with channel binding over TLS 1.3 (RFC 9266). By PLAIN only where there is nothing else,
// as with a server that asks a directory. Tokens, which the upstream holds against no key of its
// own, fit into PLAIN alone (link.authenticate).

// passwordMechanisms are the preferred ones first.
var passwordMechanisms = []sasl.Mechanism{sasl.ScramSha256Plus, sasl.ScramSha1Plus, sasl.ScramSha256, sasl.ScramSha1, sasl.Plain}

// maxIterations bounds what a sign-in costs here: servers have between 4096 and some 100,000
// iterations (RFC 7677 §4).
const maxIterations = 1_000_000

const errNoPasswordMechanism = MechanismError("it offers neither SCRAM-SHA-256, SCRAM-SHA-1 nor PLAIN, with which people are signed in by their passwords")

var (
	errNoProof  = errors.New("it lets somebody in without proving that it knows their password (RFC 5802 §3): something may stand in between")
	errBadSCRAM = errors.New("it sends a challenge that is none of SCRAM (RFC 5802 §7)")
)

// passwordMechanism chooses among what is offered.
func (l *link) passwordMechanism(features *stream.Element) (m sasl.Mechanism, err error) {
	offered, binds := mechanisms(features), l.canBind(features)
	at := slices.IndexFunc(passwordMechanisms, func(m sasl.Mechanism) bool {
		return slices.Contains(offered, m.Name) && (binds || !strings.HasSuffix(m.Name, "-PLUS"))
	})
	if at < 0 {
		return m, errNoPasswordMechanism
	}
	return passwordMechanisms[at], nil
}

// canBind reports whether both sides have tls-exporter, as far as the upstream says
// (XEP-0440). Of TLS 1.2 there is no type that both always have.
func (l *link) canBind(features *stream.Element) bool {
	conn, ok := l.conn.(*tls.Conn)
	if !ok || conn.ConnectionState().Version < tls.VersionTLS13 {
		return false
	}
	types, said := features.Find(stanza.NSSASLCB, "sasl-channel-binding")
	for t := range types.Children() {
		if name, _ := t.Attr("type"); name == "tls-exporter" {
			return true
		}
	}
	return !said
}

// provePassword signs in with a password, and returns the features of the stream that follows.
func (l *link) provePassword(features *stream.Element, h clientHeader, user, password string) (*stream.Element, error) {
	m, err := l.passwordMechanism(features)
	if err != nil {
		return nil, err
	}
	if m.Name == sasl.Plain.Name {
		return l.authenticate(features, h, user, password)
	}
	options := []sasl.Option{
		sasl.Credentials(func() (name, secret, authzid []byte) { return []byte(user), []byte(prepared(password)), nil }),
		sasl.RemoteMechanisms(mechanisms(features)...),
	}
	if conn, ok := l.conn.(*tls.Conn); ok {
		options = append(options, sasl.TLSState(conn.ConnectionState()))
	}
	if err := l.exchange(sasl.NewClient(m, options...), m.Name); err != nil {
		return nil, err
	}
	return l.openSignedIn(h, user)
}

// prepared is a password as the upstream made its keys of it: however somebody's keyboard writes an é, it
// is the same (RFC 5802 §2.2, RFC 4013). What may not be in one, such as a control character, is left as it
// was typed, for the upstream to refuse.
func prepared(password string) string {
	if normal, err := stringprep.SASLprep.Prepare(password); err == nil {
		return normal
	}
	return password
}

// exchange sends and reads the messages of SCRAM (RFC 6120 §6.4) until the upstream has proved
// itself and says that it is satisfied.
func (l *link) exchange(x *sasl.Negotiator, mechanism string) error {
	more, message, err := x.Step(nil)
	raw := `<auth xmlns="` + stanza.NSSASL + `" mechanism="` + mechanism + `">` + base64.StdEncoding.EncodeToString(message) + `</auth>`
	for range maxRounds {
		if err != nil {
			return err
		}
		if err := l.writeNow(raw); err != nil {
			return err
		}
		el, err := l.nextNegotiated()
		if err != nil {
			return err
		}
		success, data, err := saslAnswer(el)
		if err != nil {
			return err
		}
		if more { // what it says is still to be checked
			if more, message, err = scramStep(x, data); err != nil {
				return err
			}
		}
		switch {
		case success && more:
			return errNoProof
		case success:
			return nil
		}
		raw = `<response xmlns="` + stanza.NSSASL + `">` + base64.StdEncoding.EncodeToString(message) + `</response>`
	}
	return errBadSCRAM
}

// saslAnswer reads what the upstream answers a message of SASL with. A *RefusedError: it refuses.
func saslAnswer(el *stream.Element) (success bool, data []byte, err error) {
	if el.Name.Space != stanza.NSSASL || !slices.Contains([]string{"challenge", "success", "failure"}, el.Name.Local) {
		return false, nil, fmt.Errorf("it answers the sign-in with <%s/>", el.Name.Local)
	}
	if el.Name.Local == "failure" {
		return false, nil, refusalOf(el)
	}
	if text := strings.TrimSpace(el.Text()); text != "=" {
		data, err = base64.StdEncoding.DecodeString(text)
	}
	return el.Name.Local == "success", data, err
}

// scramStep answers one message of the upstream's. mellium reads on for ever in some that are
// malformed, and takes any number of iterations.
func scramStep(x *sasl.Negotiator, message []byte) (more bool, reply []byte, err error) {
	for attr := range strings.SplitSeq(string(message), ",") {
		name, value, ok := strings.Cut(attr, "=")
		if !ok || len(name) != 1 || value == "" {
			return false, nil, errBadSCRAM
		}
		if name != "i" {
			continue
		}
		if n, err := strconv.Atoi(value); err != nil || n < 1 || n > maxIterations {
			return false, nil, errBadSCRAM
		}
	}
	more, reply, err = x.Step(message)
	if errors.Is(err, sasl.ErrAuthn) {
		err = errNoProof
	}
	return more, reply, err
}
