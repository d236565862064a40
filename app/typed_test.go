package app

import (
	"net/http"
	"testing"
)

// XMPP_LOGIN=typed: pages sign in to the chat with the password that was typed, as long as
// the browser is signed in, and with the new one when it is changed.
func TestCredentials_Typed(t *testing.T) {
	s, base := start(t, map[string]string{"XMPP_LOGIN": "typed", "CHAT_ORIGINS": "http://localhost:1"})
	b := newBrowser(t, base)
	b.get("/xmpp/credentials").wants(401, "")
	b.signIn("alice")
	b.get("/xmpp/credentials").wants(200, `{"jid":"alice@localhost","password":"`+demoPassword+`"}`)
	if b.last.Header.Get("Cache-Control") != "no-store" {
		t.Error("a cache may keep it")
	}
	if _, err := s.auth.Password(t.Context(), "alice", demoPassword, peerOf("alice")); err != nil {
		t.Error("the chat server does not take it:", err)
	}
	// A page of another origin may chat, and gets no password that opens more than that.
	b.headers = map[string]string{"Origin": "http://localhost:1", "Sec-Fetch-Site": "same-site"}
	b.get("/xmpp/me").wants(200, "")
	b.get("/xmpp/credentials").wants(http.StatusForbidden, "")
	b.headers = nil

	const next = "four other words entirely"
	b.submit("/settings", "/settings/password", "current", demoPassword, "password", next).wants(303, "")
	b.get("/xmpp/credentials").wants(200, `"password":"`+next+`"`)

	// Somebody who was signed in before the site kept passwords.
	if err := s.db.Sessions.DeleteStoredPasswords(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.get("/xmpp/credentials").wants(http.StatusConflict, "sign out and sign in again")
}
