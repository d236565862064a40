package push

import (
	"context"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"syscall"
	"time"

	"foyer/internal/netaddr"
	"foyer/models"

	webpush "github.com/SherClockHolmes/webpush-go"
)

// How often and when a notification is tried.
const (
	maxTries   = 4 // the first one included
	firstRetry = 10 * time.Second
	maxRetry   = time.Hour // beyond it the push service is not asked again
	keptFor    = 24 * time.Hour
	maxAddress = 2048 // bytes of an endpoint
)

// job is one notification for one browser, or for all of a person's while session is empty.
type job struct {
	user    string
	title   string // of the room
	m       message
	payload []byte
	session string
	sub     models.PushSubscription
	tried   int
}

// keyPair is the site's own (RFC 8292 §2), in base64url as the library takes it.
type keyPair struct {
	public, private string
	topics          []byte // key of the topics' names
}

// newKeyPair makes the key pair that follows from a secret.
func newKeyPair(secret []byte) (keyPair, error) {
	if len(secret) < 32 {
		return keyPair{}, errors.New("push: the key is shorter than 32 bytes")
	}
	for n := byte(0); ; n++ { // one in 2^32 is none
		private, err := ecdh.P256().NewPrivateKey(derive(secret, "vapid", string(n)))
		if err == nil {
			enc := base64.RawURLEncoding
			return keyPair{enc.EncodeToString(private.PublicKey().Bytes()), enc.EncodeToString(private.Bytes()), derive(secret, "topics", "")}, nil
		}
		if n == 255 {
			return keyPair{}, err
		}
	}
}

func derive(secret []byte, purpose, more string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose + "\x00" + more))
	return mac.Sum(nil)
}

// newClient returns a client that leads nowhere but to push services on the internet. It
// follows no redirect, and uses no proxy, behind which it could not see where an address leads.
func newClient(roots *x509.CertPool, loopback bool) *http.Client {
	control := netaddr.OnlyPublic
	if loopback {
		control = publicOrLoopback
	}
	dialer := &net.Dialer{Timeout: sendTime, Control: control}
	return &http.Client{
		Timeout: sendTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: sendTime, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Minute, MaxIdleConns: maxIdle, MaxIdleConnsPerHost: ofOneOnce,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func publicOrLoopback(network, address string, c syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().Unmap().IsLoopback() {
		return nil
	}
	return netaddr.OnlyPublic(network, address, c)
}

// ErrEndpoint: a subscription that leads where nothing is sent, or has keys that are none.
var ErrEndpoint = errors.New("push: not a subscription at a push service on the internet")

// Check refuses subscriptions to which nothing can be sent, or must not: what a browser
// names is an address of somebody else's choice.
func (s *Service) Check(p models.PushSubscription) error {
	if _, err := ecdh.P256().NewPublicKey(p.P256DH); err != nil || len(p.Auth) != 16 || len(p.Endpoint) > maxAddress {
		return ErrEndpoint
	}
	u, err := url.Parse(p.Endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return ErrEndpoint
	}
	ip, err := netip.ParseAddr(u.Hostname())
	onLoopback := u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
	switch {
	case onLoopback && s.cfg.Loopback && (u.Scheme == "http" || u.Scheme == "https"):
		return nil
	case u.Scheme != "https", onLoopback, err == nil && !netaddr.IsPublic(ip):
		return ErrEndpoint
	}
	return nil
}

// send sends a notification in its turn, and does not wait for that.
func (s *Service) send(ctx context.Context, j job) {
	leave, ok := s.places.TryAcquire(j.user, 1)
	if !ok {
		return
	}
	s.senders.Go(func() {
		defer leave()
		done, err := s.slots.Acquire(ctx, j.user, 1)
		if err != nil {
			return // ctx has ended
		}
		again, after := s.sendOne(ctx, j)
		done()
		if again {
			s.retry(ctx, j, after)
		}
	})
}

// sendOne sends a notification, and reports whether and when it is worth trying again.
func (s *Service) sendOne(ctx context.Context, j job) (again bool, after time.Duration) {
	after = firstRetry << (2 * j.tried)
	answer, err := s.post(ctx, j)
	if err != nil {
		s.note(j, slog.LevelInfo, "a push service does not answer", "err", withoutAddress(err))
		return ctx.Err() == nil, after
	}
	answer.Body.Close()
	switch code := answer.StatusCode; {
	case code/100 == 2:
		return false, 0
	case code == http.StatusNotFound, code == http.StatusGone: // RFC 8030 §7.3
		if err := s.cfg.Store.RemovePushSubscription(ctx, j.session, j.sub.Endpoint); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Error("a push subscription that is gone was not removed", "user", j.user, "err", err)
		}
		return false, 0
	case code == http.StatusTooManyRequests, code/100 == 5: // RFC 8030 §8.4
		if told, ok := retryAfter(answer.Header.Get("Retry-After"), time.Now()); ok {
			after = told
		}
		return true, after
	default:
		s.note(j, slog.LevelWarn, "a push service refuses a notification", "status", code)
		return false, 0
	}
}

// note logs what came of a notification, but not all that a service answers which somebody chose for that.
func (s *Service) note(j job, level slog.Level, what string, more ...any) {
	if s.lines.Allow(j.user, 1) {
		s.cfg.Logger.With("service", host(j.sub.Endpoint), "user", j.user).Log(context.Background(), level, what, more...)
	}
}

func (s *Service) post(ctx context.Context, j job) (*http.Response, error) {
	if err := s.Check(j.sub); err != nil {
		return nil, err // kept under other rules
	}
	enc := base64.RawURLEncoding
	topic := derive(s.key.topics, j.user, j.m.room+"\x00"+s.conversation(j.m)) // RFC 8030 §5.4: 32 characters, which tell nothing
	// It is the same for all browsers of an account, and would be padded in place where there is room.
	return webpush.SendNotificationWithContext(ctx, slices.Clip(j.payload),
		&webpush.Subscription{Endpoint: j.sub.Endpoint, Keys: webpush.Keys{P256dh: enc.EncodeToString(j.sub.P256DH), Auth: enc.EncodeToString(j.sub.Auth)}},
		&webpush.Options{
			HTTPClient: s.client, Subscriber: s.cfg.Contact, Topic: enc.EncodeToString(topic[:24]), TTL: int(keptFor / time.Second),
			Urgency: webpush.UrgencyHigh, VAPIDPublicKey: s.key.public, VAPIDPrivateKey: s.key.private,
		})
}

// retry looks at a notification again after a while: whether its person has come back, or the
// session has ended meanwhile.
func (s *Service) retry(ctx context.Context, j job, after time.Duration) {
	j.tried++
	if j.tried >= maxTries || after > maxRetry {
		return
	}
	leave, ok := s.again.TryAcquire(j.user, 1)
	if !ok {
		return
	}
	s.senders.Go(func() {
		defer leave()
		select {
		case <-time.After(after):
		case <-ctx.Done():
			return
		}
		if err := s.tell(ctx, []string{j.user}, j); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Error("a notification was not tried again", "user", j.user, "err", err)
		}
	})
}

// retryAfter reads a Retry-After header (RFC 9110 §10.2.3).
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if n, err := strconv.Atoi(value); err == nil && n >= 0 {
		return min(time.Duration(n), 366*24*3600) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// host is all that the log says of an endpoint: who knows the rest can send to it.
func host(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Host
}

func withoutAddress(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return fmt.Errorf("%s: %w", failed.Op, failed.Err)
	}
	return err
}
