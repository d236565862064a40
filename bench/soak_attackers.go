package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The attackers of the soak. They come from an address of their own.

// attack goes on until ctx ends; what it meets there is its own affair.
type attack struct {
	name string
	run  func(context.Context, *server)
}

func attacks() []attack {
	return []attack{
		{"nobody", func(ctx context.Context, _ *server) { <-ctx.Done() }},
		{"X-46: forms that unpack to gigabytes", packedForms},
		{"X-47: more connections than there are files", manyConnections},
		{"X-50: 50 streams of one account, in a room: presence, messages, nicknames", chatter},
		{"X-51: readers that stop reading", deafReaders},
		{"X-52: pictures of 30 million pixels", hugePictures},
		{"X-53: a large roster, asked for again and again", rosters},
		{"X-54: 50 streams that fill the archive and search it", archivists},
		{"X-55: wrong passwords, many at once, in the chat and on the page", guesses},
		{"X-59: sign-ins that take all that waits for them", collectors},
		{"X-61: bodies that do not end", endlessBodies},
		{"X-68: rooms that are begun, and left unconfigured", founders},
		{"nodes as large as may be, listed again and again", publishers},
		{"pings, as fast as they go", pings},
		{"gateway: 10,000 connections that begin and do not go on", halfOpen},
		{"gateway: bodies that come a byte a second", slowBodies},
		{"gateway: frames of 64 MiB, and without an end", hugeFrames},
		{"gateway: bodies that unpack to a gigabyte", bombs},
	}
}

// concurrently runs n of them until ctx ends; each that returns begins again.
func concurrently(ctx context.Context, n int, f func(i int) error) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for ctx.Err() == nil {
				if f(i) != nil {
					_ = pause(ctx, 100*time.Millisecond)
				}
			}
		})
	}
	all.Wait()
}

// evil is the address that attackers come from; honest people have others.
func evil() *net.Dialer {
	return &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 6, 6, 6)}}
}

func evilClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: evil().DialContext, DisableKeepAlives: true}, Timeout: 30 * time.Second}
}

func packedForms(ctx context.Context, s *server) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	form := multipart.NewWriter(zip)
	field, _ := form.CreateFormField("csrf") // writing to memory does not fail
	_, _ = field.Write(make([]byte, 200<<20))
	form.Close()
	zip.Close()
	client := evilClient()
	concurrently(ctx, 10, func(int) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.web+"/signin", bytes.NewReader(packed.Bytes()))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", form.FormDataContentType())
		req.Header.Set("Content-Encoding", "gzip")
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
}

// manyConnections opens as many as it can, and keeps them.
func manyConnections(ctx context.Context, s *server) {
	host := strings.TrimPrefix(s.web, "http://")
	var mu sync.Mutex
	var held []net.Conn
	concurrently(ctx, 20, func(int) error {
		conn, err := evil().DialContext(ctx, "tcp", host)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		held = append(held, conn)
		if len(held) > 18_000 {
			return errors.New("enough")
		}
		return nil
	})
	for _, c := range held {
		c.Close()
	}
}

// evilStream signs the attacker's account in once more.
func evilStream(ctx context.Context, s *server, account int, resource string) (*wsLink, error) {
	l, err := dialWebSocketFrom(ctx, s.webSocket, domain, evil())
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, l.close)
	return l, authenticateAs(l, credential{userName(account), password}, resource)
}

// readAll reads and forgets what comes, until the stream ends.
func readAll(l *wsLink) {
	for {
		if _, err := l.recv(); err != nil {
			return
		}
	}
}

// flood sends the same over and over, from many streams of one account, and reads
// what comes unless it is deaf.
func flood(ctx context.Context, s *server, streams int, deaf bool, stanzas ...string) {
	raw := make([][]byte, len(stanzas))
	for i, st := range stanzas {
		raw[i] = []byte(st)
	}
	floodBy(ctx, s, streams, deaf, func(int, int) [][]byte { return raw })
}

