package extauth

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// dovecotClient is what Prosody's mod_auth_dovecot would be.
type dovecotClient struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// startDovecot serves the protocol on loopback until the test ends.
func startDovecot(t testing.TB, site Site) (dial func() *dovecotClient) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- NewDovecot(site, "example.org", quiet()).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return func() *dovecotClient {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		return &dovecotClient{t, conn, bufio.NewReader(conn)}
	}
}

func (c *dovecotClient) send(lines ...string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(strings.Join(lines, "\n") + "\n")); err != nil {
		c.t.Fatal(err)
	}
}

func (c *dovecotClient) line() string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.t.Fatalf("%q %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (c *dovecotClient) expect(want string) {
	c.t.Helper()
	if line := c.line(); line != want {
		c.t.Errorf("%q, want %q", line, want)
	}
}

// closed expects the end of the connection.
func (c *dovecotClient) closed() {
	c.t.Helper()
	if line, err := c.in.ReadString('\n'); err == nil {
		c.t.Errorf("the connection goes on: %q", line)
	}
}

// greet takes the server's introduction, and makes the client's.
func (c *dovecotClient) greet() *dovecotClient {
	c.t.Helper()
	var names []string
	for {
		fields := strings.Split(c.line(), "\t")
		names = append(names, fields[0])
		if fields[0] == "COOKIE" && len(fields[1]) != 32 {
			c.t.Error("the cookie is not of 128 bits:", fields[1])
		}
		if fields[0] == "DONE" {
			break
		}
	}
	if want := []string{"VERSION", "MECH", "SPID", "CUID", "COOKIE", "DONE"}; !slices.Equal(names, want) {
		c.t.Error(names)
	}
	c.send("VERSION\t1\t1", "CPID\t4711")
	return c
}

func plain(authzid, login, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(authzid + "\x00" + login + "\x00" + password))
}

func TestDovecot(t *testing.T) {
	c := startDovecot(t, newFakeSite())().greet()
	for i, x := range []struct{ request, want string }{
		{"resp=" + plain("", "alice", "right"), "OK\t%d\tuser=alice"},
		{"resp=" + plain("", "Alice@example.org", "right"), "OK\t%d\tuser=alice"},
		{"resp=" + plain("alice", "alice", "right"), "OK\t%d\tuser=alice"},
		{"resp=" + plain("alice@example.org", "alice", "right"), "OK\t%d\tuser=alice"},
		{"secured\tnologin\tlip=127.0.0.1\tresp=" + plain("", "alice", "right"), "OK\t%d\tuser=alice"},
		{"resp=" + plain("", "alice", strings.Repeat("token", 300)), "OK\t%d\tuser=alice"}, // what Prosody's SASLprep would refuse
		{"resp=" + plain("", "alice", "wrong"), "FAIL\t%d\tuser=alice"},
		{"resp=" + plain("", "nobody", "right"), "FAIL\t%d\tuser=nobody"},
		{"resp=" + plain("", "alice@elsewhere.org", "right"), "FAIL\t%d\tuser=alice"},
		{"resp=" + plain("victim", "alice", "right"), "FAIL\t%d\tuser=alice\tauthz"}, // RFC 4616 §2
		{"resp=" + plain("alice@elsewhere.org", "alice", "right"), "FAIL\t%d\tuser=alice\tauthz"},
		{"resp=" + plain("", "throttled", "x"), "FAIL\t%d\tuser=throttled\ttemp\treason=Too many wrong passwords. Try again later."},
		{"resp=" + plain("", "trouble", "x"), "FAIL\t%d\tuser=trouble\ttemp\treason=The site cannot tell just now."},
		{"resp=" + plain("", "", "x"), "FAIL\t%d\treason=Malformed response"},
		{"resp=" + base64.StdEncoding.EncodeToString([]byte("alice")), "FAIL\t%d\treason=Malformed response"},
		{"resp=?", "FAIL\t%d\treason=a response that is no base64"},
	} {
		c.send(fmt.Sprintf("AUTH\t%d\tPLAIN\tservice=xmpp\t%s", i, x.request))
		c.expect(fmt.Sprintf(x.want, i))
	}
	c.send("AUTH\t99\tLOGIN\tservice=xmpp\tresp=" + plain("", "alice", "right"))
	c.expect("FAIL\t99\treason=Unsupported authentication mechanism")
	c.send("WHATEVER\tx", "AUTH\t100\tPLAIN\tresp="+plain("", "alice", "right")) // what is not known is passed over
	c.expect("OK\t100\tuser=alice")
}

// A response that comes later is asked for.
func TestDovecot_Continued(t *testing.T) {
	c := startDovecot(t, newFakeSite())().greet()
	for i, begin := range []string{"AUTH\t%d\tPLAIN\tservice=xmpp", "AUTH\t%d\tPLAIN\tservice=xmpp\tresp==", "AUTH\t%d\tPLAIN\tservice=xmpp\tresp="} {
		c.send(fmt.Sprintf(begin, i))
		c.expect(fmt.Sprintf("CONT\t%d\t", i))
		c.send(fmt.Sprintf("CONT\t%d\t%s", i, plain("", "alice", "right")))
		c.expect(fmt.Sprintf("OK\t%d\tuser=alice", i))
	}
	c.send("AUTH\t7\tPLAIN")
	c.expect("CONT\t7\t")
	c.send("CONT\t7\t=")
	c.expect("FAIL\t7\treason=Malformed response")
	c.send("AUTH\t8\tPLAIN")
	c.expect("CONT\t8\t")
	c.send("CANCEL\t8", "CONT\t8\t"+plain("", "alice", "right"))
	c.closed()
}

