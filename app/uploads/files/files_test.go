package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func disk(t *testing.T) (*Disk, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "uploads")
	d := NewDisk(dir)
	if err := d.Prepare(); err != nil {
		t.Fatal(err)
	}
	return d, dir
}

// bucket is an S3-compatible service on loopback that serves only requests
// signed by us.
func bucket(t *testing.T) (*S3, S3Options) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("files"); err != nil {
		t.Fatal(err)
	}
	service := gofakes3.New(backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=us/") || !strings.Contains(r.Header.Get("Authorization"), "/nowhere-1/s3/aws4_request") {
			http.Error(w, "not signed by us: "+r.Header.Get("Authorization"), http.StatusForbidden)
			return
		}
		service.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	o := S3Options{Bucket: "files", Prefix: "site/", Endpoint: server.URL, Region: "nowhere-1", AccessKey: "us", SecretKey: "secret"}
	s, err := NewS3(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, o
}

// Both stores keep the same promises.
func TestStores(t *testing.T) {
	d, _ := disk(t)
	s, _ := bucket(t)
	for name, store := range map[string]Store{"disk": d, "s3": s} {
		t.Run(name, func(t *testing.T) {
			t.Run("a file comes back, whole and in part", func(t *testing.T) { comesBack(t, store) })
			t.Run("what did not arrive whole is not there", func(t *testing.T) { allOrNothing(t, store) })
			t.Run("a small version is beside its file, and goes with it", func(t *testing.T) { keepsSmall(t, store) })
			t.Run("the list", func(t *testing.T) { lists(t, store) })
			if err := Check(t.Context(), store); err != nil {
				t.Error(err)
			}
		})
	}
}

func put(t *testing.T, store Store, file []byte) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	if err := store.Put(t.Context(), id, bytes.NewReader(file), int64(len(file))); err != nil {
		t.Fatal(err)
	}
	return id
}