// floodBy is flood with what stream i sends in its nth turn.
func floodBy(ctx context.Context, s *server, streams int, deaf bool, stanzas func(i, n int) [][]byte) {
	concurrently(ctx, streams, func(i int) error {
		l, err := evilStream(ctx, s, attackerName, fmt.Sprint("evil", i))
		if err != nil {
			return err
		}
		defer l.close()
		if !deaf {
			go readAll(l)
		}
		for n := 0; ; n++ {
			if err := l.write(stanzas(i, n)...); err != nil {
				return err
			}
		}
	})
}

// joinPresence enters a room, or changes the nickname there.
func joinPresence(room, nick, status string) []byte {
	return []byte(`<presence xmlns="jabber:client" to="` + room + `@` + mucDomain + `/` + nick + `"><x xmlns="http://jabber.org/protocol/muc"/><status>` + status + `</status></presence>`)
}

func chatter(ctx context.Context, s *server) {
	status := strings.Repeat("x", 16_000)
	stanzas := [][]byte{
		[]byte(`<presence xmlns="jabber:client"><status>` + status + `</status></presence>`),
		[]byte(`<message xmlns="jabber:client" to="` + userName(1) + `@` + domain + `" type="chat"><body>` + status + `</body></message>`),
		[]byte(`<message xmlns="jabber:client" to="evil@` + mucDomain + `" type="groupchat"><body>` + status + `</body></message>`),
	}
	floodBy(ctx, s, streamsOfOne, false, func(i, n int) [][]byte {
		return append([][]byte{joinPresence("evil", fmt.Sprintf("evil%d-%d", i, n), status)}, stanzas...)
	})
}

// archivists fill an archive from half of their streams, and search it from the others.
func archivists(ctx context.Context, s *server) {
	fill := [][]byte{[]byte(`<message xmlns="jabber:client" to="` + userName(attackerName+1) + `@` + domain + `" type="chat"><body>` + strings.Repeat("x y ", 10_000) + `</body></message>`)}
	search := [][]byte{[]byte(`<iq xmlns="jabber:client" type="set" id="s"><query xmlns="urn:xmpp:mam:2"><x xmlns="jabber:x:data" type="submit">` +
		`<field var="FORM_TYPE"><value>urn:xmpp:mam:2</value></field><field var="{urn:xmpp:fulltext:0}fulltext"><value>y</value></field></x></query></iq>`)}
	floodBy(ctx, s, streamsOfOne, false, func(i, _ int) [][]byte {
		if i%2 == 0 {
			return fill
		}
		return search
	})
}

