package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"foyer/app/auth/passkey"
	"foyer/internal/budget"
	"foyer/models"
)

// Passkeys of accounts (decision 23). One is made by somebody who types their password, and it stands on what that
// proves: the account's own password, or an identity at the source that takes the form, which is asked at each sign-in
// whether they are still there. Who has no password to type has no passkeys here: a provider and a proxy decide
// themselves about every sign-in, and are not to be got around.

// Passkeys makes, checks and removes them. It is safe for concurrent use.
type Passkeys struct{ s *Service }

// What a passkey may be refused for. Each is a sentence for the person.
const (
	// ErrNoChallenge: this browser was not asked for that, too long ago, or it has answered already.
	ErrNoChallenge = Refusal("That took too long, or was answered already. Please try again.")

	ErrUnknownPasskey  = Refusal("This passkey opens no account here; it may have been removed. Sign in another way.")
	ErrPasskeyRefused  = Refusal("That passkey was not accepted. Please try again, or sign in another way.")
	ErrPasskeyNotAlone = Refusal("That passkey seems to have been copied, and is not accepted. Sign in another way, and remove it in your settings.")
	ErrPasskeyIdle     = Refusal("That passkey opens nothing any more. Sign in the way you usually do.")
	ErrNoPasskeys      = Refusal("Passkeys here are for those who sign in with a password.")
	ErrPasskeyKept     = Refusal("That passkey is here already.")
)

// PasskeyRequest is what a browser is asked: to make a passkey, or to sign in by one.
type PasskeyRequest struct {
	Options []byte    // JSON, for the page's script
	Sealed  string    // for a cookie of that browser, less than 1 KiB: what Finish… has to know
	Expires time.Time // of both
}

// passkeyRecord is what is sealed. Session is empty, or that in which a passkey is made; the rest is about that one.
type passkeyRecord struct {
	Challenge string
	Site      string
	Began     time.Time

	Session  string    `json:",omitempty"`
	Name     string    `json:",omitempty"`
	Version  int       `json:",omitempty"` // of the password that was typed, or of none
	Identity string    `json:",omitempty"` // what it proved; empty: the account's own
	Proved   time.Time `json:",omitzero"`  // before that identity's source was asked, by the database's clock
}

func (k *Passkeys) seal(r passkeyRecord, options []byte) (PasskeyRequest, error) {
	r.Began = k.s.now()
	text, err := json.Marshal(r)
	if err != nil {
		return PasskeyRequest{}, err
	}
	sealed, err := sealFor(k.s.redirectKey, sealPasskey, text, []byte(r.Session))
	return PasskeyRequest{Options: options, Sealed: base64.RawURLEncoding.EncodeToString(sealed), Expires: r.Began.Add(passkey.Lifetime)}, err
}

// open returns what a cookie holds for a session, or for none, and notes that its challenge is answered: ErrNoChallenge.
func (k *Passkeys) open(ctx context.Context, site passkey.Site, cookie, session string) (r passkeyRecord, err error) {
	sealed, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || cookie == "" {
		return r, ErrNoChallenge
	}
	text, err := openFor(k.s.redirectKey, sealPasskey, sealed, []byte(session))
	if err != nil {
		return r, ErrNoChallenge
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, err
	}
	if age := k.s.now().Sub(r.Began); age > passkey.Lifetime || age < -time.Minute || r.Site != site.ID {
		return r, ErrNoChallenge
	}
	// Remembered for longer than it is good, so that clocks of several instances may differ.
	err = k.s.db.Passkeys.UseChallenge(ctx, r.Challenge, k.s.now().Add(passkey.Lifetime+time.Minute))
	if errors.Is(err, models.ErrTaken) {
		err = ErrNoChallenge
	}
	return r, err
}

func credentialOf(p models.Passkey) passkey.Credential {
	return passkey.Credential{ID: p.CredentialID, PublicKey: p.PublicKey, SignCount: p.SignCount, Synced: p.Synced}
}

func (k *Passkeys) holder(ctx context.Context, account models.Account) (passkey.Holder, error) {
	handle, err := k.s.db.Passkeys.Handle(ctx, account.ID)
	return passkey.Holder{Handle: handle, Username: account.Username, Name: account.Name}, err
}

