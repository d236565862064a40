package xmppd

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"

	"foyer/internal/sasl"
	"foyer/internal/stream"
)

// scramClient speaks the client's part, and may be told to speak it wrongly.
type scramClient struct {
	*client
	mechanism string
	hash      sasl.SCRAMHash
	header    string // GS2
	binding   []byte
	user      string // escaped
	password  string
	nonce     string
	extra     string // behind the nonce of the first message
	change    func(final string) string
}

func newSCRAMClient(c *client, hash sasl.SCRAMHash) *scramClient {
	return &scramClient{client: c, mechanism: "SCRAM-" + string(hash), hash: hash, header: "n,,", user: "alice", password: "app",
		nonce: "abc", change: func(s string) string { return s }}
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func scramAuth(mechanism, first string) string {
	return `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="` + mechanism + `">` + encode(first) + `</auth>`
}

// challenge sends the first message and returns the server's.
func (s *scramClient) challenge() (bare, serverFirst string) {
	s.w.t.Helper()
	bare = "n=" + s.user + ",r=" + s.nonce + s.extra
	s.Send(scramAuth(s.mechanism, s.header+bare))
	got := s.Expect(`<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl">{c}</challenge>`)
	raw, err := base64.StdEncoding.DecodeString(got["c"])
	if err != nil {
		s.w.t.Fatal(err)
	}
	return bare, string(raw)
}

// final returns the client's last message, and what the server must answer.
func (s *scramClient) final(bare, serverFirst string) (message, want string) {
	s.w.t.Helper()
	nonce, rest, _ := strings.Cut(serverFirst, ",")
	salt64, iterations, _ := strings.Cut(strings.TrimPrefix(rest, "s="), ",")
	if iterations != "i=4096" {
		s.w.t.Errorf("iterations: %s", iterations)
	}
	salt, err := base64.StdEncoding.DecodeString(salt64)
	if err != nil {
		s.w.t.Fatal(err)
	}
	withoutProof := s.change("c=" + base64.StdEncoding.EncodeToString(append([]byte(s.header), s.binding...)) + "," + nonce)
	auth := []byte(bare + "," + serverFirst + "," + withoutProof)
	clientKey, stored, server := clientKeys(s.w.t, s.hash, s.password, salt)
	proof := mac(s.hash, stored, auth)
	for i := range proof {
		proof[i] ^= clientKey[i]
	}
	return withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof), "v=" + base64.StdEncoding.EncodeToString(mac(s.hash, server, auth))
}

func (s *scramClient) respond(message string) {
	s.Send(`<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">` + encode(message) + `</response>`)
}

// run goes through the whole exchange.
func (s *scramClient) run() (verifier string) {
	s.w.t.Helper()
	message, want := s.final(s.challenge())
	s.respond(message)
	return want
}

func (s *scramClient) succeeds() {
	s.w.t.Helper()
	want := s.run()
	// S-15: the server's part is in <success/>.
	s.Expect(`<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl">` + encode(want) + `</success>`)
}

