package app

import "testing"

// one form for every way to write a site's address.
func TestNormalOrigin(t *testing.T) {
	for raw, want := range map[string]string{
		"https://chat.example.org":          "https://chat.example.org",
		"https://chat.example.org/":         "https://chat.example.org",
		"https://chat.example.org:443":      "https://chat.example.org",
		"HTTPS://Chat.Example.org":          "https://chat.example.org",
		"https://chat.example.org.":         "https://chat.example.org",
		"https://chat.example.org:8443/":    "https://chat.example.org:8443",
		"http://localhost:80":               "http://localhost",
		"http://localhost:443":              "http://localhost:443",
		"https://Bücher.example":            "https://xn--bcher-kva.example",
		"https://xn--bcher-kva.example:443": "https://xn--bcher-kva.example",
		"http://[0:0::1]:3000":              "http://[::1]:3000",
		"https://[2001:DB8::1]":             "https://[2001:db8::1]",
		"https://chat.example.org/chat":     "",
		"https://chat.example.org?x":        "",
		"https://chat.example.org?":         "",
		"https://chat.example.org#x":        "",
		"https://me@chat.example.org":       "",
		"https://":                          "",
		"https://:443":                      "",
		"chat.example.org":                  "",
		"https:chat.example.org":            "",
		"https://a b":                       "",
		"https://chat.example.org:0443":     "https://chat.example.org",
		"https://chat.example.org:":         "https://chat.example.org",
		"https://chat.example.org:0":        "",
		"https://chat.example.org:65536":    "",
		"https://chat..example.org":         "",
		"https://.":                         "",
		"null":                              "",
		"":                                  "",
	} {
		got, err := normalOrigin(raw)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", raw, got, err, want)
		}
	}
}

func TestIsOrigin(t *testing.T) {
	at := func(base string, cfg Config) *site {
		s := &site{cfg: cfg}
		s.baseURL.Store(base)
		return s
	}
	production := at("https://chat.example.org", Config{Env: "production", BaseURL: "https://chat.example.org"})
	for origin, want := range map[string]bool{
		"https://chat.example.org": true, "https://chat.example.org:443": true, "HTTPS://CHAT.example.org": true,
		"http://chat.example.org": false, "https://chat.example.org:444": false, "https://chat.example.org.evil.example": false,
		"https://evil.example": false, "null": false, "": false, "https://chat.example.org/x": false, "https://chat.example.org@evil.example": false,
	} {
		if got := production.isOrigin(origin); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
	development := at("http://localhost:3000", Config{Env: "development"})
	for origin, want := range map[string]bool{
		"http://localhost:3000": true, "http://127.0.0.1:3000": true, "http://[::1]:3000": true, "http://localhost": false, "http://localhost:3001": false,
	} {
		if got := development.isOrigin(origin); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
}

// what people write in BASE_URL becomes an origin, and the site lives there.
func TestBaseURL(t *testing.T) {
	cfg, err := LoadConfig(map[string]string{"DATABASE_URL": "postgres://x/y", "XMPP_DOMAIN": "example.org", "BASE_URL": "HTTPS://Chat.Example.org:443/"})
	if err != nil || cfg.BaseURL != "https://chat.example.org" {
		t.Errorf("%q, %v", cfg.BaseURL, err)
	}
	cfg, err = LoadConfig(map[string]string{"DATABASE_URL": "postgres://x/y", "XMPP_DOMAIN": "example.org", "BASE_URL": "https://old.example", "XMPP_SEE_OTHER": "HTTPS://New.Example:443/"})
	if err != nil || cfg.SeeOther != "https://new.example" {
		t.Errorf("%q, %v", cfg.SeeOther, err)
	}
}