// Begin asks the browser of somebody who is signed in for a new passkey, called name, once they have typed their
// password. Errors: those of Confirm; ErrNoPasskeys; models.ErrTooMany.
func (k *Passkeys) Begin(ctx context.Context, site passkey.Site, account models.Account, session models.Session, name, password string, from Client) (PasskeyRequest, error) {
	how, err := k.s.HowToConfirm(ctx, account, session)
	if err == nil && !how.Typed {
		err = ErrNoPasskeys
	}
	if err != nil {
		return PasskeyRequest{}, err
	}
	p, err := k.s.confirmTyped(ctx, account, password, from)
	if err != nil {
		return PasskeyRequest{}, err
	}
	list, err := k.s.db.Passkeys.Of(ctx, account.ID)
	if err == nil && len(list) >= models.MaxPasskeys {
		err = models.ErrTooMany
	}
	if err != nil {
		return PasskeyRequest{}, err
	}
	holder, err := k.holder(ctx, account)
	if err != nil {
		return PasskeyRequest{}, err
	}
	have := make([]passkey.Credential, len(list))
	for i, one := range list {
		have[i] = credentialOf(one)
	}
	asked, err := site.Begin(holder, have)
	if err != nil {
		return PasskeyRequest{}, err
	}
	return k.seal(passkeyRecord{Challenge: asked.Challenge, Site: site.ID, Session: session.ID, Name: name, Version: p.account.PasswordVersion, Identity: p.id, Proved: p.began}, asked.Options)
}

// Finish keeps the passkey that a browser made, and returns its name. Errors: ErrNoChallenge, ErrPasskeyRefused,
// ErrPasskeyKept; models.ErrTooMany; ErrGone: the password has changed since, the source has ended what it proved, or
// the session has ended.
func (k *Passkeys) Finish(ctx context.Context, site passkey.Site, cookie, answer string, account models.Account, session models.Session) (name string, err error) {
	r, err := k.open(ctx, site, cookie, session.ID)
	if err != nil {
		return "", err
	}
	holder, err := k.holder(ctx, account)
	if err != nil {
		return "", err
	}
	made, err := site.Finish(holder, r.Challenge, answer)
	if errors.Is(err, passkey.ErrRefused) {
		k.s.log.Warn("a passkey was not kept", "user", account.Username, "err", err)
		return "", ErrPasskeyRefused
	}
	if err != nil {
		return "", err
	}
	kept := models.Passkey{
		AccountID: account.ID, Site: site.ID, CredentialID: made.ID, PublicKey: made.PublicKey, SignCount: made.SignCount, Synced: made.Synced, Name: r.Name,
	}
	basis := models.SessionBasis{PasswordVersion: r.Version, Identity: models.IdentityBasis{ID: r.Identity, Began: r.Proved}}
	err = k.s.db.Passkeys.Create(ctx, &kept, session.ID, basis)
	switch {
	case errors.Is(err, models.ErrStale):
		err = ErrGone
	case errors.Is(err, models.ErrTaken):
		err = ErrPasskeyKept
	case err == nil:
		k.s.log.Info("a passkey was added", "user", account.Username, "passkey", kept.ID)
	}
	return r.Name, err
}

// BeginSignIn asks a browser for any passkey of this site. It costs no question to the database.
func (k *Passkeys) BeginSignIn(site passkey.Site) (PasskeyRequest, error) {
	asked, err := site.BeginSignIn()
	if err != nil {
		return PasskeyRequest{}, err
	}
	return k.seal(passkeyRecord{Challenge: asked.Challenge, Site: site.ID}, asked.Options)
}

// SignIn signs in who answers with a passkey. Failures count against the address. Errors: ErrNoChallenge and the
// others above; ErrBlocked; ErrUnreachable; ErrBusy; *ThrottledError.
func (k *Passkeys) SignIn(ctx context.Context, site passkey.Site, cookie, answer string, d Device) (SignedIn, error) {
	limits := k.s.throttle.limits("passkey", "", false, d.Client)
	if _, err := k.s.throttle.failures(ctx, limits); err != nil {
		return SignedIn{}, err
	}
	p, err := k.authenticate(ctx, site, cookie, answer, d.Client)
	if refused, ok := errors.AsType[Refusal](err); ok {
		return SignedIn{}, errors.Join(refused, k.s.throttle.failed(ctx, limits))
	}
	if err != nil {
		return SignedIn{}, err
	}
	in, err := k.s.startSession(ctx, p, d)
	if errors.Is(err, ErrInvalidCredentials) { // what it stands on ended meanwhile
		err = ErrPasskeyIdle
	}
	return in, err
}

