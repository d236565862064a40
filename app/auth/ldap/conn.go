package ldap

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	ldapv3 "github.com/go-ldap/ldap/v3"
)

// Bounds of what a directory may answer.
const (
	maxAnswer  = 4 << 20 // bytes, for one question
	maxEntries = 1000    // where they are not read page by page
	maxListed  = 500_000 // where they are
)

// page bounds each answer of those that are read page by page.
type page struct {
	entries uint32
	bytes   int64
}

var (
	ofPeople  = page{100, maxAnswer}
	ofMembers = page{5, 32 << 20} // groups with all their members: one may have 100,000
)

var errTooMuch = errors.New("the directory answers more than was asked for")

// boundedConn lets so many bytes in, and no more.
type boundedConn struct {
	net.Conn
	left atomic.Int64
}

// Read implements io.Reader.
func (c *boundedConn) Read(b []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(b[:min(int64(len(b)), left)])
	c.left.Add(int64(-n))
	return n, err
}

// conn is a connection to a directory. Its methods are for one goroutine.
type conn struct {
	server *server
	kind   kind
	l      *ldapv3.Conn
	raw    *boundedConn
	limit  time.Duration // for one question, if its context has none

	as     string // who has signed in; empty: nobody
	broken bool
	blame  bool      // it broke by the server's fault: nobody who asked went away, or had enough
	idle   time.Time // since when nobody uses it
}

// dial connects to a server, with TLS where its address says so.
func (s *server) dial(ctx context.Context, limit time.Duration) (*conn, error) {
	var dialer net.Dialer
	plain, err := dialer.DialContext(ctx, s.network, s.address.dial)
	if err != nil {
		return nil, err
	}
	over, err := s.secure(ctx, plain)
	if err != nil {
		plain.Close()
		return nil, err
	}
	c := &conn{server: s, raw: &boundedConn{Conn: over}, limit: limit}
	c.raw.left.Store(maxAnswer)
	c.l = ldapv3.NewConn(c.raw, s.tls || s.startTLS)
	c.l.SetTimeout(limit)
	c.l.Start()
	if c.kind, err = c.askKind(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// secure begins TLS.
func (s *server) secure(ctx context.Context, plain net.Conn) (net.Conn, error) {
	if !s.tls && !s.startTLS {
		return plain, nil
	}
	stop := context.AfterFunc(ctx, func() { _ = plain.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if s.startTLS {
		if err := startTLS(plain); err != nil {
			return nil, err
		}
	}
	over := tls.Client(plain, &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12})
	if err := over.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errTLS, err)
	}
	return over, nil
}

// Where speaking TLS failed, before anything was said.
var (
	errTLS      = errors.New("TLS")
	errStartTLS = errors.New("StartTLS")
)

// oidStartTLS is the operation (RFC 4511 §4.14.1).
const oidStartTLS = "1.3.6.1.4.1.1466.20037"

// startTLS asks for TLS on a new connection. What a server sends after its answer and
// before TLS is refused, not kept for later.
func startTLS(plain net.Conn) error {
	request := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	request.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(1), ""))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldapv3.ApplicationExtendedRequest, nil, "")
	op.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, oidStartTLS, ""))
	request.AppendChild(op)
	if _, err := plain.Write(request.Bytes()); err != nil {
		return err
	}
	in := bufio.NewReader(io.LimitReader(plain, 4096))
	answer, err := ber.ReadPacket(in)
	if err == nil {
		err = ldapv3.GetLDAPError(answer)
	}
	if err == nil && in.Buffered() > 0 {
		err = errors.New("more than the answer came before TLS")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errStartTLS, err)
	}
	return nil
}

// capabilityAD is what a root DSE of Active Directory says ([MS-ADTS] §3.1.1.3.4.3.1).
const capabilityAD = "1.2.840.113556.1.4.800"

func (c *conn) askKind(ctx context.Context) (kind, error) {
	entries, err := c.search(ctx, rootDSE("supportedCapabilities"))
	if err != nil || len(entries) != 1 {
		return standard, err
	}
	for _, v := range entries[0].GetEqualFoldAttributeValues("supportedCapabilities") {
		if v == capabilityAD {
			return activeDirectory, nil
		}
	}
	return standard, nil
}

func rootDSE(attributes ...string) *ldapv3.SearchRequest {
	return &ldapv3.SearchRequest{Scope: ldapv3.ScopeBaseObject, Filter: "(objectClass=*)", Attributes: attributes, SizeLimit: 1}
}

// do asks one question, within bounds: so many bytes are the maximum of an answer. An error that is not an answer of the directory
// leaves the connection unusable.
func (c *conn) do(ctx context.Context, most int64, ask func() error) error {
	began := time.Now()
	deadline := began.Add(c.limit)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(deadline) {
		deadline = sooner
	}
	c.raw.left.Store(most)
	_ = c.raw.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = c.raw.SetDeadline(time.Unix(1, 0)) })
	err := ask()
	if !stop() || !isAnswer(err) {
		c.blame = !errors.Is(err, ldapv3.ErrSizeLimitExceeded) && (ctx.Err() == nil || time.Since(began) > c.limit/4)
		c.close()
	}
	_ = c.raw.SetDeadline(time.Time{})
	if ctx.Err() != nil && err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return err
}

