package passkey

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"foyer/app/auth/passkey/passkeytest"
)

const origin = "https://chat.example.org"

var alice = Holder{Handle: bytes.Repeat([]byte{7}, 64), Username: "alice", Name: "Alice"}

func site(t testing.TB) Site {
	t.Helper()
	s, err := SiteAt(origin, "Foyer")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// made is a passkey of Alice's, and what keeps it.
func made(t testing.TB) (*passkeytest.Authenticator, Credential) {
	t.Helper()
	asked, err := site(t).Begin(alice, nil)
	if err != nil {
		t.Fatal(err)
	}
	device := passkeytest.New(origin)
	answer, err := device.Make(asked.Options)
	if err != nil {
		t.Fatal(err)
	}
	c, err := site(t).Finish(alice, asked.Challenge, answer)
	if err != nil {
		t.Fatal(err)
	}
	return device, c
}

// use signs in with what keeps a passkey.
func use(t testing.TB, device *passkeytest.Authenticator, owner Holder, c Credential) (Use, error) {
	t.Helper()
	asked, err := site(t).BeginSignIn()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := device.Use(asked.Options)
	if err != nil {
		t.Fatal(err)
	}
	return site(t).FinishSignIn(asked.Challenge, answer, func([]byte) (Holder, Credential, error) { return owner, c, nil })
}

func TestSiteAt(t *testing.T) {
	for address, id := range map[string]string{
		"https://chat.example.org": "chat.example.org", "https://chat.example.org:8443": "chat.example.org", "http://localhost:3000": "localhost", "http://foyer.localhost:3000": "foyer.localhost",
		"http://127.0.0.1:3000": "", "http://[::1]:3000": "", "https://192.0.2.1": "", "https://intranet": "", "": "",
	} {
		s, err := SiteAt(address, "Foyer")
		if s.ID != id || (id == "") != errors.Is(err, ErrNoDomain) {
			t.Errorf("%q: %+v %v", address, s, err)
		}
	}
}

func TestSignIn(t *testing.T) {
	device, c := made(t)
	for range 2 {
		if used, err := use(t, device, alice, c); err != nil || used.SignCount != device.Count {
			t.Errorf("%+v %v", used, err)
		}
	}
	if !bytes.Equal(c.ID, device.ID) || c.Synced {
		t.Errorf("%+v", c)
	}
}

// WebAuthn §7.2: whatever is not as it was asked for proves nothing.
func TestSignIn_Refused(t *testing.T) {
	_, other := made(t)
	for what, lie := range map[string]func(*passkeytest.Authenticator, *Holder, *Credential){
		"another origin": func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) { d.Origin = "https://chat.example.com" },
		"another port":   func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) { d.Origin = origin + ":8443" },
		"a name below": func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) {
			d.Origin = "https://evil.chat.example.org"
		},
		"another site":       func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) { d.Site = "example.org" },
		"another challenge":  func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) { d.Challenge = strings.Repeat("A", 43) },
		"nobody was there":   func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) { d.Flags = passkeytest.UserVerified },
		"nobody was checked": func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) { d.Flags = passkeytest.UserPresent },
		"another handle":     func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) { d.Handle = bytes.Repeat([]byte{8}, 64) },
		"no handle":          func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) { d.Handle = nil },
		"another id":         func(d *passkeytest.Authenticator, _ *Holder, _ *Credential) { d.ID = []byte("another") },
		"another key":        func(_ *passkeytest.Authenticator, _ *Holder, c *Credential) { c.PublicKey = other.PublicKey },
		"it was not synced":  func(_ *passkeytest.Authenticator, _ *Holder, c *Credential) { c.Synced = true },
		"somebody else's":    func(_ *passkeytest.Authenticator, h *Holder, _ *Credential) { h.Handle = bytes.Repeat([]byte{9}, 64) },
	} {
		device, c := made(t)
		owner := alice
		lie(device, &owner, &c)
		if _, err := use(t, device, owner, c); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
	find := func([]byte) (Holder, Credential, error) { t.Error("looked for"); return Holder{}, Credential{}, nil }
	for _, answer := range []string{"", "{}", "null", "[]", `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`, strings.Repeat(" ", maxAnswer) + "{}"} {
		if _, err := site(t).FinishSignIn(strings.Repeat("A", 43), answer, find); !errors.Is(err, ErrRefused) {
			t.Errorf("%.80q: %v", answer, err)
		}
	}
}

// WebAuthn §7.1.
func TestFinish_Refused(t *testing.T) {
	for what, lie := range map[string]func(*passkeytest.Authenticator){
		"another origin":     func(d *passkeytest.Authenticator) { d.Origin = "https://chat.example.com" },
		"another site":       func(d *passkeytest.Authenticator) { d.Site = "example.org" },
		"another challenge":  func(d *passkeytest.Authenticator) { d.Challenge = strings.Repeat("A", 43) },
		"nobody was there":   func(d *passkeytest.Authenticator) { d.Flags = passkeytest.UserVerified },
		"nobody was checked": func(d *passkeytest.Authenticator) { d.Flags = passkeytest.UserPresent },
		"too long an id":     func(d *passkeytest.Authenticator) { d.ID = bytes.Repeat([]byte{1}, MaxCredentialID+1) },
	} {
		asked, err := site(t).Begin(alice, nil)
		if err != nil {
			t.Fatal(err)
		}
		device := passkeytest.New(origin)
		lie(device)
		answer, err := device.Make(asked.Options)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := site(t).Finish(alice, asked.Challenge, answer); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzFinish: a browser's answers come from anybody.
func FuzzFinish(f *testing.F) {
	asked, err := site(f).Begin(alice, nil)
	if err != nil {
		f.Fatal(err)
	}
	device := passkeytest.New(origin)
	seed, err := device.Make(asked.Options)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`)
	used, err := device.Use([]byte(`{"challenge":"` + asked.Challenge + `","rpId":"chat.example.org","userVerification":"required"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(used)
	f.Fuzz(func(t *testing.T, answer string) {
		if _, err := site(t).Finish(alice, strings.Repeat("A", 43), answer); err == nil {
			t.Errorf("taken: %q", answer)
		}
		find := func(id []byte) (Holder, Credential, error) {
			return alice, Credential{ID: id, PublicKey: []byte{0xa0}}, nil
		}
		if _, err := site(t).FinishSignIn(strings.Repeat("A", 43), answer, find); err == nil {
			t.Errorf("taken: %q", answer)
		}
	})
}
