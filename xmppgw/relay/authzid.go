package relay

import (
	"encoding/base64"
	"slices"
	"strings"

	"foyer/internal/sasl"
	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// What of the client's SASL may pass (pass_sasl.go).

// passedMechanisms are those of the upstream's mechanisms that the client is offered: those whose messages are
// read here, or have no place for an authzid. In any other one, that of somebody else could pass unseen.
func passedMechanisms(features *stream.Element) []string {
	return slices.DeleteFunc(mechanisms(features), func(name string) bool { return ownBy(name) == nil })
}

// ownBy is how a client's messages of a mechanism are read; nil: not at all. A mechanism's own specification says
// whether, and where, it carries an authzid (RFC 4422 §5), so that nothing can be said of one that is not known here.
// TLS ends here, so that a channel binding to the upstream could not be the client's (RFC 5802 §6: -PLUS); EXTERNAL
// would speak for this program's own connection; and DIGEST-MD5 (RFC 6331), GSSAPI and others are not read.
func ownBy(mechanism string) func(message, domain string) (passed, user string, err error) {
	switch {
	case strings.HasSuffix(mechanism, "-PLUS"):
		return nil
	case strings.HasPrefix(mechanism, "SCRAM-"):
		return ownGS2
	}
	switch mechanism {
	case "PLAIN", "X-OAUTH2":
		return ownPlain
	case "OAUTHBEARER", "OAUTH10A":
		return ownBearer
	case "ANONYMOUS", // RFC 4505 §2: a trace
		"CRAM-MD5", // RFC 2195 §2: the name and a digest
		"LOGIN",    // the name, then the password
		"X-OAUTH":  // MongooseIM's: a token that says whose it is
		return func(message, _ string) (passed, user string, err error) { return message, "", nil }
	}
	return nil
}

// strangerFeatures are the upstream's features before the sign-in, as the client may see
// them.
func strangerFeatures(features *stream.Element, offered []string, p *stream.Peer) []byte {
	dst := []byte(`<stream:features xmlns:stream="` + stream.NSStream + `"><mechanisms xmlns="` + stanza.NSSASL + `">`)
	dst = append(sasl.AppendMechanisms(dst, offered), "</mechanisms>"...)
	most := p.MaxBytes
	for child := range features.Children() {
		switch {
		case child.Name == stream.Name{Space: stanza.NSStreamLimits, Local: "limits"}:
			most = smaller(most, limitOf(child))
		case child.Name.Space != stanza.NSSM && passes(child.Name, p.Transport):
			dst = append(dst, child.Raw()...)
		}
	}
	return append(dst, stanza.StreamLimits(most, p.Idle)+`</stream:features>`...)
}

// ownMessage returns what goes to the upstream in place of a client's message, in base64,
// and the name in it, where there is one. An authzid that is not the client's own is
// refused (RFC 6120 §6.3.8): ejabberd before 26.07 would let anybody act as anybody.
func ownMessage(mechanism, text, domain string) (passed, user string, err error) {
	if text = strings.TrimSpace(text); text == "" || text == "=" {
		return text, "", nil // none, or an empty one (RFC 6120 §6.4.2)
	}
	message, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", "", sasl.IncorrectEncoding
	}
	own := ownBy(mechanism)
	if own == nil {
		return "", "", sasl.InvalidMechanism
	}
	passed, user, err = own(string(message), domain)
	return base64.StdEncoding.EncodeToString([]byte(passed)), user, err
}

// ownPlain reads a message of PLAIN (RFC 4616 §2). The authzid, which says nothing more
// than the name, is left out.
func ownPlain(message, domain string) (passed, user string, err error) {
	parts := strings.Split(message, "\x00")
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" {
		return "", "", sasl.MalformedRequest
	}
	if !isOwn(parts[0], parts[1], domain) {
		return "", "", sasl.InvalidAuthzid
	}
	return "\x00" + parts[1] + "\x00" + parts[2], userOf(parts[1], domain), nil
}

// ownGS2 reads a message of SCRAM: the first begins with a GS2 header, in which an authzid
// may stand, and the name follows (RFC 5802 §7); the last, "c=…", has neither.
func ownGS2(message, domain string) (passed, user string, err error) {
	if strings.HasPrefix(message, "c=") {
		return message, "", nil
	}
	authzid, rest, ok := cutGS2(message)
	named, _, more := strings.Cut(rest, ",")
	name, isNamed := strings.CutPrefix(named, "n=")
	if !ok || !more || !isNamed {
		return "", "", sasl.MalformedRequest
	}
	name = unescaped(name)
	if !isOwn(authzid, name, domain) {
		return "", "", sasl.InvalidAuthzid
	}
	return message, userOf(name, domain), nil
}

// ownBearer reads a message of OAUTHBEARER (RFC 7628 §3.1), which has no name but the authzid: the upstream
// takes it for the account that the token must be of, and some want one. So it passes, if it is of the domain;
// whose the token is, the upstream alone can tell. After a refusal there is one more message (§3.2.3).
func ownBearer(message, domain string) (passed, user string, err error) {
	if message == "\x01" {
		return message, "", nil
	}
	authzid, rest, ok := cutGS2(message)
	if !ok || !strings.HasPrefix(rest, "\x01") {
		return "", "", sasl.MalformedRequest
	}
	if authzid == "" {
		return message, "", nil
	}
	if user = userOf(authzid, domain); user == "" || strings.Contains(authzid, "/") {
		return "", "", sasl.InvalidAuthzid
	}
	return message, user, nil
}

// cutGS2 reads the GS2 header that a message begins with (RFC 5801 §4), and returns what follows.
func cutGS2(message string) (authzid, rest string, ok bool) {
	parts := strings.SplitN(message, ",", 3)
	if len(parts) < 3 || (parts[0] != "n" && parts[0] != "y") {
		return "", "", false // "p=…" binds to a channel that ends here
	}
	authzid, named := strings.CutPrefix(parts[1], "a=")
	if !named && parts[1] != "" {
		return "", "", false
	}
	return unescaped(authzid), parts[2], true
}

// unescaped is a name of a GS2 header as it is meant (RFC 5801 §4, saslname).
func unescaped(name string) string { return strings.NewReplacer("=2C", ",", "=3D", "=").Replace(name) }

// isOwn reports whether an authzid says no more than the name beside it.
func isOwn(authzid, name, domain string) bool {
	if authzid == "" {
		return true
	}
	a, err := stanza.ParseAddress(authzid)
	return err == nil && a.User != "" && a == stanza.Address{User: userOf(name, domain), Domain: domain}
}

// userOf returns the account of a name, which some clients write as a whole address;
// empty: it is none of this domain.
func userOf(name, domain string) string {
	if !strings.Contains(name, "@") {
		name += "@" + domain
	}
	a, err := stanza.ParseAddress(name)
	if err != nil || a.Domain != domain {
		return ""
	}
	return a.User
}
