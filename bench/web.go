package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// browser is a member who is signed in to the site.
type browser struct {
	http *http.Client
	base string
}

var formToken = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// newBrowser signs in with the form.
func newBrowser(ctx context.Context, base, user string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	// Compression is not asked for: pages are measured as they are.
	b := &browser{base: base, http: &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true}}}
	return b, b.post(ctx, "/signin", "/signin", url.Values{"username": {user}, "password": {password}, "next": {"/"}})
}

// get fetches a page.
func (b *browser) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+path, nil)
	if err != nil {
		return nil, err
	}
	return b.do(req)
}

// post sends a form, with the token of the page that it is on.
func (b *browser) post(ctx context.Context, page, path string, form url.Values) error {
	body, err := b.get(ctx, page)
	if err != nil {
		return err
	}
	token := formToken.FindSubmatch(body)
	if token == nil {
		return fmt.Errorf("%s has no form", page)
	}
	form.Set("csrf", string(token[1]))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.base)
	_, err = b.do(req)
	return err
}

func (b *browser) do(req *http.Request) ([]byte, error) {
	resp, err := b.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", req.Method, req.URL.Path, resp.Status)
	}
	return body, err
}
