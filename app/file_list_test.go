package app

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"foyer/app/uploads"
	"foyer/app/uploads/files"
	"foyer/models"

	"github.com/google/uuid"
)

// People see what they sent, and delete it; others' is out of reach.
func TestFiles_OwnList(t *testing.T) {
	s, base := start(t, nil)
	file := pixels(t, 2000)
	slot := s.slot(t, "alice", "<b>.png", len(file), "image/png")
	put(t, slot.Put, file).is(t, 201)
	alice, bob := newBrowser(t, base), newBrowser(t, base)
	alice.get("/settings/files").wants(303, "")
	alice.signIn("alice")
	bob.signIn("bob")
	bob.get("/settings").wants(200, "<strong>0 bytes</strong> of 500 MB")
	alice.get("/settings").wants(200, "<strong>2 kB</strong> of 500 MB").wants(200, "/settings/files")
	alice.get("/settings/files").wants(200, "&lt;b&gt;.png")
	bob.get("/settings/files").wants(200, "No files yet")
	start := strings.Index(alice.body, `href="/settings/files/`) + len(`href="/settings/files/`)
	id := alice.body[start : start+36]
	if alice.get("/settings/files/"+id).wants(200, "PNG"); !strings.HasPrefix(alice.last.Header.Get("Content-Disposition"), "attachment;") || alice.last.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%v", alice.last.Header)
	}
	for _, other := range []string{id, uuid.NewString(), "x"} {
		bob.get("/settings/files/"+other).wants(404, "")
		bob.submit("/settings", "/settings/files/"+other+"/delete").wants(404, "")
	}
	bob.submit("/settings", "/settings/files/delete").wants(303, "")
	call(t, "GET", slot.Get, nil).is(t, 200)

	alice.submit("/settings", "/settings/files/"+id+"/delete").wants(303, "")
	call(t, "GET", slot.Get, nil).is(t, 404)
	eventually(t, func() bool { return len(s.onDisk(t)) == 0 }) // the file itself, too
	again := s.slot(t, "alice", "a.png", len(file), "image/png")
	put(t, again.Put, file).is(t, 201)
	alice.submit("/settings", "/settings/files/delete").wants(303, "")
	call(t, "GET", again.Get, nil).is(t, 404)
	alice.get("/settings/files").wants(200, "All your files have been deleted.").wants(200, "No files yet")
}

func TestFiles_Pages(t *testing.T) {
	s, base := start(t, nil)
	for range filesPerPage + 1 {
		slot := s.slot(t, "alice", "a.txt", 1, "")
		put(t, slot.Put, []byte("x")).is(t, 201)
	}
	b := newBrowser(t, base)
	b.signIn("alice")
	b.get("/settings/files").wants(200, "Older files")
	at := strings.Index(b.body, "?after=")
	if n := strings.Count(b.body, "a.txt</a>"); n != filesPerPage || at < 0 {
		t.Fatalf("%d files on the first page", n)
	}
	b.get("/settings/files"+b.body[at:at+len("?after=")+36]).wants(200, "")
	if n := strings.Count(b.body, "a.txt</a>"); n != 1 || strings.Contains(b.body, "Older files") {
		t.Errorf("%d files on the second page", n)
	}
}

// Who deletes a file does not wait for a store that hangs, nor do streams of sessions that have ended.
func TestFiles_StoreHangs(t *testing.T) {
	hangs, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangs.Close() })
	s, base := start(t, map[string]string{
		"UPLOAD_STORE": "s3://files", "S3_ACCESS_KEY": "us", "S3_SECRET_KEY": "secret", "S3_ENDPOINT": "http://" + hangs.Addr().String(),
	})
	expires := time.Now().Add(time.Minute)
	var mine models.Upload
	for i, user := range []string{"bob", "bob", "bob", "alice"} {
		name := fmt.Sprint(i)
		mine = models.Upload{Name: name, Size: 1, ExpiresAt: &expires}
		if err := s.db.Uploads.ReserveUpload(t.Context(), user, &mine, []byte("p"+name), []byte("g"+name), models.UploadLimits{Bytes: 1000, Files: 1000, Slots: 1000}); err != nil {
			t.Fatal(err)
		}
		if user == "bob" {
			err = s.db.Uploads.AbandonUpload(t.Context(), mine.ID)
		} else if err = s.db.Uploads.BeginUpload(t.Context(), mine.ID, expires); err == nil {
			err = s.db.Uploads.FinishUpload(t.Context(), mine.ID, "image/png")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	alice := newBrowser(t, base)
	alice.signIn("alice")
	alice.get("/settings/files").wants(200, mine.Key())
	began := time.Now()
	alice.submit("/settings/files", "/settings/files/"+mine.Key()+"/delete").wants(303, "")
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the request took %v", took)
	}
	alice.get("/settings/files").wants(200, "No files yet")
}

