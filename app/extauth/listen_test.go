package extauth

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"foyer/internal/netaddr"
)

func TestCheckAddress(t *testing.T) {
	for addr, want := range map[string]bool{
		"unix:/run/foyer/auth": true, "localhost:5281": true, "127.0.0.1:5281": true, "[::1]:5281": true,
		"unix:auth": false, "unix:": false, ":5281": false, "0.0.0.0:5281": false, "192.0.2.1:5281": false, "example.org:5281": false, "5281": false, "": false,
	} {
		if err := CheckAddress(addr); (err == nil) != want {
			t.Errorf("%q: %v", addr, err)
		}
	}
	// What is taken can be listened on, and what is not could not be.
	for path, want := range longPaths(t) {
		if err := CheckAddress("unix:" + path); (err == nil) != want || (err != nil && !strings.Contains(err.Error(), fmt.Sprintf("at most %d", len(path)-1))) {
			t.Errorf("a path of %d bytes: %v", len(path), err)
		}
		l, err := net.Listen("unix", path)
		if (err == nil) != want {
			t.Errorf("a path of %d bytes is listened on: %v", len(path), err)
		}
		if err == nil {
			l.Close()
		}
	}
}

// longPaths are the longest path of a unix socket that the system has, and one that is a byte longer.
func longPaths(t *testing.T) map[string]bool {
	dir, err := os.MkdirTemp("/tmp", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := dir + "/" + strings.Repeat("s", netaddr.MaxUnixPath-len(dir)-1)
	return map[string]bool{path: true, path + "s": false}
}

// A unix socket is for root, the site's own user and the group.
func TestListen_Unix(t *testing.T) {
	dir := t.TempDir()
	own := strconv.Itoa(os.Getegid())
	for group, mode := range map[string]os.FileMode{"": 0o600, own: 0o660} {
		path := filepath.Join(dir, "s"+group)
		l, err := Listen("unix:"+path, group)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("group %q: %v %v", group, info.Mode(), err)
		}
		go func() { // we are one who may
			if conn, err := net.Dial("unix", path); err == nil {
				_, _ = conn.Write([]byte("x"))
				conn.Close()
			}
		}()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := io.ReadAll(conn); string(raw) != "x" || err != nil {
			t.Errorf("%q %v", raw, err)
		}
		conn.Close()
		if _, err := Listen("unix:"+path, group); err == nil {
			t.Error("two listen on one socket")
		}
		l.Close()
	}
	if _, err := Listen("unix:"+filepath.Join(dir, "s"), "no such group"); err == nil {
		t.Error("a group that is none is taken")
	}
}

func TestPeers(t *testing.T) {
	alone, shared := peers{own: 1000, group: -1}, peers{own: 1000, group: 4711}
	for _, c := range []struct {
		may      peers
		uid, gid int
		want     bool
	}{
		{alone, 0, 0, true}, {alone, 1000, 1000, true}, {alone, 1001, 1000, false}, {alone, 65534, 4711, false},
		{shared, 0, 0, true}, {shared, 1000, 1, true}, {shared, 1001, 4711, true}, {shared, 65534, 65534, false},
	} {
		if got := c.may.allow(c.uid, c.gid); got != c.want {
			t.Errorf("%+v: %d %d: %v", c.may, c.uid, c.gid, got)
		}
	}
}

// What a program that was killed left is removed; anything else stays.
func TestListen_Stale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	again, err := Listen("unix:"+path, "")
	if err != nil {
		t.Fatal(err)
	}
	again.Close()

	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:"+path, ""); err == nil {
		t.Error("a file was taken for a socket")
	}
	if raw, err := os.ReadFile(path); string(raw) != "mine" {
		t.Error("the file is gone:", err)
	}
}
