package extauth

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"foyer/internal/stream/streamtest"
)

// mongooseIM asks as MongooseIM does with the file of deploy/mongooseim: the query is made by
// src/auth/ejabberd_auth_http.erl, the request by its HTTP client (fusco_lib.erl), several on
// one connection. There is no package of it to start.
type mongooseIM struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// ask sends a request, and returns what ejabberd_auth_http makes of the answer: an atom, or
// the body.
func (m *mongooseIM) ask(method, path, user, server, password, secret string) string {
	m.t.Helper()
	query := "user=" + composed(user) + "&server=" + composed(server) + "&pass=" + composed(password)
	target, body := "/"+path+"?"+query, ""
	if method == http.MethodPost {
		target, body = "/"+path, query
	}
	request := method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1:5281\r\n" + fmt.Sprintf("Content-Length: %d\r\n", len(body)) +
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("foyer:"+secret)) + "\r\n\r\n" + body
	if _, err := io.WriteString(m.conn, request); err != nil {
		m.t.Fatal(err)
	}
	res, err := http.ReadResponse(m.in, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil || res.ContentLength != int64(len(said)) || len(res.TransferEncoding) > 0 {
		m.t.Errorf("%s: %d bytes and Content-Length %d (which it needs), %v", path, len(said), res.ContentLength, err)
	}
	switch res.StatusCode {
	case 200:
		return string(said)
	case 401:
		return "not_authorized"
	case 404:
		return "not_found"
	}
	return fmt.Sprint("refused with ", res.StatusCode)
}

// composed is a value as uri_string:compose_query writes it, which leaves other characters
// as they are than Go does.
func composed(s string) string {
	return strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(s))
}

func TestHTTP_MongooseIM(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveHTTP(t, newFakeSite(), testSecret, l)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(streamtest.Timeout))
	m := &mongooseIM{t, conn, bufio.NewReader(conn)}
	get := func(path, user, password string) string {
		return m.ask(http.MethodGet, path, user, "example.org", password, testSecret)
	}
	for _, c := range []struct{ what, got, want string }{
		{"a token or password", get("check_password", "alice", "right"), "true"},
		{"a wrong one", get("check_password", "alice", "wrong"), "false"},
		{"one with everything in it", get("check_password", "alice", "a:b c&d=e%20~*+ü"), "true"}, // the site's fake takes what has a colon
		{"nobody", get("check_password", "nobody", "right"), "false"},
		{"is there somebody", get("user_exists", "alice", ""), "true"},
		{"is there nobody", get("user_exists", "nobody", ""), "false"},
		{"too many wrong ones", get("check_password", "throttled", "right"), "false"},
		{"the site cannot tell", get("check_password", "trouble", "right"), "refused with 503"},
		{"another domain", m.ask(http.MethodGet, "check_password", "alice", "example.com", "right", testSecret), "false"},
		{"without the secret", m.ask(http.MethodGet, "check_password", "alice", "example.org", "right", "another"), "not_authorized"},
		// What it would ask with password.format = "scram", or for mod_register.
		{"a key of SCRAM", get("get_password", "alice", ""), "not_found"},
		{"a certificate", get("get_certs", "alice", ""), "not_found"},
		{"an account", m.ask(http.MethodPost, "register", "carol", "example.org", "new", testSecret), "not_found"},
		{"another password", m.ask(http.MethodPost, "set_password", "alice", "example.org", "new", testSecret), "not_found"},
		{"no account", m.ask(http.MethodPost, "remove_user", "alice", "example.org", "", testSecret), "not_found"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
}