// Many requests are under way at once, and one that takes long is in nobody's way; too
// many wait to be read.
func TestDovecot_ManyAtOnce(t *testing.T) {
	site := newFakeSite()
	c := startDovecot(t, site)().greet()
	lines := make([]string, 0, 2*maxUnderWay)
	for i := range 2 * maxUnderWay {
		lines = append(lines, fmt.Sprintf("AUTH\t%d\tPLAIN\tresp=%s", i, plain("", "alice", "wait and right")))
	}
	c.send(lines[:maxUnderWay/2]...)
	c.send("AUTH\t9999\tPLAIN\tresp=" + plain("", "alice", "right"))
	c.expect("OK\t9999\tuser=alice")
	c.send("CANCEL\t0")
	c.send(lines[maxUnderWay/2:]...)
	for range maxUnderWay {
		<-site.waits
	}
	close(site.release)
	seen := map[string]bool{}
	for range len(lines) - 1 {
		line := c.line()
		if !strings.HasPrefix(line, "OK\t") || seen[line] {
			t.Errorf("%q", line)
		}
		seen[line] = true
	}
	if seen["OK\t0\tuser=alice"] {
		t.Error("what was cancelled is answered")
	}
	if n := site.asked.Load(); n != int64(len(lines))+1 {
		t.Errorf("%d questions", n)
	}
}

// What is not of the protocol ends the connection, and no other one.
func TestDovecot_Garbage(t *testing.T) {
	dial := startDovecot(t, newFakeSite())
	good := dial().greet()
	for name, lines := range map[string][]string{
		"an id that is none":         {"VERSION\t1\t1", "AUTH\tx\tPLAIN"},
		"no id":                      {"VERSION\t1\t1", "AUTH"},
		"a large id":                 {"VERSION\t1\t1", "AUTH\t4294967296\tPLAIN"},
		"one id twice":               {"VERSION\t1\t1", "AUTH\t1\tPLAIN", "AUTH\t1\tPLAIN"},
		"CONT for nothing":           {"VERSION\t1\t1", "CONT\t1\t="},
		"another version":            {"VERSION\t2\t0"},
		"no version":                 {"AUTH\t1\tPLAIN\tresp=" + plain("", "alice", "right")},
		"a line too long":            {"VERSION\t1\t1", strings.Repeat("x", maxLine+1)},
		"too many that wait":         append([]string{"VERSION\t1\t1"}, manyWaiting()...),
		"what another program says":  {"GET / HTTP/1.1"},
		"too long without a version": {strings.Repeat("x", 3*maxLine)},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial()
			c.t = t
			_, _ = c.conn.Write([]byte(strings.Join(lines, "\n") + "\n"))
			for {
				if line, err := c.in.ReadString('\n'); err != nil {
					return
				} else if strings.HasPrefix(line, "OK") {
					t.Error("it is answered:", line)
				}
			}
		})
	}
	good.send("AUTH\t1\tPLAIN\tresp=" + plain("", "alice", "right"))
	good.expect("OK\t1\tuser=alice")
}

func manyWaiting() []string {
	lines := make([]string, 2*maxUnderWay+1)
	for i := range lines {
		lines[i] = fmt.Sprintf("AUTH\t%d\tPLAIN", i)
	}
	return lines
}

// One connection too many is closed at once; a place that is given up is had again.
func TestBounded(t *testing.T) {
	dial := startDovecot(t, newFakeSite())
	all := make([]*dovecotClient, maxConns)
	for i := range all {
		all[i] = dial()
		all[i].line()
	}
	dial().closed()
	all[0].conn.Close()
	for {
		c := dial()
		if _, err := c.in.ReadString('\n'); err == nil {
			return
		}
	}
}

func FuzzDovecotLine(f *testing.F) {
	for _, line := range []string{
		"VERSION\t1\t1", "CPID\t1", "AUTH\t1\tPLAIN\tservice=xmpp\tresp=" + plain("", "alice", "right"), "AUTH\t1\tPLAIN\tresp==",
		"CONT\t1\t=", "CONT\t1", "CANCEL\t1", "AUTH\t-1", "AUTH\t1\tPLAIN\tx=\x01ty\tresp=AA==", "\x01", "\x010\x011",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := parseLine(line)
		if err != nil {
			return
		}
		data, sent, err := c.response()
		if err == nil && len(data) > 0 && !sent {
			t.Error("a response that was not sent")
		}
		if p, ok := parsePlain(data); ok && (p.login == "" || p.password == "" || strings.Contains(p.authzid+p.login+p.password, "\x00")) {
			t.Errorf("%+v", p)
		}
		for _, field := range c.fields {
			if out := string(reply(field)); strings.ContainsAny(strings.TrimSuffix(out, "\n"), "\t\n\r\x00") || unescape(strings.TrimSuffix(out, "\n")) != field {
				t.Errorf("%q is written as %q", field, out)
			}
		}
	})
}
