package push

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd/muc"

	"github.com/golang-jwt/jwt/v5"
)

// parseKey reads a point of P-256.
func parseKey(point []byte) (*ecdsa.PublicKey, error) {
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
}

// browser is a push service with one browser behind it.
type browser struct {
	*httptest.Server
	t       *testing.T
	private *ecdh.PrivateKey
	auth    []byte
	key     string                                     // the site's, which it subscribed with
	got     chan notice                                // what arrived
	answer  func(http.ResponseWriter, int) (done bool) // in the place of the service's own
	mu      sync.Mutex
	posts   int
}

type notice struct {
	Title, Text, Tag, URL, ID string
	topic                     string
}

func newBrowser(t *testing.T) *browser {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, private: private, auth: []byte(rand.Text()[:16]), got: make(chan notice, 100)}
	b.Server = httptest.NewTLSServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *browser) roots() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(b.Certificate())
	return roots
}

func (b *browser) subscription(session string) models.PushSubscription {
	return models.PushSubscription{SessionID: session, Endpoint: b.URL + "/push/" + session, P256DH: b.private.PublicKey().Bytes(), Auth: b.auth}
}

// ServeHTTP takes a notification as a push service does, and opens it as a browser does.
func (b *browser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.posts++
	n := b.posts
	b.mu.Unlock()
	if b.answer != nil && b.answer(w, n) {
		return
	}
	raw, err := io.ReadAll(r.Body)
	if err == nil {
		err = b.checkSender(r)
	}
	var got notice
	if err == nil {
		err = json.Unmarshal(b.decrypt(raw), &got)
	}
	if err != nil {
		b.t.Errorf("the notification: %v", err)
	}
	got.topic = r.Header.Get("Topic")
	b.got <- got
	w.WriteHeader(http.StatusCreated)
}

// checkSender verifies who sends (RFC 8292 §2, §3).
func (b *browser) checkSender(r *http.Request) error {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "vapid t=")
	token, key, _ := strings.Cut(given, ", k=")
	if !ok || key != b.key || r.Header.Get("TTL") == "" {
		return errors.New("not signed with the site's key: " + r.Header.Get("Authorization"))
	}
	point, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return err
	}
	public, err := parseKey(point)
	if err != nil {
		return err
	}
	_, err = jwt.Parse(token, func(*jwt.Token) (any, error) { return public, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(b.URL), jwt.WithSubject("mailto:webmaster@example.org"), jwt.WithExpirationRequired())
	return err
}

// decrypt opens a message (RFC 8291 §3.4, RFC 8188 §2).
func (b *browser) decrypt(raw []byte) []byte {
	salt, sender, sealed := raw[:16], raw[21:21+65], raw[21+65:]
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		b.t.Error(err)
		return nil
	}
	secret, _ := b.private.ECDH(public)
	info := "WebPush: info\x00" + string(b.private.PublicKey().Bytes()) + string(sender)
	ikm, _ := hkdf.Key(sha256.New, secret, b.auth, info, 32)
	key, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, _ := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	block, _ := aes.NewCipher(key)
	gcm, _ := cipher.NewGCM(block)
	plain, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		b.t.Error(err)
		return nil
	}
	end := len(strings.TrimRight(string(plain), "\x00")) - 1 // the padding's delimiter
	return plain[:end]
}

// store is what the database would say.
type store struct {
	mu        sync.Mutex
	audiences map[string]models.PushAudience
	room      models.PushRoom
	removed   chan string
	asked     []int  // about how many people, each time
	occupant  string // who was asked about last
	names     int    // times that one account was asked for
}

func nameOf(user string) string { return strings.ToUpper(user[:1]) + user[1:] + " Adler" }

func (s *store) SubscribedToPush(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var users []string
	for u := range s.audiences {
		users = append(users, u)
	}
	return users, nil
}

func (s *store) PushAudiences(_ context.Context, users []string, _, _, occupant string) (map[string]models.PushAudience, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.occupant = append(s.asked, len(users)), occupant
	all := make(map[string]models.PushAudience)
	for _, user := range users {
		if a := s.audiences[user]; len(a.Subscriptions) > 0 {
			a.Name = nameOf(user)
			all[user] = a
		}
	}
	return all, nil
}

func (s *store) PushRoom(context.Context, string, string) (models.PushRoom, error) {
	return s.room, nil
}

func (s *store) RemovePushSubscription(_ context.Context, session, _ string) error {
	s.removed <- session
	return nil
}

func (s *store) AccountByName(_ context.Context, user string) (models.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names++
	return models.Account{Username: user, Name: nameOf(user)}, nil
}

