package ldap

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/app/auth"
	"foyer/internal/testcert"

	ber "github.com/go-asn1-ber/asn1-ber"
	ldapv3 "github.com/go-ldap/ldap/v3"
)

// A directory that does what none should: what a wrong or hostile one can make of the site.

const (
	base   = "dc=example,dc=org"
	secret = "correct horse"
	bobID  = "0d6e3c1e-5f7a-4f6b-9a53-0a2f5f1f7d10"
)

// hostile is an LDAP server by hand. Its handlers answer one request each; nil: as a
// directory would in which there is bob.
type hostile struct {
	l net.Listener

	mu    sync.Mutex
	bind  func(a *asked, dn, password string)
	find  func(a *asked, base, filter string)
	root  []string // what it says of itself: attributes and values in turn
	binds []string // "dn password"
	finds []string // filters
	conns int
}

// asked is one request.
type asked struct {
	conn  net.Conn
	id    int64
	attrs []string // of a search: what is asked of each entry
}

func (a *asked) send(op *ber.Packet) error {
	p := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, a.id, ""))
	p.AppendChild(op)
	_, err := a.conn.Write(p.Bytes())
	return err
}

// result is the end of an answer; refs are referrals (RFC 4511 §4.1.10).
func (a *asked) result(tag ber.Tag, code int, message string, refs ...string) {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(code), ""))
	op.AppendChild(text(""))
	op.AppendChild(text(message))
	if len(refs) > 0 {
		list := ber.Encode(ber.ClassContext, ber.TypeConstructed, 3, nil, "")
		for _, ref := range refs {
			list.AppendChild(text(ref))
		}
		op.AppendChild(list)
	}
	_ = a.send(op)
}

func (a *asked) bound(code int, message string) {
	a.result(ldapv3.ApplicationBindResponse, code, message)
}
func (a *asked) done(code int) { a.result(ldapv3.ApplicationSearchResultDone, code, "") }

// donePage ends a page of a search (RFC 2696 §3), which is not the last one if there is a cookie.
func (a *asked) donePage(cookie string) {
	p := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, a.id, ""))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldapv3.ApplicationSearchResultDone, nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(0), ""))
	op.AppendChild(text(""))
	op.AppendChild(text(""))
	p.AppendChild(op)
	next := ldapv3.NewControlPaging(0)
	next.SetCookie([]byte(cookie))
	controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
	controls.AppendChild(next.Encode())
	p.AppendChild(controls)
	_, _ = a.conn.Write(p.Bytes())
}

// entry is one of those found; pairs are attributes and values in turn.
func (a *asked) entry(dn string, pairs ...string) error {
	var list []*ldapv3.EntryAttribute
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, ldapv3.NewEntryAttribute(pairs[i], pairs[i+1:i+2]))
	}
	return a.entryOf(dn, list...)
}

// entryOf is one of those found, whose attributes may have several values.
func (a *asked) entryOf(dn string, attrs ...*ldapv3.EntryAttribute) error {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldapv3.ApplicationSearchResultEntry, nil, "")
	op.AppendChild(text(dn))
	list := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	for _, said := range attrs {
		attr := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		attr.AppendChild(text(said.Name))
		values := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range said.Values {
			values.AppendChild(text(v))
		}
		attr.AppendChild(values)
		list.AppendChild(attr)
	}
	op.AppendChild(list)
	return a.send(op)
}

func (a *asked) bob() { _ = a.entry("uid=bob,"+base, "uid", "bob", "entryUUID", bobID, "cn", "Bob") }

// reference says that more is elsewhere (RFC 4511 §4.5.3).
func (a *asked) reference(url string) {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldapv3.ApplicationSearchResultReference, nil, "")
	op.AppendChild(text(url))
	_ = a.send(op)
}

func text(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

// startHostile starts one; over may put TLS around its connections.
func startHostile(t *testing.T, over func(net.Listener) net.Listener) *hostile {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if over != nil {
		l = over(l)
	}
	h := &hostile{l: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.conns++
			h.mu.Unlock()
			go h.serve(conn)
		}
	}()
	return h
}

func (h *hostile) serve(conn net.Conn) {
	defer conn.Close()
	for {
		p, err := ber.ReadPacket(conn)
		if err != nil || len(p.Children) < 2 {
			return
		}
		id, _ := p.Children[0].Value.(int64)
		h.answer(&asked{conn: conn, id: id}, p.Children[1])
	}
}

