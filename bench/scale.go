package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"foyer/internal/pgdev"
)

// The scale step: a large site on default settings. It takes minutes, and runs
// only when it is asked for: -steps scale.

// fact is one line of its table.
type fact struct{ what, reached, goal string }

// scale is a run of the step.
type scale struct {
	*server
	size    size
	log     io.Writer
	facts   []fact
	browser *browser
}

func (s *scale) note(what, goal, format string, args ...any) {
	f := fact{what, fmt.Sprintf(format, args...), goal}
	s.facts = append(s.facts, f)
	fmt.Fprintf(s.log, "  %-60s %s\n", f.what, f.reached)
}

// measureScale fills a database, starts the program on it and measures.
func (b *bench) measureScale(ctx context.Context, pg *pgdev.Server, port int, dir, program string) error {
	w := site{dir: filepath.Join(dir, "scale"), pg: pg, pgPort: port, database: "scale", users: 1}
	w.content = func(ctx context.Context, w site) error { return w.fill(ctx, b.size) }
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return err
	}
	if err := pg.CreateDatabase(ctx, w.database, ""); err != nil {
		return err
	}
	fmt.Fprintf(b.log, "filling a site of %d accounts and %d messages …\n", b.size.accounts, b.size.messages)
	begin := time.Now()
	foyer, err := startFoyer(ctx, w, program)
	if err != nil {
		return err
	}
	defer foyer.stop()
	fmt.Fprintf(b.log, "  it took %s\n", time.Since(begin).Round(time.Second))
	s := &scale{server: foyer, size: b.size, log: b.log}
	defer func() { b.facts, b.took = s.facts, time.Since(begin) }()
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{{"people", s.people}, {"searches", s.searches}} {
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("scale, %s: %w", step.name, err)
		}
	}
	return nil
}

// people measures while many are online.
func (s *scale) people(ctx context.Context) error {
	creds, err := s.credentials(ctx, s.size.online+s.size.arriving)
	if err != nil {
		return err
	}
	before, err := s.memory(ctx, settling)
	if err != nil {
		return err
	}
	online, err := s.signInAll(ctx, webSocket, creds[:s.size.online], 20)
	if err != nil {
		return err
	}
	defer closeAll(online)
	if _, err := s.arrive(online); err != nil {
		return err
	}
	after, err := s.memory(ctx, settling)
	if err != nil {
		return err
	}
	resident, heap, stacks := after.perSession(before, len(online))
	s.note("memory per idle session, roster fetched; of that, live heap and stacks", "≤ 25 KiB", "%.1f KiB; %.1f KiB and %.1f KiB", resident, heap, stacks)
	stop := drain(online)
	defer stop()
	if err := s.arrivals(ctx, creds[s.size.online:]); err != nil {
		return err
	}
	// Not before: hashing a password takes much memory for a while.
	if s.browser, err = newBrowser(ctx, s.web, userName(0)); err != nil {
		return err
	}
	if err := s.pages(ctx); err != nil {
		return err
	}
	return s.changes(ctx)
}

// settling is how long a server has to come to rest before its memory is measured.
const settling = 5 * time.Second

// drain reads what comes for clients that wait.
func drain(clients []*client) (stop func()) {
	for _, c := range clients {
		go func() {
			for {
				if _, err := c.recv(); err != nil {
					return // closed
				}
			}
		}()
	}
	return func() { closeAll(clients) }
}

// arrive asks for the roster and sends presence, as a client does; it returns
// the bytes of all rosters.
func (s *scale) arrive(clients []*client) (int64, error) {
	var total atomic.Int64
	err := each(clients, func(c *client) error {
		if err := c.write([]byte(`<iq xmlns="jabber:client" type="get" id="roster"><query xmlns="jabber:iq:roster"/></iq>`)); err != nil {
			return err
		}
		roster, err := await(c, `id="roster"`)
		if err != nil {
			return err
		}
		total.Add(int64(len(roster)))
		return exchange(c, `<presence xmlns="jabber:client"/>`, `from="`+c.user+"@"+domain+"/"+resource)
	})
	return total.Load(), err
}

// arrival is how long a class, a shift or a meeting takes to sign in.
const arrival = 5 * time.Second

// arrivals measures many people who sign in within a short time.
func (s *scale) arrivals(ctx context.Context, creds []credential) error {
	before := s.usage(0)
	written := s.sent()
	clients := make([]*client, len(creds))
	rosters := make([]int64, len(creds))
	errs := make(chan error, len(creds))
	for i, c := range creds {
		go func() {
			errs <- func() (err error) {
				if err := pause(ctx, arrival*time.Duration(i)/time.Duration(len(creds))); err != nil {
					return err
				}
				if clients[i], err = s.signIn(ctx, webSocket, s.size.online, c); err != nil { // all from one address
					return err
				}
				rosters[i], err = s.arrive(clients[i : i+1])
				return err
			}()
		}()
	}
	var err error
	for range creds {
		err = errors.Join(err, <-errs)
	}
	defer closeAll(clients)
	if err != nil {
		return err
	}
	m := between(before, s.usage(int64(len(clients))))
	s.note("roster at sign-in", "≤ 20 kB", "%.1f kB", float64(slices.Max(rosters))/1000)
	s.note(fmt.Sprintf("%d people behind one address sign in within 5 s", len(creds)), "≤ 0.5 s of the server; ≤ 5 MB",
		"CPU %.2f + %.2f s; %.1f MB", m.server.Seconds(), m.tables.Seconds(), float64(s.sent()-written)/1e6)
	return nil
}

