package app

import (
	"strings"
	"testing"
)

func TestNewContact(t *testing.T) {
	for setting, want := range map[string]Contact{
		"help@example.org":          {"help@example.org", "mailto:help@example.org"},
		"mailto:help@example.org":   {"help@example.org", "mailto:help@example.org"},
		"a?b%c+d@example.org":       {"a?b%c+d@example.org", "mailto:a%3Fb%25c+d@example.org"},
		"https://example.org":       {"example.org", "https://example.org"},
		"https://example.org/help/": {"example.org/help", "https://example.org/help/"},
		"http://intranet:8080/?a=b": {"intranet:8080", "http://intranet:8080/?a=b"},
	} {
		if got, err := newContact(setting); err != nil || *got != want {
			t.Errorf("%q: %+v, %v", setting, got, err)
		}
	}
	if got, err := newContact(""); got != nil || err != nil {
		t.Errorf("none: %+v, %v", got, err)
	}
	for _, setting := range []string{
		"the people in room 4", "example.org", "Help <help@example.org>", "help@", "@example.org", "a@b@c", `"a b"@example.org`, "a@example.org, b@example.org", "help@example.org\n",
		"javascript://example.org/%0aalert(1)", "javascript:alert(1)", "data:text/html,x", "//example.org", "https://", "https:///x", "https://me:secret@example.org", "ftp://example.org",
		strings.Repeat("a", 250) + "@example.org", "https://example.org/\u202e",
	} {
		if got, err := newContact(setting); err == nil {
			t.Errorf("%q: %+v", setting, got)
		}
	}
}

// Somebody who cannot sign in is told whom to ask, whichever way people sign in.
func TestSignIn_Contact(t *testing.T) {
	const mail, site = `Ask <a href="mailto:help@example.org">help@example.org</a>.</p>`, `Ask <a href="https://example.org/help">example.org/help</a>.</p>`
	_, base := start(t, nil)
	newBrowser(t, base).get("/signin").wants(200, `Forgotten your password? Ask the people who run this site for a new one.</p>`)
	_, base = start(t, map[string]string{"CONTACT": "help@example.org"})
	newBrowser(t, base).get("/signin").wants(200, `Forgotten your password? `+mail)
	_, base = start(t, map[string]string{"CONTACT": "https://example.org/help"})
	newBrowser(t, base).get("/signin").wants(200, `Forgotten your password? `+site)

	// A password of another source is not theirs to set.
	for _, contact := range []string{"", "help@example.org"} {
		_, base = withSources(t, map[string]string{"CONTACT": contact, "LOCAL_ACCOUNTS": "admins"}, newProvider("one"))
		b := newBrowser(t, base).get("/signin").wants(200, "<summary>Sign in with a password</summary>")
		if contact != "" {
			b.wants(200, `You cannot sign in? `+mail)
		} else if strings.Contains(b.body, "You cannot sign in?") {
			t.Error("nobody is named")
		}
		if strings.Contains(b.body, "Forgotten") {
			t.Error("the password is another source's")
		}
	}
}