func (h *hostile) answer(a *asked, op *ber.Packet) {
	switch op.Tag {
	case ldapv3.ApplicationBindRequest:
		dn, _ := op.Children[1].Value.(string)
		password := op.Children[2].Data.String()
		h.mu.Lock()
		h.binds = append(h.binds, dn+" "+password)
		bind := h.bind
		h.mu.Unlock()
		switch {
		case bind != nil && dn != "cn=foyer,"+base:
			bind(a, dn, password)
		case password == secret:
			a.bound(0, "")
		default:
			a.bound(ldapv3.LDAPResultInvalidCredentials, "")
		}
	case ldapv3.ApplicationSearchRequest:
		under, _ := op.Children[0].Value.(string)
		filter, _ := ldapv3.DecompileFilter(op.Children[6])
		for _, attr := range op.Children[7].Children {
			a.attrs = append(a.attrs, attr.Data.String())
		}
		if under == "" { // what the directory is
			h.mu.Lock()
			root := append([]string{"vendorName", "hostile"}, h.root...)
			h.mu.Unlock()
			_ = a.entry("", root...)
			a.done(0)
			return
		}
		h.mu.Lock()
		h.finds = append(h.finds, filter)
		find := h.find
		h.mu.Unlock()
		if find != nil {
			find(a, under, filter)
			return
		}
		a.bob()
		a.done(0)
	}
}

// onBind and onSearch say how it answers from now on.
func (h *hostile) onBind(bind func(a *asked, dn, password string)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bind = bind
}

func (h *hostile) onSearch(find func(a *asked, base, filter string)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.find = find
}

func (h *hostile) config() Config {
	return Config{URLs: []string{"ldap://" + h.l.Addr().String()}, Plain: true, BindDN: "cn=foyer," + base, BindPassword: secret, BaseDN: base, PoolSize: 10, Timeout: 10 * time.Second}
}

// told is what reached it.
func (h *hostile) told() (binds, finds []string, conns int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.binds, h.finds, h.conns
}

func opened(t *testing.T, cfg Config) *Directory {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// RFC 4513 §5.1.2: a directory lets in who brings no password. So none goes there; nor does
// one that is none to a program written in C.
func TestHostile_EmptyPassword(t *testing.T) {
	h := startHostile(t, nil)
	h.onBind(func(a *asked, _, _ string) { a.bound(0, "") })
	d := opened(t, h.config())
	for _, password := range []string{"", "\x00", "\x00" + secret, secret + "\x00", strings.Repeat("x", 1<<20)} {
		if _, err := d.SignIn(t.Context(), "bob", password); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("%.20q: %v", password, err)
		}
	}
	if binds, finds, conns := h.told(); len(binds)+len(finds)+conns > 0 {
		t.Errorf("the directory was asked: %q %q", binds, finds)
	}
}

// An entry without a name would be signed in to as nobody (RFC 4513 §5.1.1); one of another
// name is somebody else's; two are nobody's; one without an identity is nobody for ever.
func TestHostile_Entries(t *testing.T) {
	answers := map[string]func(*asked){
		"no name":            func(a *asked) { _ = a.entry("", "uid", "bob", "entryUUID", bobID); a.done(0) },
		"another name":       func(a *asked) { _ = a.entry("uid=eve,"+base, "uid", "eve", "entryUUID", bobID); a.done(0) },
		"no user name":       func(a *asked) { _ = a.entry("uid=bob,"+base, "entryUUID", bobID); a.done(0) },
		"two":                func(a *asked) { a.bob(); a.bob(); a.done(0) },
		"two, and a limit":   func(a *asked) { a.bob(); a.bob(); a.done(ldapv3.LDAPResultSizeLimitExceeded) },
		"one, and a limit":   func(a *asked) { a.bob(); a.done(ldapv3.LDAPResultSizeLimitExceeded) },
		"no identity":        func(a *asked) { _ = a.entry("uid=bob,"+base, "uid", "bob"); a.done(0) },
		"half an identity":   func(a *asked) { _ = a.entry("uid=bob,"+base, "uid", "bob", "entryUUID", bobID[:30]); a.done(0) },
		"an odd identity":    func(a *asked) { _ = a.entry("uid=bob,"+base, "uid", "bob", "entryUUID", "*"); a.done(0) },
		"nobody":             func(a *asked) { a.done(0) },
		"a reference, alone": func(a *asked) { a.reference("ldap://192.0.2.1/" + base); a.done(0) },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			h := startHostile(t, nil)
			h.onSearch(func(a *asked, _, _ string) { answer(a) })
			h.onBind(func(a *asked, _, _ string) { a.bound(0, "") })
			if p, err := opened(t, h.config()).SignIn(t.Context(), "bob", secret); !errors.Is(err, auth.ErrInvalidCredentials) {
				t.Errorf("%+v, %v", p, err)
			}
			if binds, _, _ := h.told(); len(binds) > 1 {
				t.Errorf("the password went there: %q", binds)
			}
		})
	}
}

