package stanza

import (
	"testing"

	"foyer/internal/stream"
)

// Whoever is named has an @ before them (XEP-0372 §3.1), which stands between characters; a name in what is answered has
// none, and moves nothing of what is cut off (XEP-0461 §3.1).
func TestMarkedText(t *testing.T) {
	mention := func(begin string) string {
		return `<reference xmlns="urn:xmpp:reference:0" type="mention" begin="` + begin + `" end="9"/>`
	}
	quote := func(start, end string) string {
		return `<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="` + start + `" end="` + end + `"/></fallback>`
	}
	for in, want := range map[string]string{
		`<body>😀 bob</body>` + mention("3"):                                 "😀 @bob",
		`<body>😀 hi</body>` + mention("1"):                                  "😀 hi",
		`<body>😀 hi</body>` + mention("0"):                                  "@😀 hi",
		`<body>a😀😀b</body>` + mention("2") + mention("3") + mention("4"):    "a😀@😀b",
		`<body>bob</body>` + mention("3") + mention("-1") + mention("x"):    "bob",
		`<body>a @bob</body>` + mention("2") + mention("3"):                 "a @bob",
		`<body>bob eve</body>` + mention("0") + mention("4") + mention("4"): "@bob @eve",
		`<body>&gt; eve
bob, hi</body>` + mention("2") + mention("6") + quote("0", "6"): "@bob, hi",
		`<body>&gt; 😀eve
bob, hi</body>` + mention("4") + mention("8") + quote("0", "7"): "@bob, hi",
		`<body>bob
&gt; eve</body>` + mention("0") + mention("6") + quote("3", "9"): "@bob",
		`<body>bob eve</body>` + mention("4") + quote("3", "90"): "bob @eve",
	} {
		m, err := stream.Parse([]byte(`<message xmlns="jabber:client">`+in+`</message>`), stream.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := MarkedText(m); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
