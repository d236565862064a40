// Package passkey makes and checks passkeys (Web Authentication Level 3): what a browser is asked for, and whether its
// answer is one to that question. It knows neither accounts nor sessions nor the database. Attestation is not asked for,
// so that any authenticator will do; each has to keep its passkeys (discoverable credentials), and to verify who holds it.
package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Lifetime is how long an answer may take.
const Lifetime = 5 * time.Minute

// maxAnswer is the maximum length of a browser's answer, in bytes: with a key, its id of at most 1,023 bytes and no
// attestation it has some 4 KiB.
const maxAnswer = 16 << 10

// MaxCredentialID is the maximum length of what a passkey is known by, in bytes (WebAuthn §5.8.3).
const MaxCredentialID = 1023

// ErrNoDomain: passkeys belong to a domain (WebAuthn §5.1.2), and the site's host is none.
var ErrNoDomain = errors.New("passkeys belong to a domain such as chat.example.org, and the host of the site's address is none")

// ErrRefused: the answer proves nothing. The error that wraps it says why, for a log.
var ErrRefused = errors.New("passkey: that proves nobody")

// Site is for whom passkeys are: the relying party.
type Site struct {
	ID     string // the host in its address: passkeys are good there, and nowhere else
	Origin string // of its pages
	Name   string // as people see it
}

// SiteAt is the site whose public URL is an origin in its normal form: ErrNoDomain.
func SiteAt(origin, name string) (Site, error) {
	u, err := url.Parse(origin)
	if err != nil {
		return Site{}, err
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return Site{}, ErrNoDomain
	}
	if err := protocol.ValidateRPID(host); err != nil {
		return Site{}, fmt.Errorf("%w: %w", ErrNoDomain, err)
	}
	return Site{ID: host, Origin: origin, Name: name}, nil
}

// Holder is whose a passkey is.
type Holder struct {
	Handle         []byte // opaque, at most 64 bytes; who keeps passkeys tells people apart by it
	Username, Name string // as the browser shows them
}

// Credential is a passkey, as the site keeps it.
type Credential struct {
	ID        []byte // what the authenticator calls it
	PublicKey []byte // COSE
	SignCount uint32 // how often it was used, as its authenticator counts; 0: it does not
	Synced    bool   // it may be on several devices (BE), which never changes
}

// Request is what a browser is asked.
type Request struct {
	Options   []byte // JSON, as navigator.credentials takes them (§5.4, §5.5); byte strings are base64url
	Challenge string // random; the answer brings it back, signed
}

// algorithms are those of the keys that are taken, the best liked first.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

func (s Site) relyingParty() (*webauthn.WebAuthn, error) {
	limit := webauthn.TimeoutConfig{Timeout: Lifetime}
	return webauthn.New(&webauthn.Config{
		RPID: s.ID, RPDisplayName: s.Name, RPOrigins: []string{s.Origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: limit, Registration: limit},
	})
}

// holder is a Holder with passkeys, as the library asks for them.
type holder struct {
	Holder
	has []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return h.Handle }
func (h holder) WebAuthnName() string                       { return h.Username }
func (h holder) WebAuthnDisplayName() string                { return h.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.has }

func (c Credential) record() webauthn.Credential {
	return webauthn.Credential{
		ID: c.ID, PublicKey: c.PublicKey, AttestationFormat: "none",
		Flags: webauthn.CredentialFlags{BackupEligible: c.Synced}, Authenticator: webauthn.Authenticator{SignCount: c.SignCount},
	}
}

// Begin asks for a new passkey. An authenticator that keeps one of have already makes no other.
func (s Site) Begin(h Holder, have []Credential) (Request, error) {
	party, err := s.relyingParty()
	if err != nil {
		return Request{}, err
	}
	exclude := make([]protocol.CredentialDescriptor, len(have))
	for i, c := range have {
		exclude[i] = protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: c.ID}
	}
	creation, session, err := party.BeginRegistration(holder{Holder: h}, webauthn.WithExclusions(exclude), webauthn.WithCredentialParameters(algorithms))
	if err != nil {
		return Request{}, err
	}
	options, err := json.Marshal(creation.Response)
	return Request{Options: options, Challenge: session.Challenge}, err
}

// Finish returns the passkey that a browser made when it was asked with a challenge: ErrRefused.
func (s Site) Finish(h Holder, challenge, answer string) (Credential, error) {
	party, err := s.relyingParty()
	if err != nil {
		return Credential{}, err
	}
	if len(answer) > maxAnswer {
		return Credential{}, refused(errors.New("it is too long"))
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return Credential{}, refused(err)
	}
	session := webauthn.SessionData{
		Challenge: challenge, RelyingPartyID: s.ID, UserID: h.Handle, UserVerification: protocol.VerificationRequired, CredParams: algorithms,
	}
	made, err := party.CreateCredential(holder{Holder: h}, session, parsed)
	if err != nil {
		return Credential{}, refused(err)
	}
	if len(made.ID) == 0 || len(made.ID) > MaxCredentialID {
		return Credential{}, refused(fmt.Errorf("its id has %d bytes", len(made.ID)))
	}
	return Credential{ID: made.ID, PublicKey: made.PublicKey, SignCount: made.Authenticator.SignCount, Synced: made.Flags.BackupEligible}, nil
}

// BeginSignIn asks for any passkey of this site.
func (s Site) BeginSignIn() (Request, error) {
	party, err := s.relyingParty()
	if err != nil {
		return Request{}, err
	}
	assertion, session, err := party.BeginDiscoverableLogin()
	if err != nil {
		return Request{}, err
	}
	options, err := json.Marshal(assertion.Response)
	return Request{Options: options, Challenge: session.Challenge}, err
}

// Use is a passkey that somebody has proved to have.
type Use struct {
	SignCount uint32 // as its authenticator counts now; whether it went forward is not checked
}

// FinishSignIn checks the answer to a challenge. find returns the passkey that has an id, and whose it is; its errors
// are returned as they are. ErrRefused.
func (s Site) FinishSignIn(challenge, answer string, find func(id []byte) (Holder, Credential, error)) (Use, error) {
	party, err := s.relyingParty()
	if err != nil {
		return Use{}, err
	}
	if len(answer) > maxAnswer {
		return Use{}, refused(errors.New("it is too long"))
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return Use{}, refused(err)
	}
	if len(parsed.RawID) > MaxCredentialID {
		return Use{}, refused(fmt.Errorf("its id has %d bytes", len(parsed.RawID)))
	}
	h, kept, err := find(parsed.RawID)
	if err != nil {
		return Use{}, err
	}
	session := webauthn.SessionData{Challenge: challenge, RelyingPartyID: s.ID, UserVerification: protocol.VerificationRequired}
	owner := func(_, _ []byte) (webauthn.User, error) { return holder{h, []webauthn.Credential{kept.record()}}, nil } // whose handle is compared
	if _, _, err = party.ValidatePasskeyLogin(owner, session, parsed); err != nil {
		return Use{}, refused(err)
	}
	return Use{SignCount: parsed.Response.AuthenticatorData.Counter}, nil
}

// refused is ErrRefused for a reason. The library's errors keep what they are about to themselves.
func refused(why error) error {
	if detailed, ok := errors.AsType[*protocol.Error](why); ok && detailed.DevInfo != "" {
		return fmt.Errorf("%w: %s: %s", ErrRefused, detailed.Details, detailed.DevInfo)
	}
	return fmt.Errorf("%w: %w", ErrRefused, why)
}