// isAnswer reports whether an error is one that the directory gave as its answer (RFC
// 4511 appendix A), after which the connection may go on.
func isAnswer(err error) bool {
	var answer *ldapv3.Error
	return err == nil || (errors.As(err, &answer) && answer.ResultCode < ldapv3.ErrorNetwork && answer.Packet != nil)
}

// bind signs in on the connection. A failed attempt leaves nobody signed in (RFC 4513
// §4).
func (c *conn) bind(ctx context.Context, dn, password string) error {
	c.as = ""
	var controls []ldapv3.Control
	err := c.do(ctx, maxAnswer, func() error {
		result, err := c.l.SimpleBind(ldapv3.NewSimpleBindRequest(dn, password, []ldapv3.Control{ldapv3.NewControlBeheraPasswordPolicy()}))
		if result != nil {
			controls = result.Controls
		}
		return err
	})
	if err == nil {
		c.as = dn
	}
	return bound(c.kind, controls, err)
}

// search asks for entries. Where there are more than the request's SizeLimit, it returns
// so many of them and LDAPResultSizeLimitExceeded. References to other servers are left
// out.
func (c *conn) search(ctx context.Context, r *ldapv3.SearchRequest) ([]*ldapv3.Entry, error) {
	if r.SizeLimit == 0 {
		r.SizeLimit = maxEntries
	}
	r.EnforceSizeLimit = true
	result, err := c.ask(ctx, r)
	if result == nil {
		return nil, err
	}
	return result.Entries, err
}

func (c *conn) ask(ctx context.Context, r *ldapv3.SearchRequest) (*ldapv3.SearchResult, error) {
	return c.askWithin(ctx, r, maxAnswer)
}

// askWithin is ask with another bound of the answer, in bytes.
func (c *conn) askWithin(ctx context.Context, r *ldapv3.SearchRequest, most int64) (result *ldapv3.SearchResult, err error) {
	r.DerefAliases = ldapv3.NeverDerefAliases
	r.TimeLimit = int(c.limit.Seconds())
	err = c.do(ctx, most, func() (err error) {
		result, err = c.l.Search(r)
		return err
	})
	return result, err
}

// searchAll asks for all entries, page by page (RFC 2696), and hands each to one. Any
// error means that some may be missing.
func (c *conn) searchAll(ctx context.Context, r *ldapv3.SearchRequest, size page, one func(*ldapv3.Entry) error) error {
	paging := ldapv3.NewControlPaging(size.entries)
	for range maxListed / int(size.entries) {
		some := *r
		some.Controls = append([]ldapv3.Control{paging}, r.Controls...)
		result, err := c.askWithin(ctx, &some, size.bytes)
		if err != nil {
			return err
		}
		for _, e := range result.Entries {
			if err := one(e); err != nil {
				return err
			}
		}
		next, _ := ldapv3.FindControl(result.Controls, ldapv3.ControlTypePaging).(*ldapv3.ControlPaging)
		if next == nil || len(next.Cookie) == 0 {
			return nil
		}
		paging.SetCookie(next.Cookie)
	}
	c.close()
	return errTooMuch
}

// values reads an attribute that may come in ranges, as Active Directory gives those with many values: next is
// the first that is missing; 0: none is ([MS-ADTS] §3.1.1.3.1.3.3).
func values(e *ldapv3.Entry, attr string) (list []string, next int, err error) {
	for _, a := range e.Attributes {
		name, bounds, ranged := cutFold(a.Name, ";range=")
		if !strings.EqualFold(name, attr) {
			continue
		}
		list = append(list, a.Values...)
		if _, last, _ := strings.Cut(bounds, "-"); ranged && last != "*" {
			n, err := strconv.Atoi(last)
			if err != nil || n < 0 || n > maxValues {
				return nil, 0, fmt.Errorf("%s: the directory answers with a range %.40q that is none", e.DN, a.Name)
			}
			next = n + 1
		}
	}
	return list, next, nil
}

// maxValues is the maximum number of values of one attribute.
const maxValues = 10_000_000

// cutFold is strings.Cut in any case of letters.
func cutFold(s, sep string) (before, after string, found bool) {
	at := strings.Index(strings.ToLower(s), sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// allValues reads an attribute of an entry that a search has found, to the last value.
func (c *conn) allValues(ctx context.Context, e *ldapv3.Entry, attr string) ([]string, error) {
	list, next, err := values(e, attr)
	for from := next; err == nil && from > 0; from = next {
		var result *ldapv3.SearchResult
		result, err = c.ask(ctx, &ldapv3.SearchRequest{
			BaseDN: e.DN, Scope: ldapv3.ScopeBaseObject, Filter: "(objectClass=*)", Attributes: []string{fmt.Sprintf("%s;range=%d-*", attr, from)},
		})
		if err == nil && len(result.Entries) != 1 {
			err = fmt.Errorf("%s: the directory does not give all of its values of %s", e.DN, attr)
		}
		if err != nil {
			break
		}
		var some []string
		some, next, err = values(result.Entries[0], attr)
		if err == nil && (len(some) == 0 || next > 0 && next <= from) {
			err = fmt.Errorf("%s: the directory gives its values of %s without coming to an end", e.DN, attr)
		}
		list = append(list, some...)
	}
	return list, err
}

// close ends the connection; a second time it does nothing.
func (c *conn) close() {
	if c.broken {
		return
	}
	c.broken = true
	_ = c.raw.SetDeadline(time.Unix(1, 0)) // whatever waits there ends first
	_ = c.l.Close()
}