// collectors let messages wait for an account, and sign it in many times to take them, slowly.
func collectors(ctx context.Context, s *server) {
	victim := attackerName + 1
	message := []byte(`<message xmlns="jabber:client" to="` + userName(victim) + `@` + domain + `" type="chat"><body>` + strings.Repeat("x", 16_000) + `</body></message>`)
	var all sync.WaitGroup
	all.Go(func() { floodBy(ctx, s, 2, false, func(int, int) [][]byte { return [][]byte{message} }) })
	all.Go(func() {
		concurrently(ctx, streamsOfOne, func(i int) error {
			l, err := evilStream(ctx, s, victim, fmt.Sprint("slow", i))
			if err != nil {
				return err
			}
			defer l.close()
			if err := l.write([]byte(`<presence xmlns="jabber:client"/>`)); err != nil {
				return err
			}
			for range 100 {
				if _, err := l.recv(); err != nil {
					return err
				}
				if err := pause(ctx, 10*time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
	})
	all.Wait()
}

// founders begin rooms, each under another name, and configure none (XEP-0045 §10.1).
func founders(ctx context.Context, s *server) {
	floodBy(ctx, s, streamsOfOne, false, func(i, n int) [][]byte {
		return [][]byte{joinPresence(fmt.Sprintf("evil%d-%d", i, n), "evil", "")}
	})
}

func deafReaders(ctx context.Context, s *server) {
	flood(ctx, s, streamsOfOne, true, `<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`,
		`<iq xmlns="jabber:client" type="get" id="v"><vCard xmlns="vcard-temp"/></iq>`, `<iq xmlns="jabber:client" type="set" id="m"><query xmlns="urn:xmpp:mam:2"/></iq>`)
}

func hugePictures(ctx context.Context, s *server) {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, 6000, 5000))) // writing to memory does not fail
	flood(ctx, s, 20, false, `<iq xmlns="jabber:client" type="set" id="p"><vCard xmlns="vcard-temp"><PHOTO><TYPE>image/png</TYPE><BINVAL>`+
		base64.StdEncoding.EncodeToString(b.Bytes())+`</BINVAL></PHOTO></vCard></iq>`)
}

func rosters(ctx context.Context, s *server) {
	l, err := evilStream(ctx, s, attackerName, "setup")
	if err != nil {
		return
	}
	go readAll(l)
	name := strings.Repeat("😀", 128) // as long as names may be
	var groups strings.Builder
	for i := range 10 {
		fmt.Fprintf(&groups, "<group>%d%s</group>", i, name[4:])
	}
	for i := range 220 { // beyond all that a roster may hold
		item := `<iq xmlns="jabber:client" type="set" id="s"><query xmlns="jabber:iq:roster"><item jid="c` + fmt.Sprint(i) + `@` + domain + `" name="` + name + `">` + groups.String() + `</item></query></iq>`
		if l.write([]byte(item)) != nil {
			return
		}
	}
	flood(ctx, s, streamsOfOne, false, `<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>`)
}

// publishers fill the nodes of an account (XEP-0163), with configurations as large as may be, and another account's
// streams list them.
func publishers(ctx context.Context, s *server) {
	l, err := evilStream(ctx, s, attackerName+1, "setup")
	if err != nil {
		return
	}
	go readAll(l)
	form := `<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>http://jabber.org/protocol/pubsub#publish-options</value></field>` +
		`<field var="pubsub#access_model"><value>open</value></field><field var="pubsub#roster_groups_allowed">` +
		strings.Repeat("<value>"+strings.Repeat("😀", 128)+"</value>", 31) + `</field></x>`
	id := strings.Repeat("i", 900)
	for i := range 500 { // beyond all that an account may have
		item := fmt.Sprintf(`<iq xmlns="jabber:client" type="set" id="p"><pubsub xmlns="http://jabber.org/protocol/pubsub">`+
			`<publish node="evil%d"><item id="%s"><x xmlns="urn:x"/></item></publish><publish-options>%s</publish-options></pubsub></iq>`, i, id, form)
		if l.write([]byte(item)) != nil {
			return
		}
	}
	to := userName(attackerName+1) + "@" + domain
	flood(ctx, s, streamsOfOne, false, `<iq xmlns="jabber:client" type="get" id="d" to="`+to+`"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`,
		`<iq xmlns="jabber:client" type="get" id="a" to="`+to+`"><pubsub xmlns="http://jabber.org/protocol/pubsub"><affiliations/></pubsub></iq>`)
}

func guesses(ctx context.Context, s *server) {
	concurrently(ctx, 100, func(i int) error {
		if i%2 == 0 {
			client := evilClient()
			client.Jar, _ = cookiejar.New(nil) // never fails
			b := &browser{base: s.web, http: client}
			_ = b.post(ctx, "/signin", "/signin", url.Values{"username": {userName(i % honest)}, "password": {"wrong"}})
			return errors.New("again, after a moment")
		}
		l, err := dialWebSocketFrom(ctx, s.webSocket, domain, evil())
		if err != nil {
			return err
		}
		defer l.close()
		_ = authenticateAs(l, credential{userName(i % honest), "wrong"}, "evil")
		return errors.New("again, after a moment")
	})
}

func endlessBodies(ctx context.Context, s *server) {
	host := strings.TrimPrefix(s.web, "http://")
	begin := strings.Repeat("x", 200_000)
	concurrently(ctx, 500, func(i int) error {
		conn, err := evil().DialContext(ctx, "tcp", host)
		if err != nil {
			return err
		}
		defer conn.Close()
		path := [...]string{"/http-bind", "/settings/picture", "/signin"}[i%3]
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", path, 8<<20, begin)
		return pause(ctx, 5*time.Second)
	})
}

func pings(ctx context.Context, s *server) {
	concurrently(ctx, 20, func(i int) error {
		l, err := evilStream(ctx, s, attackerName, fmt.Sprint("evil", i))
		if err != nil {
			return err
		}
		defer l.close()
		many := bytes.Repeat(appendFrame(nil, opPing, []byte("?")), 1000)
		for {
			if _, err := l.conn.Write(many); err != nil {
				return err
			}
		}
	})
}
