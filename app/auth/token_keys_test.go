package auth

import (
	"errors"
	"strings"
	"testing"

	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/token"
)

// external is a site whose chat server is another program.
func external(c *Config) { c.External, c.SignedTokens = true, true }

// identity signs somebody in to the site.
func (s *site) identity(a models.Account) stream.Identity {
	s.t.Helper()
	in, err := s.startSession(s.t.Context(), authenticated{account: a}, Device{})
	is(s.t, err, nil)
	session, _, err := s.Session(s.t.Context(), in.Secret)
	is(s.t, err, nil)
	return ChatIdentity(a, session)
}

// What is signed for the external server says who it is, is for that server alone, and
// is good once, until its session ends.
func TestUpstream_ExternalServer(t *testing.T) {
	for _, alg := range []string{"EdDSA", "HS256"} {
		s := newSite(t, func(c *Config) { external(c); c.TokenAlg = alg })
		ctx := t.Context()
		alice := s.identity(s.account("alice"))
		user, secret, err := s.Upstream(ctx, alice)
		if err != nil || user != "alice" || len(secret) > token.MaxLength {
			t.Fatalf("%s %d bytes %v", user, len(secret), err)
		}
		signer, err := s.tokenKeys.upstreamSigner(ctx)
		is(t, err, nil)
		c, err := signer.Verify(secret)
		if err != nil || c.JID != "alice@h" || c.Session != alice.Session || c.Audience[0] != "xmpp:h" {
			t.Errorf("%+v %v", c, err)
		}
		if _, err := s.tokenKeys.own.Verify(secret); !errors.Is(err, token.ErrInvalid) {
			t.Error("the site's own key verifies it:", err)
		}

		_, err = s.Password(ctx, "bob", secret, stream.Peer{})
		is(t, err, sasl.NotAuthorized)
		id, err := s.Password(ctx, "alice", secret, stream.Peer{})
		if err != nil || id.Session != alice.Session {
			t.Errorf("%+v %v", id, err)
		}
		_, err = s.Password(ctx, "alice", secret, stream.Peer{}) // once
		is(t, err, sasl.NotAuthorized)

		_, late, err := s.Upstream(ctx, alice)
		is(t, err, nil)
		is(t, s.db.Sessions.EndSession(ctx, 1, alice.Session), nil)
		_, err = s.Password(ctx, "alice", late, stream.Peer{}) // dead with its session
		is(t, err, sasl.NotAuthorized)
		_, _, err = s.Upstream(ctx, alice)
		is(t, err, sasl.NotAuthorized)
	}
}

// In mode signed, pages get tokens for the server they are for.
func TestChatToken_External(t *testing.T) {
	s := newSite(t, external)
	a := s.account("alice")
	text, err := s.ChatToken(t.Context(), a, s.identity(a).Session)
	is(t, err, nil)
	signer, err := s.tokenKeys.upstreamSigner(t.Context())
	is(t, err, nil)
	if _, err := signer.Verify(text); err != nil {
		t.Error(err)
	}
}

// A key is published before it signs and after; tokens of both are good meanwhile.
func TestTokenKeys_Rotation(t *testing.T) {
	s := newSite(t, external)
	ctx := t.Context()
	alice := s.identity(s.account("alice"))
	mint := func() string {
		t.Helper()
		_, text, err := s.Upstream(ctx, alice)
		is(t, err, nil)
		return text
	}
	published := func(want int) []token.JWK {
		t.Helper()
		set, err := s.TokenKeys().Public(ctx)
		if err != nil || len(set.Keys) != want {
			t.Errorf("%d keys are published, not %d: %v", len(set.Keys), want, err)
		}
		return set.Keys
	}
	first := mint()
	published(1)
	is(t, s.TokenKeys().Switch(ctx), models.ErrNotFound)
	is(t, s.TokenKeys().Prepare(ctx, ""), nil)
	is(t, s.TokenKeys().Prepare(ctx, ""), models.ErrTaken)
	keys := published(2)
	if next := mint(); token.KeyID(next) != token.KeyID(first) || token.KeyID(next) == keys[0].ID {
		t.Error("the next key signs already")
	}
	is(t, s.TokenKeys().Switch(ctx), nil)
	published(2)
	second := mint()
	if token.KeyID(second) != keys[0].ID {
		t.Error("the next key does not sign")
	}
	for _, text := range []string{first, second} {
		_, err := s.Password(ctx, "alice", text, stream.Peer{})
		is(t, err, nil)
	}
	old := token.KeyID(first)
	is(t, s.TokenKeys().Drop(ctx, keys[0].ID), models.ErrNotFound) // it signs
	is(t, s.TokenKeys().Drop(ctx, old), nil)
	published(1)

	// A secret that is shared is not published.
	is(t, s.TokenKeys().Prepare(ctx, "HS256"), nil)
	is(t, s.TokenKeys().Switch(ctx), nil)
	published(1)
	list, err := s.TokenKeys().List(ctx)
	if err != nil || len(list) != 2 || list[0].JWK.Type != "oct" || list[1].JWK.Type != "OKP" {
		t.Errorf("%+v %v", list, err)
	}
}

// The database does not have the keys: they follow from TOKEN_KEY, and another one is
// noticed.
func TestTokenKeys_OtherTokenKey(t *testing.T) {
	s := newSite(t, func(c *Config) { external(c); c.TokenKey = "0123456789abcdef0123456789abcdef" })
	ctx := t.Context()
	alice := s.identity(s.account("alice"))
	_, old, err := s.Upstream(ctx, alice)
	is(t, err, nil)
	cfg := s.cfg
	cfg.TokenKey = "another 32 bytes, for all to see"
	other, err := New(ctx, cfg)
	is(t, err, nil)
	_, _, err = other.Upstream(ctx, alice)
	is(t, err, ErrOtherTokenKey)
	_, err = other.Password(ctx, "alice", old, stream.Peer{})
	is(t, err, ErrOtherTokenKey)
	list, err := other.TokenKeys().List(ctx)
	if err != nil || len(list) != 1 || !list[0].Stale {
		t.Errorf("%+v %v", list, err)
	}
	is(t, other.TokenKeys().Prepare(ctx, ""), nil) // the way out
	is(t, other.TokenKeys().Switch(ctx), nil)
	_, _, err = other.Upstream(ctx, alice)
	is(t, err, nil)
}

func BenchmarkUpstream(b *testing.B) {
	s := newSite(b, external)
	alice := s.identity(s.account("alice"))
	for b.Loop() {
		if _, _, err := s.Upstream(b.Context(), alice); err != nil {
			b.Fatal(err)
		}
	}
}

// The name of a key is given to `foyer token key drop`, where one that begins with "-"
// would be a flag (RFC 7638 has one in 64 begin so).
func TestTokenKeys_NamesAreNoFlags(t *testing.T) {
	s := newSite(t, external)
	for range 400 {
		_, id, err := s.tokenKeys.newNonce("EdDSA", "xmpp:h")
		is(t, err, nil)
		if strings.HasPrefix(id, "-") {
			t.Fatalf("a key is called %s", id)
		}
	}
}
