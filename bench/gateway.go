package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"foyer/internal/netaddr"
	"foyer/internal/pgdev"
)

// The gateway step: what it costs to reach another server through `foyer gateway`, beside
// that server's own endpoints, and beside nginx in front of them.

const gatewayName = "foyer gateway"

// front is one way to a server: the figures of what stands in front of it are kept apart
// from the server's own.
type front struct {
	*server       // its pid is of what stands in front, and postgres is the server
	own     bool  // nothing stands in front
	over    []way // what is measured
}

// way is what was measured over one transport.
type way struct {
	transport    transport
	front, back  float64    // CPU seconds for 1,000 messages: of what stands in front, and of the server
	p50, p99     float64    // ms, one way, at 500 messages a second
	added        [2]float64 // ms, to the p50 and the p99
	idle         float64    // KiB for a session, of what stands in front
	rate         float64    // messages per second
	withoutDelay bool
}

// measureGateway measures every server that is installed.
func (b *bench) measureGateway(ctx context.Context, names []string, pg *pgdev.Server, port int, dir, program string) error {
	for _, name := range names {
		start := map[string]func(context.Context, site) (*server, error){"prosody": startProsody, "ejabberd": startEjabberd}[name]
		if start == nil {
			continue
		}
		w := site{dir: filepath.Join(dir, "gateway-"+name), pg: pg, pgPort: port, database: "gateway_" + name, users: b.plan.idle}
		if err := os.MkdirAll(w.dir, 0o755); err != nil {
			return err
		}
		if err := pg.CreateDatabase(ctx, w.database, ""); err != nil {
			return err
		}
		s, err := start(ctx, w)
		if err != nil {
			fmt.Fprintln(b.log, err)
			b.gateway.notes = append(b.gateway.notes, err.Error())
			continue
		}
		if err := b.fronts(ctx, s, w, program); err != nil {
			fmt.Fprintln(b.log, "  failed:", err)
			b.gateway.notes = append(b.gateway.notes, fmt.Sprintf("%s: %.300s", name, err))
		}
		s.stop()
	}
	return nil
}

// fronts measures every way to one server.
func (b *bench) fronts(ctx context.Context, s *server, w site, program string) error {
	all := []*front{{server: s, own: true}}
	defer func() { b.gateway.compare(s, all) }()
	starts := []func(context.Context, site, *server) (*front, error){
		func(ctx context.Context, w site, s *server) (*front, error) { return startGateway(ctx, w, s, program) },
	}
	if s.name == "Prosody" { // one of them will do
		starts = append(starts, startNginx)
	}
	for _, start := range starts {
		f, err := start(ctx, w, s)
		if err != nil {
			fmt.Fprintln(b.log, err)
			b.gateway.notes = append(b.gateway.notes, err.Error())
			continue
		}
		defer f.stop()
		all = append(all, f)
	}
	for _, f := range all {
		over := []transport{webSocket, bosh}
		if f.own {
			over = append(over, tcp)
		}
		for _, t := range over {
			fmt.Fprintf(b.log, "%s, %s\n", f.name, t)
			m, err := b.measureWay(ctx, s, f, t)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", f.name, t, err)
			}
			f.over = append(f.over, m)
		}
	}
	return nil
}

// measureWay measures one way to a server s over one transport.
func (b *bench) measureWay(ctx context.Context, s *server, f *front, t transport) (way, error) {
	out := way{transport: t}
	if f.name == gatewayName {
		one := &bench{plan: b.plan, log: io.Discard, values: make(map[key][]float64)}
		if err := one.idle(ctx, f.server, t); err != nil {
			return out, err
		}
		out.idle = one.values[key{f.name, "idle", t}][0]
	}
	clients, err := b.enter(ctx, f.server, t, b.plan.pairs)
	if err != nil {
		return out, err
	}
	m, err := f.exchangeMessages(ctx, clients, noStore, b.plan.window, b.plan.seconds)
	if err != nil {
		return out, err
	}
	out.rate, out.front, out.back = m.rate(), perThousand(m.cpu()), perThousand(m.total()-m.cpu())
	if f.own { // its tables are the database's, which has nothing to do
		out.front, out.back = 0, perThousand(m.cpu())
	}
	if err := f.calm(ctx); err != nil {
		return out, err
	}
	if err := b.measureDelay(ctx, s, f, &out); err != nil {
		fmt.Fprintln(b.log, "  no latency:", err)
		out.withoutDelay = true
	}
	fmt.Fprintf(b.log, "  %+v\n", out)
	return out, f.calm(ctx)
}