// sent is how many bytes the server has written, to everybody and the database.
func (s *scale) sent() int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", s.pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(raw) {
		if rest, ok := bytes.CutPrefix(line, []byte("wchar: ")); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64)
			return n
		}
	}
	return 0
}

// repeated is what one request, repeated, cost.
type repeated struct {
	measured
	took delays
}

// repeat does something again and again, at least once, for some seconds.
func (s *scale) repeat(times int, f func() error) (*repeated, error) {
	if err := f(); err != nil { // caches
		return nil, err
	}
	r := &repeated{}
	before, n := s.usage(0), 0
	for ; n < times && time.Since(before.at) < 10*time.Second; n++ {
		begin := time.Now().UnixNano()
		if err := f(); err != nil {
			return nil, err
		}
		r.took.add(begin)
	}
	r.measured = between(before, s.usage(int64(n)))
	return r, nil
}

// String is the time that a client waits, and the processor's time of the server and
// the database.
func (r *repeated) String() string {
	return fmt.Sprintf("%.1f / %.1f ms; CPU %.1f + %.1f ms", milliseconds(r.took.quantile(0.5)), milliseconds(r.took.quantile(0.99)),
		milliseconds(r.cpu()), milliseconds(r.tables)/float64(max(r.count, 1)))
}

// pages measures the pages that show people and rooms.
func (s *scale) pages(ctx context.Context) error {
	const page, find = "≤ 2 ms of the server; ≤ 60 kB", "≤ 5 ms of the database"
	for _, p := range []struct{ what, path, goal string }{
		{"the home page", "/", page}, {"the people", "/people", page}, {"the rooms", "/rooms", page},
		{"finding anybody by typing", "/people?q=mason", find}, {"finding one of all", "/people?q=potter+" + strconv.Itoa(s.size.accounts/2), find},
	} {
		var body []byte
		r, err := s.repeat(400, func() (err error) { body, err = s.browser.get(ctx, p.path); return err })
		if err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
		s.note(p.what+", `"+p.path+"`", p.goal, "%s; %.1f kB", r, float64(len(body))/1000)
	}
	return nil
}

// changes measures what many might be told of, until nobody is any more.
func (s *scale) changes(ctx context.Context) error {
	for _, c := range []struct {
		what string
		run  func() error
	}{
		{"a profile saved", func() error {
			return s.browser.post(ctx, "/settings", "/settings/profile", url.Values{"name": {"Ada Archer"}})
		}},
		{"an account made", func() error { return s.command(ctx, "user", "add", "newcomer", "--password", password) }},
		{"an account blocked", func() error { return s.command(ctx, "user", "block", userName(s.size.online-1)) }},
	} {
		before := s.usage(0)
		begin := time.Now()
		if err := c.run(); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
		took := time.Since(begin)
		if err := pause(ctx, 3*time.Second); err != nil {
			return err
		}
		m := between(before, s.usage(1))
		s.note(c.what, "O(those who see it)", "%.0f ms; CPU within 3 s, of everything: %.0f + %.0f ms", milliseconds(took), milliseconds(m.server), milliseconds(m.tables))
	}
	return nil
}

// searches measures the first page of full-text searches.
func (s *scale) searches(ctx context.Context) error {
	creds, err := s.credentials(ctx, 1)
	if err != nil {
		return err
	}
	c, err := s.signIn(ctx, webSocket, 0, creds[0])
	if err != nil {
		return err
	}
	defer c.close()
	for _, a := range []struct {
		what, to string
		part     int
	}{{"an own archive", "", largePerson}, {"a room", ` to="` + hall + "@" + mucDomain + `"`, largeRoom}} {
		for _, word := range searchedWords {
			r, err := s.repeat(200, func() error { return search(c, a.to, word) })
			if err != nil {
				return err
			}
			s.note(fmt.Sprintf("search in %s of %s, “%s”", a.what, number(float64(s.size.messages/a.part)), word), "≤ 10 ms p99", "%s", r)
		}
	}
	for _, beginning := range searchedBeginnings {
		r, err := s.repeat(200, func() error {
			_, err := s.browser.get(ctx, "/xmpp/search?q="+beginning)
			return err
		})
		if err != nil {
			return err
		}
		s.note(fmt.Sprintf("the page's search while one types, “%s”", beginning), "≤ 100 ms", "%s", r)
	}
	return nil
}

// search reads the newest page of a search (XEP-0313 §4, XEP-0431 §3).
func search(c *client, to, word string) error {
	query := `<iq xmlns="jabber:client" type="set" id="search"` + to + `><query xmlns="urn:xmpp:mam:2"><x xmlns="jabber:x:data" type="submit">` +
		`<field var="FORM_TYPE" type="hidden"><value>urn:xmpp:mam:2</value></field>` +
		`<field var="{urn:xmpp:fulltext:0}fulltext"><value>` + word + `</value></field></x>` +
		`<set xmlns="http://jabber.org/protocol/rsm"><max>50</max><before/></set></query></iq>`
	if err := c.write([]byte(query)); err != nil {
		return err
	}
	for {
		got, err := c.recv()
		if err != nil {
			return err
		}
		for _, g := range got {
			if bytes.Contains(g, []byte("<fin")) {
				return nil
			}
			if failed(g) {
				return fmt.Errorf("search: %s", g)
			}
		}
	}
}
