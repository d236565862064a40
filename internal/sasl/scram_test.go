package sasl

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"

	"foyer/internal/stream"
)

// accounts is a Verifier with one account.
type accounts struct {
	user, password string
	salt           []byte
	err            error // of everything
}

func (a accounts) Password(_ context.Context, user, password string) (stream.Identity, error) {
	if user != a.user || password != a.password {
		return stream.Identity{}, errors.Join(NotAuthorized, a.err)
	}
	return stream.Identity{User: user}, a.err
}

func (a accounts) SCRAM(_ context.Context, user string, hash SCRAMHash) (SCRAMCredentials, error) {
	c := SCRAMCredentials{Salt: a.salt, Iterations: 4096}
	if user != a.user {
		return c, a.err
	}
	stored, server, err := DeriveSCRAM(hash, a.password, a.salt, c.Iterations)
	c.Keys = []SCRAMKey{{stream.Identity{User: user}, stored, server}}
	return c, errors.Join(err, a.err)
}

func (a accounts) CredentialUsed(context.Context, stream.Identity) error { return a.err }

// RFC 5802 §5, RFC 7677 §3 (S-12, S-13): their examples, byte for byte.
func TestSCRAM_Vectors(t *testing.T) {
	for _, v := range []struct {
		hash                                  SCRAMHash
		salt, client, server, proof, verifier string
	}{
		{SHA1, "QSXCR+Q6sek8bf92", "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j",
			"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
		{SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
			"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
	} {
		salt, err := base64.StdEncoding.DecodeString(v.salt)
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Verifier: accounts{user: "user", password: "pencil", salt: salt}, Domain: "h"}
		x := &scram{Options: o, hash: v.hash, nonce: v.server}
		step, err := x.Next(t.Context(), []byte("n,,n=user,r="+v.client))
		if want := "r=" + v.client + v.server + ",s=" + v.salt + ",i=4096"; err != nil || string(step.Reply) != want {
			t.Errorf("%s: %s %v, want %s", v.hash, step.Reply, err, want)
		}
		step, err = x.Next(t.Context(), []byte("c=biws,r="+v.client+v.server+",p="+v.proof))
		if err != nil || !step.Done || step.Identity.User != "user" || string(step.Reply) != "v="+v.verifier {
			t.Errorf("%s: %+v %v", v.hash, step, err)
		}
	}
}

// FuzzSCRAM: nothing that a client says gets in without a password.
func FuzzSCRAM(f *testing.F) {
	f.Add("n,,n=alice,r=a", "c=biws,r=a,p=YQ==")
	f.Add("p=tls-exporter,,n=alice,r=a", "c=biws,r=a,x=y,p=")
	f.Fuzz(func(t *testing.T, first, final string) {
		o := Options{
			Verifier: accounts{user: "alice", password: "app", salt: []byte("salt")}, Domain: "h",
			Binding: stream.Binding{Endpoint: []byte("certificate"), Exporter: []byte("exported")},
		}
		for _, plus := range []bool{false, true} {
			x := &scram{Options: o, hash: SHA1, plus: plus, nonce: "n"}
			if _, err := x.Next(t.Context(), []byte(first)); err != nil {
				var failure Failure
				if !errors.As(err, &failure) {
					t.Fatalf("%q: %v", first, err)
				}
				continue
			}
			if step, err := x.Next(t.Context(), []byte(final)); err == nil || step.Done {
				t.Fatalf("%q %q got in", first, final)
			}
		}
	})
}