// RFC 4515 §3: what somebody typed is a value in the filter and nothing else. Names that
// cannot be user names do not even go there.
func TestHostile_FilterCharacters(t *testing.T) {
	h := startHostile(t, nil)
	h.onSearch(func(a *asked, _, _ string) { a.done(0) })
	d := opened(t, h.config())
	for _, typed := range []string{"*", "b*", "bob)(uid=*", "bob)(|(uid=*", "bob\x00", "*@example.org", `EXAMPLE\*`, "bob)(uid=*@x", "@", `\`, "bob)(cn=*))%00", "a,dc=evil"} {
		if _, err := d.SignIn(t.Context(), typed, secret); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("%q: %v", typed, err)
		}
	}
	if _, finds, _ := h.told(); len(finds) > 0 {
		t.Errorf("%q", finds)
	}
	_, _ = d.SignIn(t.Context(), "Ünal.b_c-d", secret)
	if _, finds, _ := h.told(); len(finds) != 1 || finds[0] != `(&(objectClass=person)(uid=\c3\bcnal.b_c-d))` {
		t.Errorf("%q", finds)
	}
}

// Referrals are not followed: neither where more is, nor where to sign in (RFC 4511 §4.1.10).
func TestHostile_Referrals(t *testing.T) {
	elsewhere := startHostile(t, nil)
	url := "ldap://" + elsewhere.l.Addr().String() + "/" + base
	h := startHostile(t, nil)
	h.onSearch(func(a *asked, _, _ string) { a.reference(url); a.bob(); a.done(0) })
	d := opened(t, h.config())
	if p, err := d.SignIn(t.Context(), "bob", secret); err != nil || p.Subject != bobID {
		t.Errorf("a reference besides the entry: %+v, %v", p, err)
	}
	h.onBind(func(a *asked, _, _ string) {
		a.result(ldapv3.ApplicationBindResponse, ldapv3.LDAPResultReferral, "", url)
	})
	if _, err := d.SignIn(t.Context(), "bob", secret); !errors.Is(err, auth.ErrUnreachable) {
		t.Errorf("a referral of the sign-in: %v", err)
	}
	h.onSearch(func(a *asked, _, _ string) {
		a.result(ldapv3.ApplicationSearchResultDone, ldapv3.LDAPResultReferral, "", url)
	})
	if _, err := d.SignIn(t.Context(), "bob", secret); !errors.Is(err, auth.ErrUnreachable) {
		t.Errorf("a referral of the search: %v", err)
	}
	if _, _, conns := elsewhere.told(); conns > 0 {
		t.Error("a referral was followed")
	}
}

// What never ends is cut off, by bytes or by time; the next one is served.
func TestHostile_Endless(t *testing.T) {
	answers := map[string]func(*asked){
		"entries": func(a *asked) {
			for a.entry("uid=eve,"+base, "uid", "eve", "cn", strings.Repeat("x", 1<<16)) == nil {
			}
		},
		"one entry": func(a *asked) {
			_ = a.entry("uid=bob,"+base, "uid", "bob", "entryUUID", bobID, "cn", strings.Repeat("x", 8<<20))
			a.done(0)
		},
		"references": func(a *asked) { endlessReferences(a) },
		"a length of 2 GB": func(a *asked) {
			_, _ = a.conn.Write([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
			_, _ = a.conn.Write(bytes.Repeat(append([]byte{4, 0x7f}, make([]byte, 0x7f)...), 1<<16))
		},
		"nesting":      func(a *asked) { _, _ = a.conn.Write(bytes.Repeat([]byte{0x30, 0x80}, 1<<20)) },
		"no LDAP":      func(a *asked) { _, _ = a.conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
		"nothing":      func(*asked) {},
		"a hanging up": func(a *asked) { a.conn.Close() },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			h := startHostile(t, nil)
			h.onSearch(func(a *asked, _, _ string) { answer(a) })
			cfg := h.config()
			cfg.PoolSize, cfg.Timeout = 1, time.Second
			if name != "nothing" && name != "no LDAP" {
				cfg.Timeout = time.Minute // it must not take that long
			}
			d := opened(t, cfg)
			d.pool.now = clock(time.Minute)
			_, err := d.SignIn(t.Context(), "bob", secret)
			if !errors.Is(err, auth.ErrUnreachable) && !(name == "entries" && errors.Is(err, auth.ErrInvalidCredentials)) {
				t.Errorf("%v", err)
			}
			h.onSearch(nil)
			if _, err := d.SignIn(t.Context(), "bob", secret); err != nil {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}

func endlessReferences(a *asked) {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldapv3.ApplicationSearchResultReference, nil, "")
	op.AppendChild(text("ldap://192.0.2.1/" + strings.Repeat("x", 1<<16)))
	for a.send(op) == nil {
	}
}

// clock moves on by so much whenever it is looked at, so that no server is left alone for
// long.
func clock(step time.Duration) func() time.Time {
	var mu sync.Mutex
	now := time.Now()
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(step)
		return now
	}
}

// Pages without an end (RFC 2696 §3) end, and say nothing of anybody.
func TestHostile_EndlessPages(t *testing.T) {
	h := startHostile(t, nil)
	pages := 0
	h.onSearch(func(a *asked, _, _ string) {
		pages++
		a.donePage("more")
	})
	d := opened(t, h.config())
	if report, err := d.Recheck(t.Context(), []string{bobID}); !errors.Is(err, auth.ErrUnreachable) || len(report.Gone) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if pages > 2*maxListed/int(ofPeople.entries) {
		t.Errorf("%d pages were asked for", pages)
	}
}

// An answer that did not come to its end puts nobody out, whatever it was.
func TestHostile_Recheck(t *testing.T) {
	codes := []int{ldapv3.LDAPResultSizeLimitExceeded, ldapv3.LDAPResultTimeLimitExceeded, ldapv3.LDAPResultAdminLimitExceeded, ldapv3.LDAPResultBusy,
		ldapv3.LDAPResultOperationsError, ldapv3.LDAPResultInsufficientAccessRights, ldapv3.LDAPResultReferral, ldapv3.LDAPResultNoSuchObject}
	for _, code := range codes {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			h := startHostile(t, nil)
			h.onSearch(func(a *asked, _, _ string) { a.bob(); a.done(code) })
			report, err := opened(t, h.config()).Recheck(t.Context(), []string{bobID, "0d6e3c1e-5f7a-4f6b-9a53-0a2f5f1f7d11"})
			if !errors.Is(err, auth.ErrUnreachable) || len(report.Gone) > 0 {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}

// RFC 4513 §3.1.3: a certificate for another name, or of nobody known, ends the connection
// before anything is said on it.
func TestHostile_Certificate(t *testing.T) {
	right, other := testcert.New(t, "localhost"), testcert.New(t, "ldap.example.org")
	for name, c := range map[string]struct {
		shown tls.Certificate
		roots *x509.CertPool
		ok    bool
	}{
		"the right one": {right.TLS, right.Roots, true}, "for another name": {other.TLS, other.Roots, false}, "of nobody known": {right.TLS, other.Roots, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := startHostile(t, func(l net.Listener) net.Listener {
				return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{c.shown}})
			})
			cfg := h.config()
			_, port, _ := net.SplitHostPort(h.l.Addr().String())
			cfg.URLs, cfg.Plain, cfg.Roots = []string{"ldaps://localhost:" + port}, false, c.roots
			_, err := opened(t, cfg).SignIn(t.Context(), "bob", secret)
			if (err == nil) != c.ok || (!c.ok && !errors.Is(err, auth.ErrUnreachable)) {
				t.Errorf("%v", err)
			}
			if binds, finds, _ := h.told(); !c.ok && len(binds)+len(finds) > 0 {
				t.Errorf("%q %q", binds, finds)
			}
		})
	}
}

// RFC 4513 §3.1.1: a server that refuses StartTLS, or says something between its answer and
// TLS, gets no password.
func TestHostile_StartTLS(t *testing.T) {
	success := "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
	for name, said := range map[string]string{
		"refused":        "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00",
		"more before it": success + "\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
		"no TLS then":    success,
		"rubbish":        "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			heard := make(chan string, 10)
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					buf := make([]byte, 4096)
					_, _ = conn.Read(buf)
					_, _ = conn.Write([]byte(said))
					n, _ := conn.Read(buf)
					heard <- string(buf[:n])
					conn.Close()
				}
			}()
			cfg := Config{URLs: []string{"ldap://" + l.Addr().String()}, BindDN: "cn=foyer," + base, BindPassword: secret, BaseDN: base, PoolSize: 10, Timeout: 10 * time.Second}
			if name == "rubbish" {
				cfg.Timeout = time.Second // it may be the beginning of an answer
			}
			if _, err := opened(t, cfg).SignIn(t.Context(), "bob", secret); !errors.Is(err, auth.ErrUnreachable) {
				t.Errorf("%v", err)
			}
			if got := <-heard; strings.Contains(got, "foyer") || strings.Contains(got, secret) {
				t.Errorf("%q", got)
			}
		})
	}
}

// A server that does not answer costs no more than the time there is, and is left alone
// for a while; those who wait for a connection do so within theirs.
func TestHostile_Slow(t *testing.T) {
	h := startHostile(t, nil)
	hold := make(chan struct{})
	defer close(hold)
	entered := make(chan struct{}, 10)
	h.onSearch(func(*asked, string, string) {
		entered <- struct{}{}
		<-hold
	})
	cfg := h.config()
	cfg.PoolSize, cfg.Timeout = 1, time.Minute
	d := opened(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := d.SignIn(ctx, "bob", secret)
		first <- err
	}()
	<-entered
	waiting, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := d.SignIn(waiting, "bob", secret); !errors.Is(err, auth.ErrUnreachable) || !strings.Contains(err.Error(), "LDAP_POOL") {
		t.Errorf("all connections are busy: %v", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, auth.ErrUnreachable) {
		t.Errorf("whoever asked went away: %v", err)
	}
	if _, _, conns := h.told(); conns != 1 {
		t.Errorf("%d connections, and there is to be one", conns)
	}
	h.onSearch(nil)
	if _, err := d.SignIn(t.Context(), "bob", secret); err != nil {
		t.Errorf("that somebody went away is held against the server: %v", err)
	}
}

// Several servers: one that refuses is left alone, for longer each time, and the next one
// is asked; a service account whose password is wrong is not tried again and again.
func TestBackOff(t *testing.T) {
	h := startHostile(t, nil)
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	cfg := h.config()
	cfg.URLs = append([]string{"ldap://" + dead.Addr().String()}, cfg.URLs...)
	d := opened(t, cfg)
	now := time.Now()
	d.pool.now = func() time.Time { return now }
	for range 3 {
		if _, err := d.SignIn(t.Context(), "bob", secret); err != nil {
			t.Fatal(err)
		}
	}
	if first := d.pool.servers[0]; first.failures != 1 || first.until.Sub(now) != firstWait {
		t.Errorf("%d failures, and it waits %s", first.failures, first.until.Sub(now))
	}
	for range 20 {
		now = now.Add(maxRetryWait)
		d.pool.close()
		d.pool.closed = false
		if _, err := d.SignIn(t.Context(), "bob", secret); err != nil {
			t.Fatal(err)
		}
	}
	if first := d.pool.servers[0]; first.until.Sub(now) != maxRetryWait {
		t.Errorf("it waits %s", first.until.Sub(now))
	}

	wrong := startHostile(t, nil)
	cfg = wrong.config()
	cfg.BindPassword = "wrong"
	d = opened(t, cfg)
	d.pool.now = func() time.Time { return now }
	for range 10 {
		if _, err := d.SignIn(t.Context(), "bob", secret); !errors.Is(err, auth.ErrUnreachable) {
			t.Errorf("%v", err)
		}
	}
	if binds, _, _ := wrong.told(); len(binds) != 1 {
		t.Errorf("the site signed in %d times with a wrong password", len(binds))
	}
}

// What one person did on a connection is not asked for another: the site signs in again
// before it asks (RFC 4513 §4).
func TestConnectionsChangeHands(t *testing.T) {
	h := startHostile(t, nil)
	var mu sync.Mutex
	as := map[net.Conn]string{}
	h.onBind(func(a *asked, dn, _ string) {
		mu.Lock()
		as[a.conn] = dn
		mu.Unlock()
		a.bound(0, "")
	})
	h.onSearch(func(a *asked, _, _ string) {
		mu.Lock()
		who := as[a.conn]
		delete(as, a.conn) // the service's own are not told to bind
		mu.Unlock()
		if who != "" {
			binds, _, _ := h.told()
			if last := binds[len(binds)-1]; !strings.HasPrefix(last, "cn=foyer") {
				t.Errorf("asked as %s", who)
			}
		}
		a.bob()
		a.done(0)
	})
	cfg := h.config()
	cfg.PoolSize = 1
	d := opened(t, cfg)
	for range 3 {
		if _, err := d.SignIn(t.Context(), "bob", secret); err != nil {
			t.Fatal(err)
		}
	}
}

// A site that asks as nobody does so on connections on which nobody has signed in, a new one where all others are
// somebody's: each sign-in goes on after the password, and so does what is asked later (RFC 4513 §4). There are no
// more connections than may be.
func TestAnonymous(t *testing.T) {
	for _, way := range []string{"search", "pattern"} {
		for _, size := range []int{1, 2, 10} {
			t.Run(fmt.Sprint(way, " ", size), func(t *testing.T) {
				h := startHostile(t, nil)
				var mu sync.Mutex
				as := map[net.Conn]string{}
				inSignIn := true
				h.onBind(func(a *asked, dn, password string) {
					mu.Lock()
					defer mu.Unlock()
					as[a.conn] = ""
					if password == secret {
						as[a.conn] = dn
						a.bound(0, "")
						return
					}
					a.bound(ldapv3.LDAPResultInvalidCredentials, "")
				})
				h.onSearch(func(a *asked, _, _ string) {
					mu.Lock()
					defer mu.Unlock()
					if who := as[a.conn]; who != "" && (way == "search" || !inSignIn) {
						t.Errorf("asked as %s", who)
					}
					a.bob()
					a.done(0)
				})
				cfg := h.config()
				cfg.BindDN, cfg.BindPassword, cfg.PoolSize = Anonymous, "", size
				if way == "pattern" {
					cfg.UserDN = "uid={username}," + base
				}
				d := opened(t, cfg)
				for range 3 {
					if p, err := d.SignIn(t.Context(), "bob", secret); err != nil || p.Username != "bob" {
						t.Fatal(p, err)
					}
					mu.Lock()
					inSignIn = false
					mu.Unlock()
					if list, err := d.Everybody(t.Context()); err != nil || len(list) != 1 {
						t.Fatal(list, err)
					}
					mu.Lock()
					inSignIn = true
					mu.Unlock()
					if _, err := d.SignIn(t.Context(), "bob", "wrong"); !errors.Is(err, auth.ErrInvalidCredentials) {
						t.Fatal(err)
					}
				}
				d.pool.mu.Lock()
				idle := len(d.pool.idle)
				d.pool.mu.Unlock()
				if _, _, conns := h.told(); idle > size || (size > 1 && conns > 2) {
					t.Errorf("%d connections were made, %d are kept", conns, idle)
				}
			})
		}
	}
}

// No log and no error has a password in it.
func TestPasswordsAreNotLogged(t *testing.T) {
	var log bytes.Buffer
	h := startHostile(t, nil)
	cfg := h.config()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d := opened(t, cfg)
	var errs []error
	try := func(password string) {
		_, err := d.SignIn(t.Context(), "bob", password)
		errs = append(errs, err)
	}
	try("hunter2-wrong")
	h.onBind(func(a *asked, _, password string) { a.bound(ldapv3.LDAPResultOther, "no") })
	try("hunter2-refused")
	h.onBind(func(a *asked, _, _ string) { a.conn.Close() })
	try("hunter2-gone")
	if all := log.String() + errors.Join(errs...).Error(); strings.Contains(all, "hunter2") || strings.Contains(all, secret) {
		t.Error(all)
	}
}
