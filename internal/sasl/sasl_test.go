package sasl

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"foyer/internal/stream"
)

func options() Options {
	return Options{Verifier: accounts{user: "alice", password: "secret", salt: []byte("salt")}, Domain: "h", Plain: true}
}

// RFC 6120 §6.3.3, §6.5.8 (S-12): what is offered, in which order, and why the rest
// is refused.
func TestNames(t *testing.T) {
	o := options()
	o.External, o.SCRAM = stream.Identity{User: "alice"}, true
	if got, want := Names(o), []string{"EXTERNAL", "SCRAM-SHA-256", "SCRAM-SHA-512", "SCRAM-SHA-1", "PLAIN"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for name, want := range map[string]Failure{"SCRAM-SHA-1": MechanismTooWeak, "SCRAM-SHA-256-PLUS": MechanismTooWeak, "EXTERNAL": InvalidMechanism, "X": InvalidMechanism, "": InvalidMechanism} {
		if _, err := New(name, options()); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if _, err := New("PLAIN", Options{}); !errors.Is(err, MechanismTooWeak) {
		t.Errorf("PLAIN where it is not private: %v", err)
	}
	if names := Names(Options{}); names != nil {
		t.Errorf("%v", names)
	}
}

// RFC 4616 §2, RFC 6120 §6.3.8, §6.5 (S-13).
func TestPlain(t *testing.T) {
	for message, want := range map[string]error{
		"\x00alice\x00secret":           nil,
		"\x00ALICE\x00secret":           nil,
		"alice@h\x00alice\x00secret":    nil,
		"bob@h\x00alice\x00secret":      InvalidAuthzid,
		"alice@h/r\x00alice\x00secret":  InvalidAuthzid,
		"\x00alice\x00wrong":            NotAuthorized,
		"\x00a b\x00secret":             NotAuthorized,
		"\x00alice@h\x00secret":         NotAuthorized,
		"\x00alice/r\x00secret":         NotAuthorized,
		"alice\x00secret":               MalformedRequest,
		"\x00alice\x00":                 MalformedRequest,
		"\x00\x00secret":                MalformedRequest,
		"\x00alice\x00secret\x00secret": MalformedRequest,
		"":                              MalformedRequest,
	} {
		m, err := New("PLAIN", options())
		if err != nil {
			t.Fatal(err)
		}
		step, err := m.Next(t.Context(), []byte(message))
		if !errors.Is(err, want) || step.Done != (want == nil) || (want == nil && step.Identity.User != "alice") {
			t.Errorf("%q: %+v %v, want %v", message, step, err, want)
		}
	}
}

// XEP-0178 §2: the site knows who is calling.
func TestExternal(t *testing.T) {
	o := options()
	o.External = stream.Identity{User: "alice", Session: "s"}
	for authzid, want := range map[string]error{"": nil, "alice@h": nil, "bob@h": InvalidAuthzid, "@": InvalidAuthzid} {
		m, err := New("EXTERNAL", o)
		if err != nil {
			t.Fatal(err)
		}
		step, err := m.Next(t.Context(), []byte(authzid))
		if !errors.Is(err, want) || (want == nil && step.Identity != o.External) {
			t.Errorf("%q: %+v %v, want %v", authzid, step, err, want)
		}
	}
}

// RFC 6120 §6.5.12: what a Verifier says goes on as it is.
func TestVerifierErrors(t *testing.T) {
	for _, refusal := range []error{TemporaryAuthFailure, AccountDisabled, errors.New("the database is away")} {
		o := options()
		o.SCRAM, o.Verifier = true, accounts{user: "alice", password: "secret", err: refusal}
		for name, first := range map[string]string{"PLAIN": "\x00alice\x00secret", "SCRAM-SHA-256": "n,,n=alice,r=a"} {
			m, err := New(name, o)
			if err != nil {
				t.Fatal(err)
			}
			if step, err := m.Next(t.Context(), []byte(first)); !errors.Is(err, refusal) || step.Done {
				t.Errorf("%s: %+v %v, want %v", name, step, err, refusal)
			}
		}
	}
}

// tokens is a TokenVerifier.
type tokens struct {
	list []Token
	used int
}

func (v *tokens) Tokens(context.Context, string) ([]Token, error) { return v.list, nil }

func (v *tokens) Used(_ context.Context, i int) error {
	v.used = i
	return nil
}

// draft-schmaus-kitten-sasl-ht §3: a token proves itself, by its own mechanism and on
// its own connection only, while it lasts.
func TestHT(t *testing.T) {
	o := options()
	o.Binding = stream.Binding{Exporter: []byte("exported")}
	later := time.Now().Add(time.Hour)
	list := []Token{
		{Mechanism: HTExporter, Secret: "another", Expires: later},
		{Mechanism: HTExporter, Secret: "token", Expires: later, Identity: stream.Identity{User: "alice"}},
		{Mechanism: HTPlain, Secret: "plain", Expires: later},
		{Mechanism: HTExporter, Secret: "old", Expires: time.Now().Add(-time.Hour)},
	}
	proof := func(secret, message string) string {
		return "alice\x00" + string(mac(SHA256, []byte(secret), []byte(message)))
	}
	for message, want := range map[string]error{
		proof("token", "Initiatorexported"):       nil,
		proof("token", "Initiator"):               NotAuthorized,
		proof("token", "Responderexported"):       NotAuthorized,
		proof("plain", "Initiatorexported"):       NotAuthorized,
		proof("", "Initiatorexported"):            NotAuthorized,
		proof("old", "Initiatorexported"):         CredentialsExpired,
		"alice":                                   MalformedRequest,
		" " + proof("token", "Initiatorexported"): NotAuthorized,
	} {
		v := &tokens{list: list, used: -1}
		m, err := NewHT(HTExporter, o, v)
		if err != nil {
			t.Fatal(err)
		}
		step, err := m.Next(t.Context(), []byte(message))
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", message, err, want)
		}
		if want == nil && (v.used != 1 || step.Identity.User != "alice" || string(step.Reply) != string(mac(SHA256, []byte("token"), []byte("Responderexported")))) {
			t.Errorf("%+v, used %d", step, v.used)
		}
		if want != nil && v.used != -1 {
			t.Errorf("%q: a token was used", message)
		}
	}
	empty := &tokens{}
	m, err := NewHT(HTPlain, o, empty)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Next(t.Context(), []byte(proof("", "Initiator"))); !errors.Is(err, NotAuthorized) {
		t.Errorf("no token at all: %v", err)
	}
	if _, err := NewHT(HTEndpoint, o, empty); !errors.Is(err, InvalidMechanism) {
		t.Errorf("a binding that is not there: %v", err)
	}
}