// bind goes on after a success.
func (s *scramClient) bind() {
	s.w.t.Helper()
	s.Restart()
	s.Read()
	s.Send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>`)
	s.Expect(`<iq xmlns="jabber:client" type="result" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>{jid}</jid></bind></iq>`)
}

func (s *scramClient) fails(condition string) {
	s.w.t.Helper()
	s.run()
	s.Expect(failure(condition))
}

func clientKeys(t testing.TB, h sasl.SCRAMHash, password string, salt []byte) (client, stored, server []byte) {
	t.Helper()
	keys, err := deriveOnce(h, password, string(salt))
	if err != nil {
		t.Fatal(err)
	}
	return mac(h, keys.salted, []byte("Client Key")), keys.stored, keys.server
}

type derivedKeys struct{ salted, stored, server []byte }

// derived is what deriveOnce has answered, by hash, password and salt.
var derived sync.Map

// deriveOnce derives keys as RFC 5802 §3 does, which takes long with the race detector: tests,
// and the fuzzers most of all, want the same few again and again.
func deriveOnce(h sasl.SCRAMHash, password, salt string) (derivedKeys, error) {
	key := [3]string{string(h), password, salt}
	if known, ok := derived.Load(key); ok {
		return known.(derivedKeys), nil
	}
	var keys derivedKeys
	var err error
	if keys.salted, err = pbkdf2.Key(h.New(), password, []byte(salt), scramIterations, h.New()().Size()); err != nil {
		return keys, err
	}
	if keys.stored, keys.server, err = sasl.DeriveSCRAM(h, password, []byte(salt), scramIterations); err != nil {
		return keys, err
	}
	derived.Store(key, keys)
	return keys, nil
}

const scramIterations = 4096

func native() stream.Peer { return stream.Peer{Transport: stream.TCP, Password: true, SCRAM: true} }

func bindable() stream.Peer {
	p := native()
	sum := sha256.Sum256([]byte("certificate"))
	p.Binding = stream.Binding{Endpoint: sum[:], Exporter: []byte("exported")}
	return p
}

func (w *world) scram(peer stream.Peer, hash sasl.SCRAMHash) *scramClient {
	w.t.Helper()
	w.store.apps["alice"] = []string{"another", "app", "third"}
	c := w.connect(peer)
	c.Read()
	return newSCRAMClient(c, hash)
}

// S-12, S-15: every hash, each of several passwords, and which one it was.
func TestSCRAM(t *testing.T) {
	for _, hash := range sasl.SCRAMHashes() {
		for _, password := range []string{"another", "app", "third"} {
			w := newWorld(t, "alice")
			c := w.scram(native(), hash)
			c.password = password
			c.succeeds()
			c.bind()
			if ids := w.srv.Identities(); len(ids) != 1 || ids[0].Session != "app "+password {
				t.Errorf("%s: %v", hash, ids)
			}
		}
	}
}

// S-14, S-16, S-17: what makes an exchange fail, and what does not.
func TestSCRAM_Failures(t *testing.T) {
	replace := func(old, with string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, with, 1) }
	}
	for name, c := range map[string]struct {
		change func(*scramClient)
		want   string // "": it succeeds
	}{
		"wrong password":       {func(s *scramClient) { s.password = "wrong" }, "not-authorized"},
		"unknown user":         {func(s *scramClient) { s.user = "zoe" }, "not-authorized"},
		"no app password":      {func(s *scramClient) { s.user = "bob" }, "not-authorized"},
		"changed nonce":        {func(s *scramClient) { s.change = replace(",r=abc", ",r=abd") }, "not-authorized"},
		"c of another header":  {func(s *scramClient) { s.change = replace("c=biws", "c=eSws") }, "not-authorized"},
		"c that is no base64":  {func(s *scramClient) { s.change = replace("c=biws", "c=?") }, "malformed-request"},
		"no c":                 {func(s *scramClient) { s.change = replace("c=biws", "d=biws") }, "malformed-request"},
		"m in the last":        {func(s *scramClient) { s.change = func(m string) string { return m + ",m=x" } }, "malformed-request"},
		"an unknown attribute": {func(s *scramClient) { s.extra = ",x=1"; s.change = func(m string) string { return m + ",y=2" } }, ""},
		"y without -PLUS":      {func(s *scramClient) { s.header = "y,," }, ""},
		"own authzid":          {func(s *scramClient) { s.header = "n,a=alice@h," }, ""},
		"upper case":           {func(s *scramClient) { s.user = "Alice" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newWorld(t, "alice", "bob").scram(native(), sasl.SHA256)
			c.change(s)
			if c.want == "" {
				s.succeeds()
			} else {
				s.fails(c.want)
			}
		})
	}
	for first, want := range map[string]string{
		"n,,m=x,n=alice,r=a":    "malformed-request",
		"n,,n=alice,r=a,m=x":    "malformed-request",
		"n,,n=al=2xice,r=a":     "malformed-request",
		"n,,n=alice=,r=a":       "malformed-request",
		"n,,n=,r=a":             "malformed-request",
		"n,,n=alice,r=":         "malformed-request",
		"n,,n=alice":            "malformed-request",
		"n,,r=a,n=alice":        "malformed-request",
		"x,,n=alice,r=a":        "malformed-request",
		"n,b=x,n=alice,r=a":     "malformed-request",
		"p=x,,n=alice,r=a":      "malformed-request",
		"n":                     "malformed-request",
		"n,,n==20,r=a":          "malformed-request",
		"n,,n=\u00ad,r=a":       "not-authorized", // nothing is left of the name
		"n,,n=a=2Cb,r=a":        "",               // a legal name, of nobody
		"n,,n=a=3Db,r=a":        "",
		"n,a=bob@h,n=alice,r=a": "invalid-authzid",
	} {
		s := newWorld(t, "alice").scram(native(), sasl.SHA1)
		s.Send(scramAuth("SCRAM-SHA-1", first))
		if want == "" {
			s.Expect(`<challenge xmlns="urn:ietf:params:xml:ns:xmpp-sasl">{c}</challenge>`)
			continue
		}
		s.Expect(failure(want))
	}
}

// The last message: what is no proof.
func TestSCRAM_NoProof(t *testing.T) {
	for _, final := range []string{"", "c=biws,r=abc", "c=biws,r=abc,p=?", "c=biws,r=abc,p=YQ==", "p=YQ=="} {
		s := newWorld(t, "alice").scram(native(), sasl.SHA256)
		s.challenge()
		s.respond(final)
		s.Expect(failure("malformed-request"))
	}
}

// S-17: who does not exist has a salt as everybody has, and always the same.
func TestSCRAM_FakeSalt(t *testing.T) {
	s := newWorld(t, "alice").scram(native(), sasl.SHA256)
	s.user = "zoe"
	var salts []string
	for range 2 {
		_, first := s.challenge()
		salts = append(salts, strings.Split(first, ",")[1])
	}
	if salts[0] != salts[1] {
		t.Errorf("salts %v", salts)
	}
}

// S-16: somebody who was blocked is told only after proving the password.
func TestSCRAM_Blocked(t *testing.T) {
	w := newWorld(t, "alice")
	s := w.scram(native(), sasl.SHA256)
	w.store.disabled["alice"] = true
	s.password = "wrong"
	s.fails("not-authorized")
	s.password = "app"
	s.fails("account-disabled")
}

func TestSCRAM_DatabaseAway(t *testing.T) {
	w := newWorld(t, "alice")
	s := w.scram(native(), sasl.SHA256)
	w.store.setFail(errAway)
	s.Send(scramAuth(s.mechanism, "n,,n=alice,r=a"))
	s.Expect(failure("temporary-auth-failure"))
}

// RFC 5802 §6, RFC 5929, RFC 9266, XEP-0440 §3 (S-12, S-14): channel binding,
// where TLS ends here.
func TestSCRAM_Binding(t *testing.T) {
	w := newWorld(t, "alice")
	c := w.connect(bindable())
	c.Expect(`<stream:features xmlns:stream="http://etherx.jabber.org/streams"><mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl">` +
		`<mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-512-PLUS</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism>` +
		`<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-512</mechanism><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>` +
		`<sasl-channel-binding xmlns="urn:xmpp:sasl-cb:0"><channel-binding type="tls-exporter"/><channel-binding type="tls-server-end-point"/></sasl-channel-binding></stream:features>`)
	for kind, data := range map[string][]byte{"tls-server-end-point": bindable().Binding.Endpoint, "tls-exporter": bindable().Binding.Exporter} {
		s := w.scram(bindable(), sasl.SHA256)
		s.mechanism, s.header, s.binding = "SCRAM-SHA-256-PLUS", "p="+kind+",,", data
		s.succeeds()
		s = w.scram(bindable(), sasl.SHA256)
		s.mechanism, s.header, s.binding = "SCRAM-SHA-256-PLUS", "p="+kind+",,", []byte("another connection's")
		s.fails("not-authorized")
	}
	for first, want := range map[string]string{
		"y,,n=alice,r=a":              "malformed-request", // somebody took -PLUS away
		"p=tls-exporter,,n=alice,r=a": "malformed-request",
	} {
		s := w.scram(bindable(), sasl.SHA256)
		s.Send(scramAuth("SCRAM-SHA-256", first))
		s.Expect(failure(want))
	}
	for _, first := range []string{"n,,n=alice,r=a", "p=tls-unique,,n=alice,r=a"} {
		s := w.scram(bindable(), sasl.SHA256)
		s.Send(scramAuth("SCRAM-SHA-256-PLUS", first))
		s.Expect(failure("malformed-request"))
	}
	s := w.scram(native(), sasl.SHA256)
	s.Send(scramAuth("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=alice,r=a"))
	s.Expect(failure("mechanism-too-weak")) // TLS ends elsewhere, or nowhere
}

