package extauth

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"foyer/internal/budget"
)

// Dovecot's authentication protocol, version 1.1, for clients: what Prosody's
// mod_auth_dovecot speaks, and mail servers. The server introduces itself, then each
// request has a number, under which it is answered; many may be under way, and answers
// come in any order.
//
//	server: VERSION 1 1 · MECH PLAIN · SPID · CUID · COOKIE · DONE
//	client: VERSION 1 1 · CPID
//	client: AUTH id PLAIN service=xmpp resp=…   (or CONT, when it is asked for its response)
//	server: OK id user=…  |  CONT id  |  FAIL id reason=…
//
// One goroutine reads a connection, one more serves each request. A client that has
// too many of them under way is not read until one is answered.

// Bounds of one connection.
const (
	maxUnderWay  = 64               // requests of one connection
	greetingWait = 30 * time.Second // for the client to introduce itself
	writeWait    = 10 * time.Second
)

// Dovecot serves the protocol. It is safe for concurrent use.
type Dovecot struct {
	checker checker
	log     *slog.Logger
	failed  budget.Lines // questions without an answer, in the log
	conns   atomic.Int64 // all that there were
}

// NewDovecot returns a server of that protocol that asks the site, for one XMPP domain.
func NewDovecot(site Site, domain string, log *slog.Logger) *Dovecot {
	return &Dovecot{checker: checker{site, domain}, log: log}
}

// Serve serves connections until ctx ends, which closes l, and returns when the last one
// is done.
func (d *Dovecot) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	limited := bounded(l, d.log)
	defer context.AfterFunc(ctx, func() { limited.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for {
		conn, err := limited.Accept()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			d.log.Error("a chat server's connection could not be accepted", "err", err)
			select { // such as too many open files
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		all.Go(func() {
			if err := d.serveConn(ctx, conn); err != nil && ctx.Err() == nil {
				d.log.Warn("a chat server's connection ended", "err", err)
			}
		})
	}
}

// serveConn serves one connection until its end.
func (d *Dovecot) serveConn(ctx context.Context, conn net.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &dovecotConn{Dovecot: d, conn: conn, pending: make(map[uint32]state), slots: make(chan struct{}, maxUnderWay)}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer func() {
		if stop() {
			conn.Close()
		}
		cancel()
		c.requests.Wait()
	}()
	return c.serve(ctx)
}

// state of a request.
type state int

const (
	waiting   state = iota // for the client's response
	checking               // under way
	cancelled              // the client does not want the answer any more
)

// dovecotConn is one connection.
type dovecotConn struct {
	*Dovecot
	conn     net.Conn
	requests sync.WaitGroup
	slots    chan struct{} // for requests that are checked

	writing sync.Mutex

	mu      sync.Mutex
	pending map[uint32]state
}

func (c *dovecotConn) serve(ctx context.Context) error {
	if err := c.greet(); err != nil {
		return err
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(greetingWait))
	greeted := false
	in := bufio.NewReaderSize(c.conn, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0, errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("a line of more than %d bytes", maxLine)
		case err != nil:
			return err
		}
		cmd, err := parseLine(line[:len(line)-1])
		if err == nil && !greeted {
			greeted, err = c.greeted(cmd)
		} else if err == nil {
			err = c.handle(ctx, cmd)
		}
		if err != nil {
			return err
		}
	}
}

// greet introduces the server.
func (c *dovecotConn) greet() error {
	cookie := make([]byte, 16)
	_, _ = rand.Read(cookie) // never fails (crypto/rand)
	hello := reply("VERSION", "1", "1")
	for _, line := range [][]byte{
		reply("MECH", "PLAIN", "plaintext"),
		reply("SPID", strconv.Itoa(os.Getpid())),
		reply("CUID", strconv.FormatInt(c.Dovecot.conns.Add(1), 10)),
		reply("COOKIE", hex.EncodeToString(cookie)),
		reply("DONE"),
	} {
		hello = append(hello, line...)
	}
	return c.write(hello)
}

// greeted takes the first line of the client: its version, of which the first number
// has to be ours.
func (c *dovecotConn) greeted(cmd command) (bool, error) {
	if cmd.name != "VERSION" || len(cmd.fields) == 0 || cmd.fields[0] != "1" {
		return false, errors.New("the client does not speak version 1 of the protocol")
	}
	return true, c.conn.SetReadDeadline(time.Time{})
}

// handle acts on one line. An error ends the connection.
func (c *dovecotConn) handle(ctx context.Context, cmd command) error {
	switch cmd.name {
	case "AUTH":
		return c.handleAuth(ctx, cmd)
	case "CONT":
		return c.handleCont(ctx, cmd)
	case "CANCEL":
		c.cancel(cmd.id)
	}
	return nil // what is not known is passed over, as CPID is
}

// handleAuth begins a request.
func (c *dovecotConn) handleAuth(ctx context.Context, cmd command) error {
	data, sent, err := cmd.response()
	begin := checking
	if err == nil && (!sent || len(data) == 0) {
		begin = waiting
	}
	if err := c.begin(cmd.id, begin); err != nil {
		return err
	}
	switch {
	case cmd.mechanism() != "PLAIN":
		return c.fail(cmd.id, "", "reason=Unsupported authentication mechanism")
	case err != nil:
		return c.fail(cmd.id, "", "reason="+err.Error())
	case begin == waiting:
		return c.write(reply("CONT", id(cmd.id), "")) // PLAIN has nothing to ask (RFC 4422 §5)
	}
	return c.check(ctx, cmd.id, data)
}

// handleCont takes the response that was asked for.
func (c *dovecotConn) handleCont(ctx context.Context, cmd command) error {
	if !c.resume(cmd.id) {
		return fmt.Errorf("CONT for a request that asked for nothing")
	}
	data, _, err := cmd.response()
	if err != nil {
		return c.fail(cmd.id, "", "reason="+err.Error())
	}
	return c.check(ctx, cmd.id, data)
}

// begin notes a request.
func (c *dovecotConn) begin(request uint32, s state) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.pending[request]; there {
		return errors.New("two requests with one number")
	}
	if s == waiting && len(c.pending) >= 2*maxUnderWay {
		return errors.New("too many requests that were not finished")
	}
	c.pending[request] = s
	return nil
}

