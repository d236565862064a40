package app

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How long the program may take to start, and to end.
const programTimeout = 30 * time.Second

// program is `foyer gateway` in a process of its own.
type program struct {
	*standalone // its clients; nothing of it runs in this process
	cmd         *exec.Cmd
	said        strings.Builder // its log, once it has ended
	ended       chan struct{}
}

// buildProgram builds foyer, as `make build` does.
func buildProgram(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "foyer")
	build := exec.Command("go", "build", "-o", file, ".")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

// startProgram starts it with these settings, and no others, on a free port of loopback. It
// returns when it has said where it listens.
func startProgram(t *testing.T, file string, settings ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(file, "gateway"), ended: make(chan struct{})}
	p.cmd.Env = append(settings, "APP_ENV=development", "ADDR=127.0.0.1:0", "GATEWAY_ORIGINS="+pageOrigin)
	p.cmd.Stderr = &p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make(chan string, 1)
	go func() {
		defer close(p.ended)
		lines := bufio.NewReader(out)
		line, _ := lines.ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, lines)
		_ = p.cmd.Wait() // ProcessState tells how it ended
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended, if all went well
		<-p.ended
	})
	select {
	case line := <-first:
		where := regexp.MustCompile(`^The gateway is at (http://[^,]+), for one\.example, two\.example\.\n$`).FindStringSubmatch(line)
		if where == nil {
			_ = p.cmd.Process.Kill()
			<-p.ended
			t.Fatalf("the program says %q\n%s", line, &p.said)
		}
		p.standalone = &standalone{t: t, base: where[1], http: &http.Client{Transport: &http.Transport{}}}
		t.Cleanup(p.http.CloseIdleConnections)
	case <-time.After(programTimeout):
		t.Fatal("the program does not say that it listens")
	}
	return p
}

// The program as operators start it: people of each of two domains sign in at their own
// server, over WebSocket (RFC 7395) and BOSH (XEP-0206); a third domain is served to nobody
// (RFC 6120 §4.9.3.6, XEP-0124 §17.2); and SIGTERM ends it in order: who is there is told to
// come back (§4.9.3.19), it ends by itself and well, and nothing listens any more.
func TestGatewayProgram(t *testing.T) {
	one, two := newChatServer(t, "one.example"), newChatServer(t, "two.example")
	p := startProgram(t, buildProgram(t), "GATEWAY_UPSTREAMS=one.example=xmpp://"+one.addr+",two.example=xmpp://"+two.addr)
	signIn := func(c talker, domain string) {
		t.Helper()
		has(t, c.open(domain), "<mechanism>PLAIN</mechanism>")
		has(t, c.ask(saslText("auth", "\x00alice\x00of "+domain)), "success")
		has(t, c.restart(domain), "xmpp-bind")
		has(t, c.ask(`<message xmlns="jabber:client" to="x" id="1"/>`), `from="`+domain+`"`)
	}
	var sockets []*wsTalker
	var pollers []*boshTalker
	for _, server := range []*chatServer{one, two} {
		socket, poller := p.webSocket(), &boshTalker{g: p.standalone}
		signIn(socket, server.domain)
		signIn(poller, server.domain)
		if n := server.connections(); n != 2 {
			t.Errorf("%s has had %d connections, want one for each transport", server.domain, n)
		}
		sockets, pollers = append(sockets, socket), append(pollers, poller)
	}
	has(t, p.webSocket().open("three.example"), "<host-unknown ")
	has(t, (&boshTalker{g: p.standalone}).open("three.example"), `condition="host-unknown"`)
	if n := one.connections() + two.connections(); n != 4 {
		t.Errorf("a domain that is not served led to a server: %d connections", n)
	}

	polls := make(chan string, len(pollers))
	for _, b := range pollers {
		go func() { polls <- b.ask("") }()
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for _, w := range sockets {
		has(t, w.read(), "<system-shutdown ")
		w.conn.Close()
	}
	for range pollers {
		has(t, <-polls, `condition="system-shutdown"`)
	}
	p.endsInOrder()
}

// endsInOrder: it ends by itself, and says that all went well.
func (p *program) endsInOrder() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(programTimeout):
		p.t.Fatal("the program does not end")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 || strings.Contains(p.said.String(), "did not end in time") {
		p.t.Errorf("the program ends with %d, and says:\n%s", code, &p.said)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://")); err == nil {
		conn.Close()
		p.t.Errorf("something still listens at %s", p.base)
	}
}
