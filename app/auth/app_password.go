package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"

	"foyer/internal/sasl"
	"foyer/internal/stream"
	"foyer/models"
)

// App passwords are what apps on people's devices sign in to the chat with: made
// by the site, one for each app, shown once (decision 7).

// AppPasswords makes, checks and revokes them. It is safe for concurrent use.
type AppPasswords struct {
	tokens   *models.Tokens
	sessions *models.Sessions
	saltKey  []byte
	tell     func(context.Context, models.Event) // Config.Tell
	derive   deriveSCRAM
}

// deriveSCRAM is sasl.DeriveSCRAM, except in tests.
type deriveSCRAM func(hash sasl.SCRAMHash, password string, salt []byte, iterations int) (storedKey, serverKey []byte, err error)

func newAppPasswords(db *models.DB, saltKey []byte, tell func(context.Context, models.Event)) *AppPasswords {
	return &AppPasswords{tokens: db.Tokens, sessions: db.Sessions, saltKey: saltKey, tell: tell, derive: sasl.DeriveSCRAM}
}

// scramIterations is the least that RFC 7677 §4 allows: a password of 100 random
// bits is no easier to guess for it.
const scramIterations = 4096

// The characters of an app password: 32, none to be taken for another.
const appPasswordLetters = "abcdefghijkmnpqrstuvwxyz23456789"

// newAppPassword returns 20 characters in groups of four, 100 random bits.
func newAppPassword() string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	var b strings.Builder
	for i, r := range raw {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(appPasswordLetters[r%32])
	}
	return b.String()
}

// isAppPassword reports whether a password has the form of one; what has not
// need not be tried.
func isAppPassword(password string) bool {
	return len(password) == 24 && strings.Count(password, "-") == 4
}

// salt is an account's salt, whether or not there is such an account: it
// tells nothing (S-17).
func (ap *AppPasswords) salt(user string) []byte {
	m := hmac.New(sha256.New, ap.saltKey)
	m.Write([]byte(user))
	return m.Sum(nil)[:16]
}

// SCRAM returns what is kept of an account's app passwords (xmppd.Authority).
func (ap *AppPasswords) SCRAM(ctx context.Context, user string, hash sasl.SCRAMHash) (sasl.SCRAMCredentials, error) {
	c := sasl.SCRAMCredentials{Salt: ap.salt(user), Iterations: scramIterations}
	list, err := ap.tokens.AppPasswordKeys(ctx, user, string(hash))
	if err != nil {
		return c, err
	}
	for _, p := range list {
		c.Salt, c.Iterations = p.Salt, p.Iterations
		c.Keys = append(c.Keys, sasl.SCRAMKey{
			Identity:  stream.Identity{User: user, Session: p.ID},
			StoredKey: p.Keys[0].StoredKey, ServerKey: p.Keys[0].ServerKey,
		})
	}
	return c, nil
}

// CredentialUsed notes that an app password, or a token of an app's session, was used
// (xmppd.Authority).
func (ap *AppPasswords) CredentialUsed(ctx context.Context, id stream.Identity) error {
	blocked, err := ap.tokens.UseAppPassword(ctx, id.Session)
	if errors.Is(err, models.ErrNotFound) {
		blocked, err = ap.sessions.UseAppSession(ctx, id.Session)
	}
	switch {
	case errors.Is(err, models.ErrNotFound):
		return sasl.NotAuthorized
	case err == nil && blocked:
		return sasl.AccountDisabled
	}
	return err
}

// check checks an app password that came in clear, in the same time
// whether or not the account has any.
func (ap *AppPasswords) check(ctx context.Context, user, password string) (stream.Identity, error) {
	if !isAppPassword(password) {
		return stream.Identity{}, sasl.NotAuthorized
	}
	c, err := ap.SCRAM(ctx, user, sasl.SHA256)
	if err != nil {
		return stream.Identity{}, err
	}
	stored, _, err := ap.derive(sasl.SHA256, password, c.Salt, c.Iterations)
	if err != nil {
		return stream.Identity{}, err
	}
	for _, k := range c.Keys {
		if subtle.ConstantTimeCompare(stored, k.StoredKey) == 1 {
			return k.Identity, ap.CredentialUsed(ctx, k.Identity)
		}
	}
	return stream.Identity{}, sasl.NotAuthorized
}

// Create makes an app password for an account, in a session of it, and
// returns it: the only time that anybody sees it. Errors: models.ErrTooMany;
// ErrGone: the session has ended.
func (ap *AppPasswords) Create(ctx context.Context, a models.Account, session, name string) (string, error) {
	password := newAppPassword()
	p := models.AppPassword{AccountID: a.ID, Name: name, Salt: ap.salt(a.Username), Iterations: scramIterations}
	for _, hash := range sasl.SCRAMHashes() {
		stored, server, err := ap.derive(hash, password, p.Salt, p.Iterations)
		if err != nil {
			return "", err
		}
		p.Keys = append(p.Keys, models.AppPasswordKey{Hash: string(hash), StoredKey: stored, ServerKey: server})
	}
	err := ap.tokens.CreateAppPassword(ctx, &p, session)
	if errors.Is(err, models.ErrStale) {
		err = ErrGone
	}
	return password, err
}

// Revoke deletes an app password, and ends what signed in with it. One
// that is not there is no error.
func (ap *AppPasswords) Revoke(ctx context.Context, a models.Account, id string) error {
	if !models.IsID(id) {
		return nil
	}
	err := ap.tokens.RevokeAppPassword(ctx, a.ID, id)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	ap.tell(ctx, models.Event{Kind: models.EventEnded, User: a.Username, Session: id})
	return nil
}