// measureDelay measures how long 500 messages a second are under way. What something in front
// adds is measured beside a way without it: half of the messages go there at the same time, so
// that both meet the same pauses of the server.
func (b *bench) measureDelay(ctx context.Context, s *server, f *front, out *way) error {
	const perSecond = 500
	creds, err := f.credentials(ctx, b.plan.pairs)
	if err != nil {
		return err
	}
	if f.own {
		took, err := b.delays(ctx, f.server, out.transport, creds, noStore, perSecond)
		if err != nil {
			return err
		}
		out.p50, out.p99 = took.milliseconds()
		return nil
	}
	over := out.transport
	if f.name == gatewayName {
		over = tcp // it reaches the server so
	}
	var took, without *delays
	var group errgroup.Group
	group.Go(func() (err error) {
		took, err = b.delays(ctx, f.server, out.transport, creds[:len(creds)/2], noStore, perSecond/2)
		return err
	})
	group.Go(func() (err error) {
		without, err = b.delays(ctx, s, over, creds[len(creds)/2:], noStore, perSecond/2)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	out.p50, out.p99 = took.milliseconds()
	p50, p99 := without.milliseconds()
	out.added = [2]float64{out.p50 - p50, out.p99 - p99}
	return nil
}

// calm waits until the server has done with what the last load left behind: messages that
// it still has for sessions that have ended would go to the next ones, as errors.
func (f *front) calm(ctx context.Context) error {
	const look, idle = time.Second, 50 * time.Millisecond
	for range 30 {
		before := f.usage(0)
		if err := pause(ctx, look); err != nil {
			return err
		}
		if m := between(before, f.usage(0)); m.server+m.tables < idle {
			break
		}
	}
	return nil
}

// startGateway starts `foyer gateway` in front of a server's port for clients.
func startGateway(ctx context.Context, w site, s *server, program string) (*front, error) {
	port, err := netaddr.FreePort()
	if err != nil {
		return nil, err
	}
	base := "127.0.0.1:" + strconv.Itoa(port)
	metrics, err := netaddr.FreePort()
	if err != nil {
		return nil, err
	}
	figures := "127.0.0.1:" + strconv.Itoa(metrics)
	env := []string{"APP_ENV=development", "ADDR=" + base, "GATEWAY_UPSTREAMS=" + domain + "=xmpp://" + s.tcp, "LOG_LEVEL=warn", "METRICS_ADDR=" + figures}
	cmd, stop, err := w.start("gateway", env, program, "gateway")
	if err != nil {
		return nil, err
	}
	f, err := w.front(ctx, s, gatewayName, cmd, stop, port)
	if err != nil {
		return nil, err
	}
	f.metrics = "http://" + figures + "/metrics" // it says when it has given memory back
	if f.fresh.resident, err = residentKiB(f.pid); err != nil {
		stop()
		return nil, err
	}
	return f, nil
}

const nginxConfig = `
daemon off; master_process off; worker_rlimit_nofile 20000; pid %[1]s/nginx.pid; error_log stderr warn;
%[4]s
events { worker_connections 10000; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	map $http_upgrade $upgrade { default upgrade; "" ""; }
	upstream server { server %[3]s; keepalive 2000; }
	server {
		listen 127.0.0.1:%[2]d;
		location / {
			proxy_pass http://server;
			proxy_http_version 1.1;
			proxy_set_header Host $host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $upgrade;
			proxy_buffering off;
			proxy_read_timeout 75s;
		}
	}
}
`

// startNginx starts nginx in front of a server's own endpoints.
func startNginx(ctx context.Context, w site, s *server) (*front, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, fmt.Errorf("nginx %w", errMissing)
	}
	port, err := netaddr.FreePort()
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	file := filepath.Join(w.dir, "nginx.conf")
	web := strings.TrimSuffix(strings.TrimPrefix(s.bosh, "http://"), "/http-bind")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, w.dir, port, web, user), 0o600); err != nil {
		return nil, err
	}
	cmd, stop, err := w.start("nginx", nil, program, "-p", w.dir, "-e", "stderr", "-c", file)
	if err != nil {
		return nil, err
	}
	return w.front(ctx, s, "nginx", cmd, stop, port)
}

// front waits until a program listens, and says how the server is reached through it.
func (w site) front(ctx context.Context, s *server, name string, cmd *exec.Cmd, stop func(), port int) (*front, error) {
	if err := w.ready(ctx, cmd, port); err != nil {
		stop()
		return nil, err
	}
	base := "127.0.0.1:" + strconv.Itoa(port)
	return &front{server: &server{
		name: name, webSocket: "ws://" + base + "/xmpp-websocket", bosh: "http://" + base + "/http-bind",
		pid: cmd.Process.Pid, postgres: s.pid, stop: stop, credentials: passwords,
	}}, nil
}
