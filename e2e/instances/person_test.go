package instances

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// person is a browser without a screen, signed in to the site.
type person struct {
	t    *testing.T
	site *site
	user string
	http http.Client
}

var csrf = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// signIn types the password into the site's form; through nginx, or at one instance.
func (s *site) signIn(t *testing.T, user string, at *instance) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, site: s, user: user, http: http.Client{Jar: jar, Transport: s.transport(t, at)}}
	p.submit("/signin", "/signin", url.Values{"username": {user}, "password": {password}})
	return p
}

// at is the same browser, whose next connections go to one instance.
func (p *person) at(to *instance) *person {
	other := *p
	other.http.Transport = p.site.transport(p.t, to)
	return &other
}

// submit sends a form of a page.
func (p *person) submit(page, action string, form url.Values) {
	p.t.Helper()
	token := csrf.FindStringSubmatch(p.request("GET", page, ""))
	if token == nil {
		p.t.Fatalf("%s has no form", page)
	}
	form.Set("csrf", token[1])
	p.request("POST", action, form.Encode())
}

// request returns the page that comes of it.
func (p *person) request(method, path, form string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.site.url+path, strings.NewReader(form))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.site.url)
	req.Header.Set("X-Forwarded-Proto", "https")
	body, err := exchange(&p.http, req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return string(body)
}

// exchange returns the body of an answer that is well.
func exchange(client *http.Client, req *http.Request) ([]byte, error) {
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", req.URL.Path, res.Status)
	}
	return body, err
}

// header is what the browser sends with every request for the chat.
func (p *person) header() http.Header {
	base, _ := url.Parse(p.site.url)
	h := http.Header{"Origin": {p.site.url}, "X-Forwarded-Proto": {"https"}}
	for _, c := range p.http.Jar.Cookies(base) {
		h.Add("Cookie", c.String())
	}
	return h
}

// jid is the address of an account.
func jid(user string) string { return user + "@" + domain }

// open opens a stream for the person over a transport, up to its features.
func (p *person) open(ctx context.Context, transport string) (line, error) {
	if transport == webSocket {
		return p.openWebSocket(ctx)
	}
	return p.openBOSH(ctx)
}