// world is a service at work, with a browser of bob's.
func world(t *testing.T, change func(*browser, *store, *Config)) (*Service, *browser, *store) {
	b := newBrowser(t)
	st := &store{audiences: map[string]models.PushAudience{"bob": {Subscriptions: []models.PushSubscription{b.subscription("s1")}}}, removed: make(chan string, 10)}
	cfg := Config{
		Store: st, Accounts: st, Key: []byte(strings.Repeat("k", 32)), Contact: "webmaster@example.org", Domain: "h", Loopback: true, Roots: b.roots(), Grace: -1,
		HasSeen: func(string, time.Time) bool { return false },
	}
	if change != nil {
		change(b, st, &cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.key = s.PublicKey()
	s.load(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { s.Run(ctx) })
	t.Cleanup(func() { cancel(); work.Wait(); s.client.CloseIdleConnections() })
	return s, b, st
}

func message1(t *testing.T, inner string) *stream.Element {
	m, err := stream.Parse([]byte(`<message xmlns="jabber:client" from="alice@h/x" to="bob@h" type="chat" id="m1">`+inner+`</message>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (b *browser) next() notice {
	select {
	case n := <-b.got:
		return n
	case <-time.After(time.Minute):
		b.t.Fatal("nothing arrived")
		return notice{}
	}
}

func TestPush_NameAlone(t *testing.T) {
	s, b, _ := world(t, nil)
	s.Message("bob", message1(t, `<body>a secret</body>`), time.Now())
	n := b.next()
	if n.Title != "Alice Adler" || n.Text != "New message" || n.Tag != "alice@h" || n.URL != "/chat/with/alice" || n.ID != "m1" {
		t.Errorf("%+v", n)
	}
	if len(n.topic) != 32 || strings.Contains(n.topic, "alice") {
		t.Errorf("topic %q", n.topic) // RFC 8030 §5.4
	}
}

// Each gets what is encrypted for it, and what is encrypted is the same: the race detector sees whoever writes to that.
func TestPush_SeveralBrowsers(t *testing.T) {
	const browsers = 8
	s, b, _ := world(t, func(b *browser, st *store, _ *Config) {
		all := make([]models.PushSubscription, browsers)
		for i := range all {
			all[i] = b.subscription(string(rune('a' + i)))
		}
		st.audiences["bob"] = models.PushAudience{Subscriptions: all}
	})
	for range 4 {
		s.Message("bob", message1(t, `<body>a secret</body>`), time.Now())
		for range browsers {
			if n := b.next(); n.Title != "Alice Adler" || n.Text != "New message" {
				t.Errorf("%+v", n)
			}
		}
	}
}

func TestPush_TextByChoice(t *testing.T) {
	s, b, _ := world(t, func(_ *browser, st *store, _ *Config) {
		a := st.audiences["bob"]
		a.Settings.ShowText = true
		st.audiences["bob"] = a
		st.room = models.PushRoom{Title: "The Garden", Users: []string{"alice", "bob"}}
	})
	s.Message("bob", message1(t, `<body>&gt; when?
see  you
at ten</body><reply xmlns="urn:xmpp:reply:0" id="a"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="8"/></fallback>`), time.Now()) // what it answers is not told
	s.Message("bob", message1(t, `<body>I sent you an OMEMO message</body><encryption xmlns="urn:xmpp:eme:0" namespace="eu.siacs.conversations.axolotl"/>`), time.Now())
	if n, m := b.next(), b.next(); n.Text+m.Text != "see you at tenNew message" && m.Text+n.Text != "see you at tenNew message" {
		t.Errorf("%q, %q", n.Text, m.Text)
	}
	s.Message("bob", message1(t, `<body>/me  waves</body>`), time.Now()) // XEP-0245
	if n := b.next(); n.Text != "Alice Adler waves" {
		t.Errorf("%q", n.Text)
	}
	s.RoomMessage(muc.GroupMessage{Room: "garden", RoomJID: "garden@conference.h", User: "alice", Nick: "Ally", Message: message1(t, `<body>/me waves at Bob Adler</body>`)})
	if n := b.next(); n.Text != "Ally waves at Bob Adler" {
		t.Errorf("%q", n.Text)
	}
}

// Nothing new: corrections, retractions and reactions with a body for old clients.
func TestPush_NothingNew(t *testing.T) {
	for _, inner := range []string{
		``, `<body>x</body><replace xmlns="urn:xmpp:message-correct:0" id="a"/>`, `<body>x</body><retract xmlns="urn:xmpp:message-retract:1" id="a"/>`,
		`<body>x</body><reactions xmlns="urn:xmpp:reactions:0" id="a"/>`,
	} {
		if _, ok := read(message1(t, inner)); ok {
			t.Errorf("%s is told", inner)
		}
	}
}

func TestPush_Room(t *testing.T) {
	s, b, _ := world(t, func(_ *browser, st *store, _ *Config) {
		st.room = models.PushRoom{Title: "The Garden", Users: []string{"alice", "bob"}}
	})
	say := func(text string) {
		s.RoomMessage(muc.GroupMessage{Room: "garden", RoomJID: "garden@conference.h", User: "alice", Nick: "Ally", Message: message1(t, "<body>"+text+"</body>")})
	}
	say("anybody there?") // rooms: mentions only
	say("bob is a word, too")
	say("Hello @bob adler, tea?")
	if n := b.next(); n.Title != "The Garden" || n.Text != "Ally: New message" || n.Tag != "garden@conference.h" || n.URL != "/chat/room/garden" {
		t.Errorf("%+v", n)
	}
	// XEP-0461 §3: an answer to what one said concerns one as much.
	s.RoomMessage(muc.GroupMessage{Room: "garden", RoomJID: "garden@conference.h", User: "alice", Nick: "Ally", Message: message1(t,
		`<body>&gt; tea?\nyes</body><reply xmlns="urn:xmpp:reply:0" id="1" to="garden@conference.h/Carol"/>`)})
	s.RoomMessage(muc.GroupMessage{Room: "garden", RoomJID: "garden@conference.h", User: "alice", Nick: "Ally", Message: message1(t,
		`<body>yes</body><reply xmlns="urn:xmpp:reply:0" id="1" to="garden@conference.h/Bob Adler"/>`)})
	if n := b.next(); n.Title != "The Garden" {
		t.Errorf("%+v", n)
	}
	// XEP-0372 §3.2: so does one that refers to one, whatever one is called there.
	s.RoomMessage(muc.GroupMessage{Room: "garden", RoomJID: "garden@conference.h", User: "alice", Nick: "Ally", Message: message1(t,
		`<body>Bobby?</body><reference xmlns="urn:xmpp:reference:0" type="mention" begin="0" end="5" uri="xmpp:bob@h"/>`)})
	if n := b.next(); n.Title != "The Garden" {
		t.Errorf("%+v", n)
	}
	if len(b.got) != 0 {
		t.Errorf("%d more", len(b.got))
	}
}

// However many are told of what is said in a room, the database is asked once for many of them, and not at all for
// those who said it or see it; who is told nowhere is forgotten.
func TestPush_BusyRoom(t *testing.T) {
	users := []string{"alice", "looks", "moved"}
	for i := range 2 * askedFor {
		users = append(users, "user"+strconv.Itoa(i))
	}
	s := idle(t, users[:len(users)-1]...)
	st := s.cfg.Store.(bounded).store.(*store)
	delete(st.audiences, "moved")
	for _, user := range users {
		s.Subscribed(user)
	}
	st.room = models.PushRoom{Title: "Garden", Users: users}
	s.cfg.HasSeen = func(user string, _ time.Time) bool { return user == "looks" }
	told := make(map[string]bool)
	s.deliver = func(_ context.Context, j job) { told[j.user] = true }
	say := func(text string) {
		t.Helper()
		clear(told)
		st.asked, st.names = nil, 0
		if err := s.tellRoom(t.Context(), message{from: "alice", nick: "Ally", room: "garden", roomJID: "garden@conference.h", addressed: stanza.AddressedBy(message1(t, "<body>"+text+"</body>")), text: text}); err != nil {
			t.Error(err)
		}
		if len(st.asked) != 3 || slices.Max(st.asked) > askedFor || st.names != 0 {
			t.Errorf("the database was asked about %v people, and for %d accounts", st.asked, st.names)
		}
		if st.occupant != "garden@conference.h/Ally" {
			t.Errorf("the database was told that %q said it", st.occupant)
		}
	}
	if say("tea?"); len(told) != 0 {
		t.Errorf("told: %v", told)
	}
	if s.Wants("moved") || s.Wants(users[len(users)-1]) || !s.Wants("user0") || !s.Wants("looks") {
		t.Error("not those are forgotten who have no subscription")
	}
	if say("@user0, @user7: tea, and @looks, @moved, @alice, or user9?"); len(told) != 2 || !told["user0"] || !told["user7"] {
		t.Errorf("told: %v", told)
	}
}

// RFC 8030 §7.3: a subscription that is gone is forgotten.
func TestPush_Gone(t *testing.T) {
	for _, code := range []int{http.StatusNotFound, http.StatusGone} {
		s, _, st := world(t, func(b *browser, _ *store, _ *Config) {
			b.answer = func(w http.ResponseWriter, _ int) bool { w.WriteHeader(code); return true }
		})
		s.Message("bob", message1(t, `<body>x</body>`), time.Now())
		select {
		case session := <-st.removed:
			if session != "s1" {
				t.Error(session)
			}
		case <-time.After(time.Minute):
			t.Fatal("it was not removed")
		}
	}
}

// RFC 8030 §8.4: a push service that is busy says when to come again.
func TestPush_RetryAfter(t *testing.T) {
	s, b, _ := world(t, func(b *browser, _ *store, _ *Config) {
		b.answer = func(w http.ResponseWriter, n int) bool {
			if n > 1 {
				return false
			}
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
	})
	s.Message("bob", message1(t, `<body>x</body>`), time.Now())
	b.next()
}

// Whose session ended while a notification waits gets it no more, nor who is back.
func TestPush_RetryEnded(t *testing.T) {
	s, b, st := world(t, nil)
	j := job{user: "bob", m: message{from: "alice", id: "old"}, session: "ended"}
	if err := s.tell(context.Background(), []string{j.user}, j); err != nil {
		t.Fatal(err)
	}
	st.mu.Lock()
	st.audiences["carol"] = models.PushAudience{}
	st.mu.Unlock()
	s.Subscribed("carol")
	s.Message("carol", message1(t, `<body>x</body>`), time.Now()) // has none any more
	s.Message("bob", message1(t, `<body>x</body>`), time.Now())
	if n := b.next(); n.ID != "m1" {
		t.Errorf("%+v", n)
	}
	if s.Wants("carol") {
		t.Error("carol is still asked for")
	}
}

func TestPush_NotWanted(t *testing.T) {
	all := int16(0)
	most := int16(1439)
	for name, change := range map[string]func(*models.PushAudience, *Config){
		"put out":    func(a *models.PushAudience, _ *Config) { a.Out, a.Level = true, models.NotifyAll },
		"level none": func(a *models.PushAudience, _ *Config) { a.Level = models.NotifyNone },
		"quiet": func(a *models.PushAudience, _ *Config) {
			// All day except the minute before midnight, in a zone where it is not that minute.
			a.Settings.QuietFrom, a.Settings.QuietUntil, a.Settings.Zone = &all, &most, "UTC"
			if time.Now().UTC().Format("15:04") == "23:59" {
				a.Settings.Zone = "Asia/Tokyo"
			}
		},
		"looked at": func(_ *models.PushAudience, c *Config) {
			c.HasSeen = func(user string, _ time.Time) bool { return user == "bob" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, b, st := world(t, func(b *browser, st *store, cfg *Config) {
				st.audiences["carol"] = models.PushAudience{Subscriptions: []models.PushSubscription{b.subscription("s2")}}
				a := st.audiences["bob"]
				change(&a, cfg)
				st.audiences["bob"] = a
			})
			_ = st
			s.Message("bob", message1(t, `<body>x</body>`), time.Now())
			m := message1(t, `<body>x</body>`)
			s.Message("carol", m, time.Now()) // comes after it, and shows that nothing came before
			b.next()
			if len(b.got) != 0 {
				t.Error("it was told")
			}
		})
	}
}

func TestCheck(t *testing.T) {
	s, b, _ := world(t, func(_ *browser, _ *store, c *Config) { c.Loopback = false })
	good := b.subscription("s")
	good.Endpoint = "https://push.example.net/a/b"
	if err := s.Check(good); err != nil {
		t.Error(err)
	}
	for _, endpoint := range []string{
		"", "http://push.example.net/", "https://", "https://127.0.0.1/x", "https://[::1]/x", "https://10.0.0.1/x", "https://localhost/x", "https://169.254.169.254/latest",
		"https://me:secret@push.example.net/", "ftp://push.example.net/", "https://push.example.net/#x", "https:push", "https://push.example.net/" + strings.Repeat("x", maxAddress),
	} {
		bad := good
		bad.Endpoint = endpoint
		if s.Check(bad) == nil {
			t.Errorf("%q is taken", endpoint)
		}
	}
	bad := good
	bad.P256DH = make([]byte, 65)
	if s.Check(bad) == nil {
		t.Error("a key off the curve is taken")
	}
	// A name that leads inside the network: refused when it is dialled (and see internal/netaddr).
	if _, err := s.client.Get(b.URL); err == nil || !strings.Contains(err.Error(), "no public address") {
		t.Errorf("dialled: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{"7": 7 * time.Second, "Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Thu, 01 Jan 2026 00:00:00 GMT": 0} {
		if d, ok := retryAfter(value, now); !ok || d != want {
			t.Errorf("%q: %v %v", value, d, ok)
		}
	}
	if _, ok := retryAfter("-1", now); ok {
		t.Error("-1")
	}
}

// BenchmarkWants is what every message to somebody costs.
func BenchmarkWants(b *testing.B) {
	s, err := New(Config{Store: &store{}, Accounts: &store{}, Key: make([]byte, 32), HasSeen: func(string, time.Time) bool { return false }})
	if err != nil {
		b.Fatal(err)
	}
	s.Subscribed("carol")
	b.ReportAllocs()
	for b.Loop() {
		if s.Wants("bob") {
			b.Fatal()
		}
	}
}