// Converse would prefer SCRAM, which its tokens cannot be used with: it is not
// offered to browsers.
func TestSCRAM_NotForBrowsers(t *testing.T) {
	c := newWorld(t, "alice").connect(stream.Peer{Transport: stream.WebSocket, Password: true})
	c.Expect(`<stream:features xmlns:stream="http://etherx.jabber.org/streams"><mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>PLAIN</mechanism></mechanisms></stream:features>`)
	c.Send(scramAuth("SCRAM-SHA-1", "n,,n=alice,r=a"))
	c.Expect(failure("mechanism-too-weak"))
}

// S-18: an exchange that is under way is discarded by a new one; three failures
// end the stream.
func TestSCRAM_Retries(t *testing.T) {
	s := newWorld(t, "alice").scram(native(), sasl.SHA256)
	s.challenge()
	s.succeeds()

	s = newWorld(t, "alice").scram(native(), sasl.SHA256)
	s.challenge()
	s.Send(`<abort xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`)
	s.Expect(failure("aborted"))
	s.respond("c=biws,r=abc,p=YQ==")
	s.Expect(failure("malformed-request")) // the exchange is gone
	s.password = "wrong"
	for range saslAttempts - 1 {
		s.fails("not-authorized")
	}
	if got := streamCondition(s.ExpectEnd()); got != stream.PolicyViolation {
		t.Errorf("ended with %s", got)
	}
}

// A password that is revoked ends its streams, and no others.
func TestSCRAM_Revoked(t *testing.T) {
	w := newWorld(t, "alice")
	one, two := w.scram(native(), sasl.SHA256), w.scram(native(), sasl.SHA256)
	two.password = "third"
	one.succeeds()
	two.succeeds()
	two.bind()
	w.srv.End(stream.Scope{User: "alice", Session: "app app"}, &stream.Error{Condition: stream.NotAuthorized})
	if got := streamCondition(one.ExpectEnd()); got != stream.NotAuthorized {
		t.Errorf("ended with %s", got)
	}
	if ids := w.srv.Identities(); !slices.Equal(ids, []stream.Identity{{User: "alice", Session: "app third"}}) {
		t.Errorf("left: %v", ids)
	}
}

func mac(h sasl.SCRAMHash, key, message []byte) []byte {
	m := hmac.New(h.New(), key)
	m.Write(message)
	return m.Sum(nil)
}
