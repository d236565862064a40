package stanza

import (
	"slices"
	"testing"
)

func TestAddressed(t *testing.T) {
	const (
		garden = "xmpp:garden@conference.h/"
		refers = `<reference xmlns="urn:xmpp:reference:0" type="mention" `
		quoted = `<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="8"/></fallback>`
	)
	for inner, want := range map[string]bool{
		"<body>will you come? Mark my words, in May</body>": false, // ordinary words
		"<body>bob</body>":             false,
		"<body>@bob</body>":            true,
		"<body>@Bob: hi</body>":        true,
		"<body>(@bob's)</body>":        true,
		"<body>well, @BOB.</body>":     true,
		"<body>@bobby</body>":          false,
		"<body>@bob-smith</body>":      false, // another name
		"<body>@bob.smith</body>":      false,
		"<body>@bob_smith</body>":      false,
		"<body>to x@bob</body>":        false,
		"<body>И@bob</body>":           false,
		"<body>@bobby, @bob</body>":    true,
		"<body>Adler asks</body>":      false,
		"<body>bob adler asks</body>":  true, // of two words
		"<body>@Bob Adler</body>":      true,
		"<body>x@Bob Adler</body>":     true,
		"<body>Bob Adlers</body>":      false,
		"<body>Kebob Adler</body>":     false,
		"<body>Bob Adler-Smith</body>": false,
		"<body>bob, hi</body>" + refers + `begin="0" end="3" uri="` + garden + `Bob%20Adler"/>`:        true,
		"<body>Bobby, hi</body>" + refers + `begin="0" end="5" uri="xmpp:bob@h"/>`:                     true,
		"<body>Bobby, hi</body>" + refers + `begin="0" end="5" uri="xmpp:carol@h"/>`:                   false,
		"<body>will</body>" + refers + `begin="0" end="4" uri="%zz"/>`:                                 false,
		"<body>will</body>" + `<reference xmlns="urn:xmpp:reference:0" type="data" uri="xmpp:bob@h"/>`: false,
		"<body>&gt; Bobby\nyes</body>" + refers + `begin="2" end="7" uri="xmpp:bob@h"/>` + quoted:      false,
		`<body>yes</body><reply xmlns="urn:xmpp:reply:0" id="1" to="garden@conference.h/Bob Adler"/>`:  true,
		`<body>yes</body><reply xmlns="urn:xmpp:reply:0" id="1" to="garden@conference.h/Carol"/>`:      false,
		`<body>@bob</body><encryption xmlns="urn:xmpp:eme:0" namespace="x"/>`:                          false, // nobody here can read it
		"": false,
	} {
		a := AddressedBy(message(t, inner))
		if a.To("bob", "Bob Adler") != want {
			t.Errorf("%s: %t", inner, !want)
		}
		if a.To("") {
			t.Errorf("%s is to nobody", inner)
		}
	}
	var many string
	for range maxNamed + 5 {
		many += refers + `begin="0" end="1" uri="xmpp:bob@h"/>`
	}
	if names := Named(message(t, "<body>x</body>"+many)); len(names) != maxNamed || slices.Contains(names, "") {
		t.Error(names)
	}
}
