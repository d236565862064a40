package stanza

import (
	"errors"
	"testing"

	"foyer/internal/stream"
)

func parseDisco(t testing.TB, content string) Capabilities {
	t.Helper()
	var d Capabilities
	e, err := stream.Parse([]byte(`<iq xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#info">`+content+`</query></iq>`), stream.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	query, _ := e.Find(NSDiscoInfo, "query")
	if err := query.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// XEP-0115 §5.2, §5.3 and §5.4 (S-48).
func TestCaps_Verify(t *testing.T) {
	features := `<feature var="http://jabber.org/protocol/disco#info"/><feature var="http://jabber.org/protocol/disco#items"/>` +
		`<feature var="http://jabber.org/protocol/muc"/><feature var="http://jabber.org/protocol/caps"/>`
	simple := `<identity category="client" type="pc" name="Exodus 0.9.1"/>` + features
	psi := `<identity xml:lang="en" category="client" name="Psi 0.11" type="pc"/><identity xml:lang="el" category="client" name="Ψ 0.11" type="pc"/>` + features
	form := func(fields string) string { return `<x xmlns="jabber:x:data" type="result">` + fields + `</x>` }
	software := form(`<field var="FORM_TYPE" type="hidden"><value>urn:xmpp:dataforms:softwareinfo</value></field>` +
		`<field var="ip_version"><value>ipv4</value><value>ipv6</value></field><field var="os"><value>Mac</value></field>` +
		`<field var="os_version"><value>10.5.1</value></field><field var="software"><value>Psi</value></field><field var="software_version"><value>0.11</value></field>`)
	for name, c := range map[string]struct {
		content, hash, ver string
		want               error
	}{
		"simple (§5.2)":             {simple, "sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0=", nil},
		"complex (§5.3)":            {psi + software, "sha-1", "q07IKJEyjvHSyhy//CH0CxmKi8w=", nil},
		"another hash":              {simple, "sha-1", "q07IKJEyjvHSyhy//CH0CxmKi8w=", ErrCapsMismatch},
		"unknown function":          {simple, "md2", "x", ErrCapsHash},
		"no function, as of old":    {simple, "", "0.9.1", ErrCapsHash},
		"two of one identity":       {`<identity category="client" type="pc"/><identity category="client" type="pc"/>`, "sha-1", "x", ErrCapsIllFormed},
		"two of one feature":        {`<feature var="a"/><feature var="a"/>`, "sha-1", "x", ErrCapsIllFormed},
		"two of one form":           {software + software, "sha-1", "x", ErrCapsIllFormed},
		"a form of two types":       {form(`<field var="FORM_TYPE" type="hidden"><value>a</value><value>b</value></field>`), "sha-1", "x", ErrCapsIllFormed},
		"a form without a type":     {simple + form(`<field var="a"><value>b</value></field>`), "sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0=", nil},
		"a type that is not hidden": {simple + form(`<field var="FORM_TYPE"><value>a</value></field>`), "sha-1", "QgayPKawpkPSDYmwT/WM94uAlu0=", nil},
	} {
		if err := parseDisco(t, c.content).Verify(c.hash, c.ver); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// §5.1: the separator does not occur in what it separates.
	if s, err := parseDisco(t, `<identity category="client" type="pc" name="a&lt;b"/><feature var="x&lt;y"/>`).verification(); s != "client/pc//a&lt;b<x&lt;y<" || err != nil {
		t.Errorf("%q %v", s, err)
	}
}

// FuzzCaps: no answer of a client breaks anything, and the order of what is in
// it does not change the hash.
func FuzzCaps(f *testing.F) {
	f.Add(`<identity category="client" type="pc" name="a"/><feature var="x+notify"/>`)
	f.Add(`<x xmlns="jabber:x:data"><field var="FORM_TYPE" type="hidden"><value>a</value></field><field var="b"><value>1</value></field></x>`)
	f.Fuzz(func(t *testing.T, content string) {
		e, err := stream.Parse([]byte(`<iq xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#info">`+content+`</query></iq>`), stream.DefaultLimits)
		if err != nil {
			return
		}
		query, ok := e.Find(NSDiscoInfo, "query")
		var d, back Capabilities
		if !ok || query.Decode(&d) != nil {
			return
		}
		for i := len(d.Identities) - 1; i >= 0; i-- {
			back.Identities = append(back.Identities, d.Identities[i])
		}
		for i := len(d.Features) - 1; i >= 0; i-- {
			back.Features = append(back.Features, d.Features[i])
		}
		for i := len(d.Forms) - 1; i >= 0; i-- {
			back.Forms = append(back.Forms, d.Forms[i])
		}
		s1, err1 := d.verification()
		s2, err2 := back.verification()
		if (err1 == nil) != (err2 == nil) || s1 != s2 {
			t.Errorf("%q %v, backwards %q %v", s1, err1, s2, err2)
		}
	})
}