// resume reports whether a request waits for its response, and goes on with it.
func (c *dovecotConn) resume(request uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, there := c.pending[request]
	if !there || s != waiting {
		return false
	}
	c.pending[request] = checking
	return true
}

// cancel forgets a request, or its answer.
func (c *dovecotConn) cancel(request uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s, there := c.pending[request]; {
	case there && s == waiting:
		delete(c.pending, request)
	case there:
		c.pending[request] = cancelled
	}
}

// end takes a request off the list; false: nobody wants its answer.
func (c *dovecotConn) end(request uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.pending[request]
	delete(c.pending, request)
	return s != cancelled
}

// check asks the site, in another goroutine, once there is a slot for it.
func (c *dovecotConn) check(ctx context.Context, request uint32, message []byte) error {
	p, ok := parsePlain(message)
	if !ok {
		return c.fail(request, "", "reason=Malformed response")
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.requests.Go(func() {
		err := c.answer(ctx, request, p)
		<-c.slots
		if err != nil {
			c.conn.Close()
		}
	})
	return nil
}

// answer decides on a request.
func (c *dovecotConn) answer(ctx context.Context, request uint32, p plainMessage) error {
	user, _ := c.checker.user(p.login, "")
	if own, ok := c.checker.user(p.authzid, ""); p.authzid != "" && (!ok || own != user) {
		return c.fail(request, user, "authz") // RFC 4616 §2: nobody acts for others
	}
	v, name, err := c.checker.check(ctx, p.login, "", p.password)
	switch v {
	case good:
		if !c.end(request) {
			return nil
		}
		return c.write(reply("OK", id(request), "user="+name))
	case refused:
		return c.fail(request, user)
	case throttled:
		return c.fail(request, user, "temp", "reason=Too many wrong passwords. Try again later.")
	}
	c.failed.Error(c.log, "", "a chat server's question could not be answered", "err", err)
	return c.fail(request, user, "temp", "reason=The site cannot tell just now.")
}

// fail answers a request that is not good.
func (c *dovecotConn) fail(request uint32, user string, more ...string) error {
	if !c.end(request) {
		return nil
	}
	fields := []string{"FAIL", id(request)}
	if user != "" {
		fields = append(fields, "user="+user)
	}
	return c.write(reply(append(fields, more...)...))
}

func id(request uint32) string { return strconv.FormatUint(uint64(request), 10) }

// write writes whole lines.
func (c *dovecotConn) write(lines []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait))
	_, err := c.conn.Write(lines)
	return err
}