// Where nobody sends files, nothing speaks of them; but what is there is kept to.
func TestFiles_Off(t *testing.T) {
	s, base := start(t, map[string]string{"UPLOAD_MAX_SIZE": "0"})
	b := newBrowser(t, base)
	b.signIn("alice")
	b.get("/settings/files").wants(404, "")
	b.get("/settings").wants(200, "Delete my account")
	if strings.Contains(b.body, "/settings/files") {
		t.Error("the settings speak of files")
	}
	slot := s.slot(t, "alice", "old.txt", 3, "") // sent while files were
	put(t, slot.Put, []byte("old")).is(t, 201)
	call(t, "GET", slot.Get, nil).is(t, 200)
	if b.get("/settings").wants(200, "<strong>3 bytes</strong>.</p>").wants(200, "/settings/files"); strings.Contains(b.body, "Storage used") {
		t.Error("there is room for more")
	}
	b.get("/settings/files").wants(200, "old.txt")
	b.submit("/settings/files", "/settings/files/delete").wants(303, "")
	if to := b.last.Header.Get("Location"); to != "/settings" {
		t.Error(to)
	}
	b.get("/settings").wants(200, "All your files have been deleted.")
	call(t, "GET", slot.Get, nil).is(t, 404)
	b.get("/settings/files").wants(404, "")
}

func TestFiles_StoreSettings(t *testing.T) {
	keys := map[string]string{"S3_ACCESS_KEY": "us", "S3_SECRET_KEY": "secret", "S3_ENDPOINT": "http://127.0.0.1:1"}
	for store, want := range map[string]string{"disk": "", "s3://b": "", "s3://b/some/prefix": "", "": "", "s3:": "must be", "s3://": "must be", "S3://b?x": "must be", "/var/files": "must be"} {
		environ := map[string]string{"APP_ENV": "development", "UPLOAD_STORE": store}
		for k, v := range keys {
			environ[k] = v
		}
		if _, err := LoadConfig(environ); (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", store, err)
		}
	}
	if _, err := LoadConfig(map[string]string{"APP_ENV": "development", "UPLOAD_STORE": "s3://b"}); err == nil || !strings.Contains(err.Error(), "S3_ACCESS_KEY") {
		t.Errorf("without keys: %v", err)
	}
	if _, err := LoadConfig(map[string]string{"APP_ENV": "development", "UPLOAD_STORE": "s3://b", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b", "S3_ENDPOINT": "nowhere"}); err == nil {
		t.Error("an endpoint that is no URL")
	}
}

// Files that no record knows of are found, and those that one does are not.
func TestFiles_Orphans(t *testing.T) {
	s, _ := start(t, nil)
	slot := s.slot(t, "alice", "a.txt", 1, "")
	put(t, slot.Put, []byte("x")).is(t, 201)
	stranger := uuid.New()
	store, err := uploads.OpenStore(s.cfg.uploadStore())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), stranger, strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if n, err := OrphanFiles(t.Context(), s.cfg, s.db, true); n != 0 || err != nil {
		t.Errorf("%d, too new to be missed; %v", n, err)
	}
	count := func(remove bool) int {
		t.Helper()
		n, err := uploads.Orphans(t.Context(), aged{store}, s.db.Uploads, remove)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if found, removed, left := count(false), count(true), count(false); found != 1 || removed != 1 || left != 0 {
		t.Errorf("found %d, removed %d, left %d", found, removed, left)
	}
	call(t, "GET", slot.Get, nil).is(t, 200)
	if _, err := CheckFiles(t.Context(), s.cfg); err != nil {
		t.Error(err)
	}
}

// aged is a store in which every file is old.
type aged struct{ files.Store }

func (a aged) List(ctx context.Context, _ time.Time, yield func(uuid.UUID) error) error {
	return a.Store.List(ctx, time.Now().Add(time.Hour), yield)
}
