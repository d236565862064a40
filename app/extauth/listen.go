package extauth

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"foyer/internal/netaddr"
)

// unixPrefix marks the path of a unix socket among addresses.
const unixPrefix = "unix:"

// CheckAddress checks where a listener is to be: unix:/path, or host:port on loopback. The
// error says what to write.
func CheckAddress(addr string) error {
	if path, ok := strings.CutPrefix(addr, unixPrefix); ok {
		if !strings.HasPrefix(path, "/") {
			return errors.New("must have the whole path of the socket, such as unix:/run/foyer/auth")
		}
		return netaddr.CheckUnixPath(path)
	}
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil || port == "" {
		return errors.New("must be a unix socket, such as unix:/run/foyer/auth, or host:port on this machine, such as localhost:5281")
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return errors.New("must be on this machine, since passwords go over it in clear: localhost:PORT, or unix:/PATH")
	}
	return nil
}

// IsUnix reports whether an address is a unix socket's.
func IsUnix(addr string) bool { return strings.HasPrefix(addr, unixPrefix) }

// Listen binds a listener. A unix socket is for root and the site's own user, and for the
// members of a system group if one is named (by name or number); peers are checked as
// they come, whatever the file's mode says by then.
func Listen(addr, group string) (net.Listener, error) {
	path, ok := strings.CutPrefix(addr, unixPrefix)
	if !ok {
		return net.Listen("tcp", addr)
	}
	may, err := newPeers(group)
	if err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := may.open(path); err != nil {
		l.Close()
		return nil, err
	}
	return &checkedListener{Listener: l, may: may}, nil
}

// removeStale removes a socket that a program left behind, and nothing else.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there already, and is no socket", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return fmt.Errorf("another program listens on %s", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// peers are who may use a unix socket.
type peers struct {
	own   int // uid
	group int // gid; negative: none
}

func newPeers(group string) (peers, error) {
	p := peers{own: os.Geteuid(), group: -1}
	if group == "" {
		return p, nil
	}
	number := group
	if g, err := user.LookupGroup(group); err == nil {
		number = g.Gid
	}
	gid, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return p, fmt.Errorf("there is no group %q on this machine", group)
	}
	p.group = int(gid)
	return p, nil
}

// open gives a socket its mode.
func (p peers) open(path string) error {
	if p.group < 0 {
		return os.Chmod(path, 0o600)
	}
	if err := os.Chown(path, -1, p.group); err != nil {
		return fmt.Errorf("the site's user has to be a member of the group %d to give it the socket: %w", p.group, err)
	}
	return os.Chmod(path, 0o660)
}

// allow reports whether a peer may use the socket.
func (p peers) allow(uid, gid int) bool {
	return uid == 0 || uid == p.own || (p.group >= 0 && (gid == p.group || inGroup(uid, p.group)))
}

// inGroup reports whether a user is a member of a group that is not the main one.
func inGroup(uid, gid int) bool {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return false
	}
	ids, err := u.GroupIds()
	if err != nil {
		return false
	}
	return slices.Contains(ids, strconv.Itoa(gid))
}

// checkedListener accepts connections of those who may.
type checkedListener struct {
	net.Listener
	may peers
}

// Accept implements net.Listener.
func (l *checkedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, gid, err := peerOf(conn)
		if err == nil && l.may.allow(uid, gid) {
			return conn, nil
		}
		conn.Close()
	}
}

// maxConns is the maximum number of connections of one listener.
const maxConns = 256

// boundedListener closes connections beyond maxConns at once.
type boundedListener struct {
	net.Listener
	slots chan struct{}
	log   *slog.Logger
}

func bounded(l net.Listener, log *slog.Logger) net.Listener {
	return &boundedListener{Listener: l, slots: make(chan struct{}, maxConns), log: log}
}

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.slots <- struct{}{}:
			return &slotConn{Conn: conn, leave: sync.OnceFunc(func() { <-l.slots })}, nil
		default:
			l.log.Warn("a chat server has too many connections; one was closed", "most", maxConns)
			conn.Close()
		}
	}
}

// slotConn gives its place back when it is closed.
type slotConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *slotConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
