package extauth

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// fakeLoginChecker says yes to alice with the password "right"; one of "wait" waits.
type fakeLoginChecker struct{ site *fakeSite }

func (a fakeLoginChecker) Check(ctx context.Context, user, server, password string) bool {
	_, err := a.site.CheckForServer(ctx, user, password)
	return err == nil && server == "example.org"
}

func (a fakeLoginChecker) Exists(ctx context.Context, user, server string) bool {
	there, err := a.site.UserExists(ctx, user)
	return err == nil && there && server == "example.org"
}

func frame(text string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)
}

func answers(raw []byte) string {
	var b strings.Builder
	for ; len(raw) >= 4 && raw[0] == 0 && raw[1] == 2 && raw[2] == 0; raw = raw[4:] {
		b.WriteByte('0' + raw[3])
	}
	if len(raw) > 0 {
		b.WriteString("?")
	}
	return b.String()
}

func TestExtAuth(t *testing.T) {
	var in, want bytes.Buffer
	for _, q := range []struct {
		text string
		yes  bool
	}{
		{"auth:alice:example.org:right", true},
		{"auth:alice:example.org:wrong", false},
		{"auth:alice:example.org:a:b:c", true}, // a password may have colons
		{"auth:alice:example.org:", false},
		{"auth:alice:elsewhere.org:right", false},
		{"auth:bob:example.org:right", false},
		{"isuser:alice:example.org", true},
		{"isuser:nobody:example.org", false},
		{"isuser:alice", false},
		{"setpass:alice:example.org:right", false}, // accounts are changed on the site
		{"tryregister:alice:example.org:right", false},
		{"removeuser:alice:example.org", false},
		{"removeuser3:alice:example.org:right", false},
		{"certauth:alice:example.org", false},
		{"", false},
		{":::", false},
		{"AUTH:alice:example.org:right", false},
		{"\x00\xff\xfe", false},
		{strings.Repeat("x", 65535), false},
		{"auth:alice:example.org:right", true},
	} {
		in.Write(frame(q.text))
		want.WriteByte('0')
		if q.yes {
			want.Bytes()[want.Len()-1] = '1'
		}
	}
	in.Write([]byte{0, 9, 'a'}) // ejabberd was killed while it wrote
	for name, r := range map[string]io.Reader{"at once": bytes.NewReader(in.Bytes()), "byte by byte": iotest.OneByteReader(bytes.NewReader(in.Bytes()))} {
		var out bytes.Buffer
		if err := ServePipe(t.Context(), fakeLoginChecker{newFakeSite()}, r, &out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := answers(out.Bytes()); got != want.String() {
			t.Errorf("%s: %s, want %s", name, got, want.String())
		}
	}
}

// Each answer is written when it is known, before anything else is asked, and in the
// order of the questions.
func TestExtAuth_OrderAndNoBuffer(t *testing.T) {
	in, questions := io.Pipe()
	results, out := io.Pipe()
	site := newFakeSite()
	done := make(chan error, 1)
	go func() { done <- ServePipe(context.Background(), fakeLoginChecker{site}, in, out) }()
	read := func(n int) string {
		raw := make([]byte, 4*n)
		if _, err := io.ReadFull(results, raw); err != nil {
			t.Fatal(err)
		}
		return answers(raw)
	}
	for range 3 {
		_, _ = questions.Write(frame("auth:alice:example.org:right"))
		if got := read(1); got != "1" {
			t.Error(got)
		}
	}
	_, _ = questions.Write(append(frame("auth:alice:example.org:wait and right"), frame("auth:alice:example.org:wrong")...))
	_, _ = questions.Write(frame("isuser:alice:example.org"))
	close(site.release)
	if got := read(3); got != "101" {
		t.Error(got)
	}
	questions.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// It ends when it is told to, even in the middle of a question, and when nobody reads.
func TestExtAuth_Ends(t *testing.T) {
	in, questions := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ServePipe(ctx, fakeLoginChecker{newFakeSite()}, in, io.Discard) }()
	_, _ = questions.Write(append(frame("auth:alice:example.org:wait"), 0))
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	questions.Close()

	in, questions = io.Pipe()
	results, out := io.Pipe()
	results.Close()
	go func() { done <- ServePipe(context.Background(), fakeLoginChecker{newFakeSite()}, in, out) }()
	_, _ = questions.Write(frame("isuser:alice:example.org"))
	if err := <-done; !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	questions.Close()
}

// The site is asked through its HTTP endpoint; while it is restarted the question waits.
func TestClient(t *testing.T) {
	addr := "unix:" + filepath.Join(t.TempDir(), "auth")
	client := NewClient(addr, "the secret of all", quiet())
	defer client.Close()
	early := make(chan bool, 1)
	go func() { early <- client.Check(t.Context(), "alice", "example.org", "right") }()

	l, err := Listen(addr, "")
	if err != nil {
		t.Fatal(err)
	}
	serveHTTP(t, newFakeSite(), "the secret of all", l)
	if !<-early {
		t.Error("a question before the site is there is refused")
	}
	if client.Check(t.Context(), "alice", "example.org", "wrong") || client.Exists(t.Context(), "nobody", "example.org") || !client.Exists(t.Context(), "alice", "example.org") {
		t.Error("another answer than the site's")
	}
	stranger := NewClient(addr, "", quiet())
	defer stranger.Close()
	if stranger.Check(t.Context(), "alice", "example.org", "right") {
		t.Error("who does not know the secret is answered")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if client.Check(ctx, "trouble", "example.org", "right") {
		t.Error("what nobody knows is taken for good")
	}
}

func serveHTTP(t testing.TB, site Site, secret string, l net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- NewHTTP(site, "example.org", secret, quiet()).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func FuzzExtAuth(f *testing.F) {
	f.Add(frame("auth:alice:example.org:right"))
	f.Add(append(frame("isuser:alice:example.org"), frame("")...))
	f.Add([]byte{0xff, 0xff, 'a', ':'})
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, in []byte) {
		var want int
		for rest := in; len(rest) >= 2; want++ {
			n := 2 + int(binary.BigEndian.Uint16(rest))
			if len(rest) < n {
				break
			}
			rest = rest[n:]
		}
		var out bytes.Buffer
		site := newFakeSite()
		close(site.release)
		if err := ServePipe(t.Context(), fakeLoginChecker{site}, bytes.NewReader(in), &out); err != nil {
			t.Fatal(err)
		}
		if got := answers(out.Bytes()); len(got) != want || strings.Contains(got, "?") {
			t.Errorf("%d questions, answers %s", want, got)
		}
	})
}