func comesBack(t *testing.T, store Store) {
	file := bytes.Repeat([]byte("0123456789"), 100_000)
	id := put(t, store, file)
	for _, part := range [][2]int64{{0, 1_000_000}, {0, 1}, {999_999, 1}, {12, 345_678}} {
		got, err := read(t.Context(), store, id, part[1])
		if part[0] > 0 {
			var r io.ReadCloser
			if r, err = store.Open(t.Context(), id, part[0], part[1]); err == nil {
				got, err = io.ReadAll(r)
				r.Close()
			}
		}
		if err != nil || !bytes.Equal(got, file[part[0]:part[0]+part[1]]) {
			t.Errorf("%v: %d bytes, %v", part, len(got), err)
		}
	}
	if err := store.Delete(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, err := store.Open(t.Context(), id, 0, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("a deleted file: %v", err)
	}
	if err := store.Delete(t.Context(), id); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
}

func keepsSmall(t *testing.T, store Store) {
	id := put(t, store, []byte("large"))
	if _, _, err := store.OpenSmall(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("none was made: %v", err)
	}
	for _, data := range []string{"first", "small"} { // what is there is replaced
		if err := store.PutSmall(t.Context(), id, []byte(data)); err != nil {
			t.Fatal(err)
		}
		r, size, err := store.OpenSmall(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || string(got) != data || size != int64(len(data)) {
			t.Errorf("%q of %d bytes, %v", got, size, err)
		}
	}
	if got, err := read(t.Context(), store, id, 5); err != nil || string(got) != "large" {
		t.Errorf("the file is %q, %v", got, err)
	}
	times := 0
	if err := store.List(t.Context(), time.Now().Add(time.Hour), func(listed uuid.UUID) error {
		if listed == id {
			times++
		}
		return nil
	}); err != nil || times != 1 {
		t.Errorf("listed %d times, %v", times, err)
	}
	if err := store.DeleteSmall(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, err := read(t.Context(), store, id, 5); err != nil {
		t.Errorf("the file went with its small version: %v", err)
	}
	if err := errors.Join(store.PutSmall(t.Context(), id, []byte("small")), store.Delete(t.Context(), id)); err != nil {
		t.Error(err)
	}
	if _, _, err := store.OpenSmall(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("it is there without its file: %v", err)
	}
}

// A small version that another program writes is left to it; what it left when it ended is not in the way for long.
func TestDisk_SmallOfAnother(t *testing.T) {
	d, _ := disk(t)
	id := put(t, d, []byte("large"))
	part := d.path(id) + small + partial
	if err := os.WriteFile(part, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.PutSmall(t.Context(), id, []byte("small")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("written over: %v", err)
	}
	if raw, err := os.ReadFile(part); err != nil || string(raw) != "half" {
		t.Errorf("%q, %v", raw, err)
	}
	old := time.Now().Add(-2 * abandoned)
	if err := errors.Join(os.Chtimes(part, old, old), d.PutSmall(t.Context(), id, []byte("small"))); err != nil {
		t.Error(err)
	}
}

func allOrNothing(t *testing.T, store Store) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		r    io.Reader
		want error
	}{
		"too short": {strings.NewReader("too short"), io.ErrUnexpectedEOF},
		"broken":    {io.MultiReader(strings.NewReader("be"), iotest.ErrReader(broken)), broken},
	} {
		id := uuid.Must(uuid.NewV7())
		if err := store.Put(t.Context(), id, c.r, 100_000); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := store.Open(t.Context(), id, 0, 1); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: it is there: %v", name, err)
		}
	}
	// More than was announced is not read.
	id := uuid.Must(uuid.NewV7())
	rest := strings.NewReader("abcdef")
	if err := store.Put(t.Context(), id, iotest.OneByteReader(rest), 3); err != nil || rest.Len() != 3 {
		t.Errorf("%d bytes left, %v", rest.Len(), err)
	}
	if got, err := read(t.Context(), store, id, 3); err != nil || string(got) != "abc" {
		t.Errorf("%q, %v", got, err)
	}
}

func lists(t *testing.T, store Store) {
	a, b := put(t, store, []byte("a")), put(t, store, []byte("b"))
	list := func(before time.Time) (ids []uuid.UUID) {
		t.Helper()
		err := store.List(t.Context(), before, func(id uuid.UUID) error {
			ids = append(ids, id)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		return ids
	}
	if got := list(time.Now().Add(time.Hour)); !slices.Contains(got, a) || !slices.Contains(got, b) {
		t.Errorf("listed %v", got)
	}
	if got := list(time.Now().Add(-time.Hour)); len(got) > 0 {
		t.Errorf("older than an hour: %v", got)
	}
	enough := errors.New("enough")
	if err := store.List(t.Context(), time.Now().Add(time.Hour), func(uuid.UUID) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("went on: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.List(ctx, time.Now(), func(uuid.UUID) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("not cancelled: %v", err)
	}
}

// What a crash leaves is found and removed; others' files are left alone.
func TestDisk_Leftovers(t *testing.T) {
	d, dir := disk(t)
	id := put(t, d, []byte("a"))
	path := d.path(id)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	interrupted, alone := uuid.Must(uuid.NewV7()), put(t, d, []byte("a"))
	if err := errors.Join(os.Remove(d.path(alone)), d.PutSmall(t.Context(), alone, []byte("a")), os.WriteFile(d.path(id)+small+partial, nil, 0o600), os.MkdirAll(filepath.Dir(d.path(interrupted)), 0o700), os.WriteFile(d.path(interrupted)+partial, nil, 0o600),
		os.WriteFile(filepath.Join(dir, "README"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	var found []uuid.UUID
	if err := d.List(t.Context(), time.Now().Add(time.Hour), func(id uuid.UUID) error { found = append(found, id); return nil }); err != nil || len(found) != 3 {
		t.Errorf("found %v, %v", found, err)
	}
	for _, id := range found {
		if err := d.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	var left []string
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, _ error) error {
		if !e.IsDir() {
			left = append(left, e.Name())
		}
		return nil
	})
	if !slices.Equal(left, []string{"README"}) {
		t.Errorf("left: %q", left)
	}
	if NewDisk(filepath.Join(dir, "README")).Prepare() == nil {
		t.Error("a file is taken for a directory")
	}
}

func TestS3_Refused(t *testing.T) {
	t.Parallel() // it waits for most of its time
	_, o := bucket(t)
	for name, change := range map[string]func(*S3Options){
		"a foreign key": func(o *S3Options) { o.AccessKey = "them" },
		"no bucket":     func(o *S3Options) { o.Bucket = "elsewhere" },
		"nobody there":  func(o *S3Options) { o.Endpoint = "http://127.0.0.1:1" },
	} {
		wrong := o
		change(&wrong)
		s, err := NewS3(wrong)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := Check(ctx, s); err == nil {
			t.Errorf("%s: all is well", name)
		}
		if _, err := s.Open(ctx, uuid.New(), 0, 1); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, endpoint := range []string{"s3.example.org", "ftp://s3.example.org", "https://", "https://s3.example.org/path", "https://s3.example.org?x",
		"https://us:secret@s3.example.org", "https://us:secret@s3.example.org/path", "us:secret@s3.example.org", "https://us:secret@s3.example.org:port"} {
		if _, err := NewS3(S3Options{Bucket: "b", Endpoint: endpoint}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("accepted %s", endpoint)
		}
	}
}

// A service that ignores which part is asked for sends nothing that would be taken for it.
func TestS3_WithoutRanges(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		_, _ = io.WriteString(w, "0123456789")
	}))
	t.Cleanup(server.Close)
	s, err := NewS3(S3Options{Bucket: "files", Endpoint: server.URL, AccessKey: "us", SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := s.Open(t.Context(), uuid.New(), 3, 2); err == nil {
		got, _ := io.ReadAll(r)
		t.Errorf("the part from 3 on is %q", got)
	}
	r, err := s.Open(t.Context(), uuid.New(), 0, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "0123" {
		t.Errorf("%q, %v", got, err)
	}
}