func (k *Passkeys) authenticate(ctx context.Context, site passkey.Site, cookie, answer string, from Client) (authenticated, error) {
	r, err := k.open(ctx, site, cookie, "")
	if err != nil {
		return authenticated{}, err
	}
	began, err := k.s.db.Now(ctx)
	if err != nil {
		return authenticated{}, err
	}
	var kept models.Passkey
	p := authenticated{began: began}
	use, err := site.FinishSignIn(r.Challenge, answer, func(id []byte) (holder passkey.Holder, c passkey.Credential, err error) {
		kept, holder.Handle, p.account, err = k.s.db.Passkeys.ByCredential(ctx, id)
		if errors.Is(err, models.ErrNotFound) {
			err = ErrUnknownPasskey
		}
		return holder, credentialOf(kept), err
	})
	switch {
	case errors.Is(err, passkey.ErrRefused):
		k.s.failed.Warn(k.s.log, "passkey", "somebody was not signed in by a passkey", "user", p.account.Username, "err", err)
		return p, ErrPasskeyRefused
	case err != nil:
		return p, err
	case p.account.BlockedAt != nil:
		return p, ErrBlocked
	}
	p.passkey = kept.ID
	err = k.s.db.Passkeys.Use(ctx, kept.ID, use.SignCount)
	if errors.Is(err, models.ErrStale) {
		k.s.log.Warn("a passkey is refused: its authenticator counts backwards, as a copy of it would", "user", p.account.Username, "passkey", kept.ID, "count", use.SignCount, "before", kept.SignCount)
		err = ErrPasskeyNotAlone
	}
	if err != nil {
		return p, err
	}
	return k.stands(ctx, p, kept, from)
}

// stands checks that what a passkey stands on still opens the account: ErrPasskeyIdle; ErrUnreachable; ErrBusy.
func (k *Passkeys) stands(ctx context.Context, p authenticated, kept models.Passkey, from Client) (authenticated, error) {
	if kept.IdentityID == nil {
		if !k.s.passwords.has(p.account) {
			return p, ErrPasskeyIdle
		}
		return p, nil
	}
	list, err := k.s.db.Identities.Of(ctx, p.account.ID)
	if err != nil {
		return p, err
	}
	at := slices.IndexFunc(list, func(i models.Identity) bool { return i.ID == *kept.IdentityID })
	if at < 0 {
		return p, ErrPasskeyIdle // it was removed meanwhile
	}
	identity := list[at]
	source, ok := k.s.Source(identity.Source)
	if !ok || source.Method() != ByForm {
		return p, ErrPasskeyIdle // the settings have it no more
	}
	release, err := k.s.questions.enter(ctx, budget.Network(from.Address), true) // who has a passkey was here before
	if err != nil {
		return p, err
	}
	gone, err := source.Inactive(ctx, identitiesOf([]models.Identity{identity}))
	release()
	switch {
	case err != nil:
		k.s.failed.Warn(k.s.log, "passkey source", "somebody is not signed in by a passkey: their source does not say whether they are still there", "user", p.account.Username, "source", source.Name(), "err", err)
		return p, errors.Join(ErrUnreachable, err)
	case len(gone) > 0:
		return p, ErrPasskeyIdle // what else stands on it ends when the source is asked about all
	}
	p.source, p.id, p.person = source, identity.ID, Person{Issuer: identity.Issuer, Subject: identity.Subject, Login: identity.Login}
	return p, k.s.db.Identities.UseIdentity(ctx, p.id)
}

// Of returns an account's, the newest first.
func (k *Passkeys) Of(ctx context.Context, account models.Account) ([]models.Passkey, error) {
	return k.s.db.Passkeys.Of(ctx, account.ID)
}

// Remove takes a passkey from an account, on the word of the owner of a session, or of the operator (no session).
// What was signed in by it ends, except that session. models.ErrNotFound.
func (k *Passkeys) Remove(ctx context.Context, account models.Account, session, id string) error {
	ended, err := k.s.db.Passkeys.Remove(ctx, account.ID, id, session)
	if err != nil {
		return err
	}
	k.s.log.Info("a passkey was removed", "user", account.Username, "passkey", id)
	k.s.ended(ctx, account.Username, ended)
	return nil
}
