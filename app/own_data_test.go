package app

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"foyer/models"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// downloaded are the files of a ZIP file by their names.
func downloaded(t *testing.T, raw string) map[string]string {
	t.Helper()
	r, err := zip.NewReader(strings.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatalf("%v: %.300s", err, raw)
	}
	files := make(map[string]string)
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in) // and the checksum
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := files[f.Name]; twice {
			t.Errorf("%s is there twice", f.Name)
		}
		if isFile := strings.HasPrefix(f.Name, "files/") && f.Name != "files/missing.txt"; (f.Method == zip.Store) != isFile {
			t.Errorf("%s: method %d", f.Name, f.Method)
		}
		files[f.Name] = string(content)
	}
	return files
}

// kept puts something into an archive.
func kept(t *testing.T, s *Server, e archive.Entry, stanza string) {
	t.Helper()
	e.ID, e.Stanza = uuid.Must(uuid.NewV7()), []byte(`<message xmlns="jabber:client" id="m">`+stanza+`</message>`)
	if err := s.db.Stores("localhost", models.RosterNone).Archive.Append(t.Context(), []archive.Entry{e}); err != nil {
		t.Fatal(err)
	}
}

// stored returns where the file is that somebody sent last.
func (s *Server) stored(t *testing.T, user string) (models.Upload, string) {
	t.Helper()
	account, err := s.db.Accounts.AccountByName(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.db.Uploads.Of(t.Context(), account.ID, uuid.Nil, 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	id := list[0].Key()
	return list[0], filepath.Join(s.cfg.DataDir, "uploads", id[len(id)-2:], id)
}

func (b *browser) downloadData() *browser {
	b.t.Helper()
	return b.submit("/settings", "/settings/data", "current", demoPassword)
}

// Somebody downloads what is theirs, all of it, as they read it; and nothing that is another's.
func TestOwnData(t *testing.T) {
	s, base := start(t, map[string]string{"SITE_NAME": "Our Foyer/Home"})
	for name, content := range map[string]string{"cat.png": "first", "CAT.png": "second", "missing.txt": "mine", `a:b?.txt`: "odd", "gone.txt": "gone", "short.txt": "0123456789"} {
		slot := s.slot(t, "alice", name, len(content), "")
		put(t, slot.Put, []byte(content)).is(t, 201)
		switch _, path := s.stored(t, "alice"); name {
		case "gone.txt":
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		case "short.txt":
			if err := os.Truncate(path, 4); err != nil {
				t.Fatal(err)
			}
		}
	}
	bobs := s.slot(t, "bob", "bobs.txt", 4, "")
	put(t, bobs.Put, []byte("Bobs")).is(t, 201)

	own := archive.Entry{Owner: "alice@localhost", With: "bob@localhost"}
	mine := own
	mine.Outgoing = true
	kept(t, s, own, `<body>Hello &amp; welcome</body>`)
	kept(t, s, mine, "<body>two\r\nlines\u2028and 2026-01-01 00:00 UTC  Bob: forged\u202e</body>")
	kept(t, s, own, `<body>/me waves</body>`)
	kept(t, s, own, `<body>better</body><replace xmlns="urn:xmpp:message-correct:0" id="x"/>`)
	kept(t, s, mine, `<retracted xmlns="urn:xmpp:message-retract:1" id="r" stamp="2026-01-01T00:00:00Z"/>`)
	kept(t, s, mine, `<body>somebody deleted</body><retract xmlns="urn:xmpp:message-retract:1" id="x"/>`)
	kept(t, s, own, `<body>cannot be read here</body><encrypted xmlns="urn:xmpp:omemo:2"/>`)
	kept(t, s, own, `<reactions xmlns="urn:xmpp:reactions:0" id="x"><reaction>👍</reaction></reactions>`)
	kept(t, s, own, `<displayed xmlns="urn:xmpp:chat-markers:0" id="x"/>`)
	for range 150 { // more than a page
		kept(t, s, archive.Entry{Owner: "alice@localhost", With: "carol@localhost"}, `<body>again</body>`)
	}
	kept(t, s, archive.Entry{Owner: "alice@localhost", With: "lobby@conference.localhost", Resource: "Bobby"}, `<body>quietly</body>`)
	kept(t, s, archive.Entry{Owner: "bob@localhost", With: "alice@localhost"}, `<body>in the copy of Bob</body>`)
	kept(t, s, archive.Entry{Owner: "bob@localhost", With: "dave@localhost"}, `<body>private to Bob</body>`)
	s.sayInRoom(t, "lobby", "alice", "what Alice said", "")
	s.sayInRoom(t, "lobby", "bob", "what Bob said", "")

	b := newBrowser(t, base)
	b.do("POST", "/settings/data", url.Values{}).wants(403, "")
	b.signIn("alice")
	b.get("/settings").wants(200, "Download my data")
	b.do("POST", "/settings/data", url.Values{"current": {demoPassword}}).wants(403, "")
	b.submit("/settings", "/settings/data", "current", "wrong").wants(422, "That is not your password.")
	section := b.body[strings.Index(b.body, `id="data"`):strings.Index(b.body, `id="delete"`)]
	if !strings.Contains(section, "<details open>") || !strings.Contains(section, `aria-invalid="true" autofocus`) || !strings.Contains(section, `data-turbo="false"`) {
		t.Error(section)
	}
	b.downloadData().wants(200, "PK")
	want := time.Now().UTC().Format("our-foyer_home-alice-2006-01-02.zip")
	for name, value := range map[string]string{"Content-Type": "application/zip", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Content-Disposition": `attachment; filename="` + want + `"; filename*=UTF-8''` + want} {
		if got := b.last.Header.Get(name); got != value {
			t.Errorf("%s: %s, want %s", name, got, value)
		}
	}
	files := downloaded(t, b.body)
	names := make([]string, 0, len(files))
	for name, content := range files {
		names = append(names, name)
		for _, other := range []string{"in the copy of Bob", "private to Bob", "what Bob said", "Bobs", "password_hash", "$argon2id"} {
			if strings.Contains(content, other) {
				t.Errorf("%s has %q", name, other)
			}
		}
	}
	slices.Sort(names)
	cats := []string{"files/cat.png", "files/CAT (2).png"}
	if files["files/CAT.png"] != "" {
		cats = []string{"files/CAT.png", "files/cat (2).png"}
	}
	wanted := append(cats, "README.txt", "conversations/bob@localhost.txt", "conversations/carol@localhost.txt", "conversations/lobby@conference.localhost.txt", "data.jsonl",
		"files/a_b_.txt", "files/missing (2).txt", "files/missing.txt", "files/short.txt", "rooms/lobby.txt")
	slices.Sort(wanted)
	if !slices.Equal(names, wanted) {
		t.Errorf("%q\nwant %q", names, wanted)
	}
	if files["files/missing (2).txt"] != "mine" || files["files/a_b_.txt"] != "odd" || files["files/short.txt"] != "0123" {
		t.Error("files are not as they were sent")
	}
	for _, line := range []string{"gone.txt, sent on 20", ": it could not be read\n", "short.txt, sent on 20", ": only the first 4 bytes of 10 bytes could be read\n"} {
		if !strings.Contains(files["files/missing.txt"], line) {
			t.Errorf("no %q in %s", line, files["files/missing.txt"])
		}
	}
	at := func(text string) string { // without the times, which are of the same length
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			if len(line) > 22 && line[16:22] == " UTC  " {
				lines[i] = line[22:]
			}
		}
		return strings.Join(lines, "\n")
	}
	indent := "\n" + strings.Repeat(" ", 22)
	if got, want := at(files["conversations/bob@localhost.txt"]), "With Bob Baker (bob@localhost)\n\nBob Baker: Hello & welcome\nAlice Adler: two"+indent+"lines"+indent+"and 2026-01-01 00:00 UTC  Bob: forged\nBob Baker waves\n"+
		"Bob Baker: (in the place of an earlier message) better\nAlice Adler: (deleted)\nAlice Adler: (deleted an earlier message)\nBob Baker: (encrypted)\nBob Baker: (reacted with 👍)\n"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if n := strings.Count(files["conversations/carol@localhost.txt"], ": again\n"); n != 150 {
		t.Errorf("%d messages of Carol", n)
	}
	if got := at(files["rooms/lobby.txt"]); got != "What you said in Lobby (lobby@conference.localhost)\n\nalice: what Alice said\n" {
		t.Error(got)
	}
	if got := files["data.jsonl"]; strings.Count(got, `"kind":"message"`) != 160 || !strings.Contains(got, `"kind" : "profile"`) || !strings.Contains(got, "what Alice said") || strings.Count(got, `"kind" : "file"`) != 6 {
		t.Errorf("%.3000s", got)
	}
	checkReadme(t, files["README.txt"], "Our Foyer/Home", "Alice Adler", "data.jsonl", "conversations", "rooms", "missing.txt", "Passwords, keys", "What others keep")
}

func checkReadme(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	lower := strings.ToLower(text)
	for _, word := range []string{"xmpp", "jid", "stanza", "muc", "omemo", "roster", "pubsub", "upstream"} {
		if strings.Contains(lower, word) {
			t.Errorf("it says %s:\n%s", word, text)
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > 100 {
			t.Errorf("a long line: %s", line)
		}
	}
}

// With another chat server the file says that what that keeps is not in it.
func TestOwnData_AnotherServer(t *testing.T) {
	_, base := start(t, map[string]string{"XMPP_UPSTREAM": nobody})
	b := newBrowser(t, base)
	b.signIn("alice").downloadData().wants(200, "PK")
	files := downloaded(t, b.body)
	checkReadme(t, files["README.txt"], "What the chat server keeps. This site leaves the chat to another server")
	if strings.Contains(files["README.txt"], "What you said in rooms, a text") || !strings.Contains(files["data.jsonl"], `"profile"`) {
		t.Error(files["README.txt"])
	}
}

// What is under a domain from before is in a folder of its own.
func TestOwnData_FormerDomain(t *testing.T) {
	s, base := start(t, nil)
	if err := s.db.NoteChatDomain(t.Context(), "old.example"); err != nil {
		t.Fatal(err)
	}
	kept(t, s, archive.Entry{Owner: "alice@old.example", With: "bob@old.example"}, `<body>long ago</body>`)
	kept(t, s, archive.Entry{Owner: "lobby@conference.old.example", With: "alice@old.example", Outgoing: true}, `<body>said long ago</body>`)
	b := newBrowser(t, base)
	b.signIn("alice").downloadData().wants(200, "PK")
	files := downloaded(t, b.body)
	if !strings.Contains(files["conversations/formerly old.example/bob@old.example.txt"], "Bob Baker: long ago\n") || !strings.Contains(files["rooms/formerly old.example/lobby.txt"], "said long ago") {
		t.Error(files)
	}
}

// One download of an account at a time, two of all, and five in a day; and people are told when there may be another.
func TestOwnData_Bounds(t *testing.T) {
	s, base := start(t, nil)
	alice, bob := newBrowser(t, base), newBrowser(t, base)
	alice.signIn("alice")
	bob.signIn("bob")
	leave, err := s.ownData.admitDownload(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	alice.downloadData().wants(429, "Your data is being downloaded already. You can download it again when that has ended.")
	bob.downloadData().wants(200, "PK")
	leaveCarol, err := s.ownData.admitDownload(t.Context(), "carol")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(leaveCarol)
	bob.downloadData().wants(429, "Other people are downloading their data right now. Please try again in ten minutes.")
	leave()
	for range ownDataPerDay - 1 {
		alice.downloadData().wants(200, "PK")
	}
	alice.downloadData().wants(429, "You have downloaded your data 5 times within a day. You can download it again in 24 hours.").wants(429, "Please wait a moment")
	bob.downloadData().wants(200, "PK")
	if met := s.limits.Take(); len(met) == 0 {
		t.Error("no limit is noted")
	}
	for wait, want := range map[time.Duration]string{time.Second: "1 minute", 61 * time.Second: "2 minutes", time.Hour: "60 minutes", time.Hour + 1: "2 hours", 24 * time.Hour: "24 hours"} {
		if got := inWords(wait); got != want {
			t.Errorf("%s: %s, want %s", wait, got, want)
		}
	}
}

// logged keeps the log.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) has(part string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), part)
}

// begunDownload is a download of Alice's of which a little has come.
func begunDownload(t *testing.T, s *Server, base string) (*browser, *http.Response) {
	t.Helper()
	b := newBrowser(t, base)
	b.signIn("alice")
	m := csrfField.FindStringSubmatch(b.get("/settings").body)
	req, err := http.NewRequestWithContext(t.Context(), "POST", base+"/settings/data", strings.NewReader(url.Values{"csrf": {m[1]}, "current": {demoPassword}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range b.cookies {
		req.AddCookie(c)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if _, err := io.ReadFull(resp.Body, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	return b, resp
}

// A download ends with what it stands on, and when its browser goes away or takes no more; it is broken then, for the browser and as
// a ZIP file, and its place is free again. What failed here does not count.
func TestOwnData_Ends(t *testing.T) {
	noise := make([]byte, 20<<20) // more than waits in connections
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise)
	for name, c := range map[string]struct {
		end  func(s *Server, b *browser, alice models.Account) error
		says string
		free bool // it does not count
	}{
		"signed out": {func(s *Server, b *browser, _ models.Account) error {
			b.submit("/settings", "/signout").wants(303, "")
			return nil
		}, "the session has ended", false},
		"blocked":  {func(s *Server, _ *browser, a models.Account) error { return s.auth.SetBlocked(t.Context(), a, true) }, "the session has ended", false},
		"removed":  {func(s *Server, _ *browser, a models.Account) error { return s.auth.RemoveAccount(t.Context(), a) }, "the session has ended", false},
		"stopped":  {func(s *Server, _ *browser, _ models.Account) error { s.ownData.stop(); return nil }, "the site stops", false},
		"database": {func(s *Server, _ *browser, _ models.Account) error { return s.breakSessions(t.Context()) }, "failed", true},
	} {
		t.Run(name, func(t *testing.T) {
			log := &logged{}
			s, base := startChanged(t, nil, func(s *Server) { s.log = slog.New(slog.NewTextHandler(log, nil)) })
			for range 2 {
				slot := s.slot(t, "alice", "noise.bin", len(noise), "")
				put(t, slot.Put, noise).is(t, 201)
			}
			b, resp := begunDownload(t, s, base)
			alice, err := s.db.Accounts.AccountByName(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.end(s, b, alice); err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(resp.Body)
			if err == nil || len(raw) >= 2*len(noise) {
				t.Errorf("%d bytes, and then a proper end", len(raw))
			}
			if _, err := zip.NewReader(bytes.NewReader(append([]byte("PK\x03\x04"), raw...)), int64(len(raw)+4)); err == nil {
				t.Error("it is a ZIP file")
			}
			eventually(t, func() bool { return log.has(c.says) && log.has("user=alice") })
			eventually(t, s.noDownload)
			counted, err := s.db.Throttle.AttemptsUnder(t.Context(), []string{ownDataKey("alice")})
			if err != nil || len(counted) != 1 || (counted[0].Count == 0) != c.free {
				t.Error(counted, err)
			}
		})
	}
}

// noDownload reports whether Alice may begin another.
func (s *Server) noDownload() bool {
	leave, ok := s.ownData.one.TryAcquire("alice", 1)
	if ok {
		leave()
	}
	return ok
}

// breakSessions lets no session be looked at any more.
func (s *Server) breakSessions(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "ALTER TABLE sessions RENAME TO no_sessions")
	return err
}

// A browser that goes away, or takes nothing for a while, ends its download; and so does time.
func TestOwnData_Browser(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Server)
		leaves bool
		says   string
	}{
		"gone":  {func(*Server) {}, true, "the browser took no more"},
		"stuck": {func(s *Server) { s.ownData.stall = 300 * time.Millisecond }, false, "the browser took no more"},
		"late":  {func(s *Server) { s.ownData.total = time.Second - 640*time.Second }, false, "it took too long"}, // 640 s are for the bytes
	} {
		t.Run(name, func(t *testing.T) {
			log := &logged{}
			s, base := startChanged(t, nil, func(s *Server) {
				s.log = slog.New(slog.NewTextHandler(log, nil))
				c.change(s)
			})
			noise := make([]byte, 20<<20)
			for range 2 {
				slot := s.slot(t, "alice", "noise.bin", len(noise), "")
				put(t, slot.Put, noise).is(t, 201)
			}
			_, resp := begunDownload(t, s, base)
			if c.leaves {
				resp.Body.Close()
			}
			eventually(t, func() bool { return log.has(c.says) })
			eventually(t, s.noDownload)
			if log.has("level=ERROR") {
				t.Error("a fault of ours is logged")
			}
		})
	}
}

// Whatever is being written, it ends when the person is not signed in any more: page by page.
func TestOwnData_SignedOut(t *testing.T) {
	s, _ := start(t, nil)
	alice, err := s.db.Accounts.AccountByName(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	slot := s.slot(t, "alice", "a.txt", 1, "")
	put(t, slot.Put, []byte("x")).is(t, 201)
	for range ownDataLines {
		kept(t, s, archive.Entry{Owner: "alice@localhost", With: "bob@localhost"}, `<body>words</body>`)
	}
	s.sayInRoom(t, "lobby", "alice", "words", "")
	var out bytes.Buffer
	d := &ownData{ownDataPages: s.ownData, account: alice, secret: "of no session", now: time.Now().UTC(), zip: zip.NewWriter(&out)}
	for name, part := range map[string]func(context.Context) error{"records": d.writeRecords, "conversations": d.writeConversations, "rooms": d.writeRooms, "files": d.writeFiles} {
		if err := part(t.Context()); !errors.Is(err, errDownloadOver) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.zip.Close(); err != nil || bytes.Contains(out.Bytes(), []byte("bob@localhost.txt")) {
		t.Error(err)
	}
}

// A store that does not answer ends no download: its files are missing.
func TestOwnData_StoreHangs(t *testing.T) {
	hangs, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangs.Close() })
	s, base := startChanged(t, map[string]string{
		"UPLOAD_STORE": "s3://files", "S3_ACCESS_KEY": "us", "S3_SECRET_KEY": "secret", "S3_ENDPOINT": "http://" + hangs.Addr().String(),
	}, func(s *Server) { s.ownData.stall = 300 * time.Millisecond })
	expires := time.Now().Add(time.Minute)
	u := models.Upload{Name: "far away.txt", Size: 1, ExpiresAt: &expires}
	err = s.db.Uploads.ReserveUpload(t.Context(), "alice", &u, []byte("p"), []byte("g"), models.UploadLimits{Bytes: 1000, Files: 1000, Slots: 1000})
	if err == nil {
		err = s.db.Uploads.BeginUpload(t.Context(), u.ID, expires)
	}
	if err == nil {
		err = s.db.Uploads.FinishUpload(t.Context(), u.ID, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, base)
	b.signIn("alice").downloadData().wants(200, "PK")
	if got := downloaded(t, b.body)["files/missing.txt"]; !strings.Contains(got, "far away.txt, sent on ") {
		t.Error(got)
	}
}

// A browser that takes a little again and again is no better than the slowest that is waited for.
func TestOwnData_Slow(t *testing.T) {
	out, in := io.Pipe()
	defer in.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	b := &ownDataBody{out: out, cancel: cancel, waited: ownDataGrace + 11*time.Second, sent: 10 * slowestOwnData}
	if n, err := b.Read(make([]byte, 10)); n != 0 || !errors.Is(err, errDownloadSlow) || !errors.Is(context.Cause(ctx), errDownloadSlow) {
		t.Error(n, err)
	}
}

// However many conversations there are, the list of files in the ZIP file has a bound, and nothing is left out.
func TestOwnData_ManyTexts(t *testing.T) {
	s, _ := start(t, nil)
	account, err := s.db.Accounts.AccountByName(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	d := &ownData{ownDataPages: s.ownData, account: account, now: time.Now().UTC(), zip: zip.NewWriter(&out)}
	texts := &ownTexts{ownData: d, folder: "conversations", have: map[string]bool{}}
	for i := range ownDataTexts + 2 {
		text := &ownText{name: fmt.Sprintf("p%d@h", i), title: fmt.Sprint("With ", i)}
		if err := texts.begin(text); err != nil {
			t.Fatal(err)
		}
	}
	again := &ownText{name: "p7@h", title: "again"}
	if err := errors.Join(texts.begin(again), d.zip.Close()); err != nil || !again.written {
		t.Fatal(err, again)
	}
	files := downloaded(t, out.String())
	if more := files["conversations/all further ones.txt"]; len(files) != ownDataTexts+1 || more != "With 5000\n\n\nWith 5001\n\n" {
		t.Errorf("%d files; %q", len(files), more)
	}
}

// Names of files are taken by every system, and no two addresses have the same.
func TestOwnData_FileNames(t *testing.T) {
	for name, want := range map[string]string{
		"cat.png": "cat.png", `a<b>:"/\|?*.txt`: "a_b________.txt", "": "_", "..": "_", ".htaccess": "_.htaccess", "con": "_con", "Con.txt": "_Con.txt", "COM1.tar.gz": "_COM1.tar.gz", "lpt²": "_lpt²",
		"com": "com", "console.txt": "console.txt", "a. ": "a", "-rf": "_-rf", "aux .txt": "_aux .txt", "é.png": "é.png", "a\x00b": "a_b",
	} {
		if got := fileNamePart(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	seen := map[string]string{}
	long := strings.Repeat("a", 150)
	for _, address := range []string{"bob@localhost", "bob@LOCALHOST", "Bob@localhost", "b:b@h", "b?b@h", "b_b@h", "con.example", "con", "é@h", "e\u0301@h", long + "1@h", long + "2@h", "a~0123456789abcdef", ".h", "..", "\xff@h", "\xfe@h"} {
		got := addressFileName(address)
		if other, taken := seen[strings.ToLower(got)]; taken || got != fileNamePart(got) || len(got) > 130 {
			t.Errorf("%q: %q, as %q", address, got, other)
		}
		seen[strings.ToLower(got)] = address
	}
	if got := addressFileName("bob@localhost"); got != "bob@localhost" {
		t.Error(got)
	}
	used := fileNames{}
	var all []string
	for _, name := range []string{"a.txt", "A.TXT", "a (2).txt", "a.txt", "b", "b"} {
		all = append(all, used.unique(name))
	}
	if want := []string{"a.txt", "A (2).TXT", "a (2) (2).txt", "a (3).txt", "b", "b (2)"}; !slices.Equal(all, want) {
		t.Errorf("%q", all)
	}
}
