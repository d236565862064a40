package directory

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/app"
	"foyer/app/auth"
	"foyer/app/cli"
	"foyer/e2e/peers"
	"foyer/models"
)

// site is the program itself, whose people come from a directory.
type site struct {
	t        testing.TB
	settings map[string]string
	cfg      app.Config
	db       *models.DB
	url      string
	native   string // address for apps
}

// newSite starts one on a database of its own, with the demo accounts.
func newSite(t testing.TB, s *peers.Slapd, more map[string]string) *site {
	t.Helper()
	native := peers.Addr(peers.FreePort(t))
	settings := map[string]string{
		"APP_ENV": "development", "ADDR": "127.0.0.1:0", "DATABASE_URL": cluster.DB(t), "DATA_DIR": t.TempDir(), "XMPP_C2S_ADDR": native, "XMPP_C2S_PLAIN": "true",
		"LDAP_URL": s.TLSURL, "LDAP_CA_FILE": s.CAFile, "LDAP_BIND_DN": peers.SlapdService, "LDAP_BIND_PASSWORD": peers.SlapdPassword, "LDAP_BASE_DN": peers.SlapdPeople,
		"LDAP_GROUPS": "memberof", "LDAP_GROUP_BASE_DN": peers.SlapdGroups, "LDAP_ADMIN_GROUPS": "board", "LDAP_NATIVE_PASSWORDS": "true",
	}
	maps.Copy(settings, more)
	x := &site{t: t, settings: settings, native: native}
	var err error
	if x.cfg, err = app.LoadConfig(settings); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	said, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := app.Run(ctx, x.cfg, out, slog.New(slog.DiscardHandler))
		out.CloseWithError(err)
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("the site:", err)
		}
	})
	lines := bufio.NewScanner(said)
	for x.url == "" && lines.Scan() {
		if _, behind, ok := strings.Cut(lines.Text(), " is at "); ok {
			x.url = behind
		}
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	if x.db, err = models.Open(t.Context(), models.Options{URL: x.cfg.DatabaseURL, SiteConns: 4, ChatConns: 4}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.db.Close)
	return x
}

// visitor is a browser.
type visitor struct {
	site *site
	http http.Client
}

func (x *site) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	// Connections end with their requests, as far as the goroutines that are counted go.
	return &visitor{site: x, http: http.Client{Jar: jar, Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}}
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

// get returns a page.
func (v *visitor) get(path string) (status int, body string) {
	v.site.t.Helper()
	r, err := v.http.Get(v.site.url + path)
	return v.read(r, err)
}

func (v *visitor) read(r *http.Response, err error) (int, string) {
	v.site.t.Helper()
	if err != nil {
		v.site.t.Fatal(err)
	}
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		v.site.t.Fatal(err)
	}
	return r.StatusCode, string(raw)
}

// signIn fills in the form, and returns the page that comes then.
func (v *visitor) signIn(username, password string) (status int, body string) {
	v.site.t.Helper()
	_, form := v.get("/signin")
	token := csrfField.FindStringSubmatch(form)
	if token == nil {
		v.site.t.Fatalf("no form: %s", form)
	}
	r, err := v.http.PostForm(v.site.url+"/signin", url.Values{"csrf": {token[1]}, "username": {username}, "password": {password}})
	return v.read(r, err)
}

// isIn reports whether somebody is signed in.
func (v *visitor) isIn() bool {
	status, body := v.get("/settings")
	return status == http.StatusOK && strings.Contains(body, "Sign out")
}

// app is an app on somebody's device, signed in by SASL PLAIN; refusal is the SASL condition.
func (x *site) app(user, password string) (conn net.Conn, in *xml.Decoder, refusal string) {
	x.t.Helper()
	conn, err := net.Dial("tcp", x.native)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	say := func(text string) {
		if _, err := io.WriteString(conn, text); err != nil {
			x.t.Fatal(err)
		}
	}
	next := func(name string) (el struct {
		XMLName xml.Name
		Inner   string `xml:",innerxml"`
	}) {
		for {
			token, err := in.Token()
			if err != nil {
				x.t.Fatal(err)
			}
			start, ok := token.(xml.StartElement)
			if !ok || start.Name.Local == "stream" {
				continue
			}
			if err := in.DecodeElement(&el, &start); err != nil {
				x.t.Fatal(err)
			}
			if name == "" || el.XMLName.Local == name {
				return el
			}
		}
	}
	const header = "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	say(header)
	in = xml.NewDecoder(conn)
	if features := next("features"); strings.Contains(features.Inner, "SCRAM") || !strings.Contains(features.Inner, "PLAIN") {
		x.t.Errorf("offered: %s", features.Inner)
	}
	say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)) + "</auth>")
	if answer := next(""); answer.XMLName.Local != "success" {
		return conn, in, answer.Inner
	}
	say(header)
	in = xml.NewDecoder(conn)
	next("features")
	say("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
	next("iq")
	return conn, in, ""
}

// From the form to an account, by the directory's word alone; no password is kept; away means
// away, and those who run the site come in all the same.
func TestSite(t *testing.T) {
	s := peers.StartSlapd(t)
	s.AddPerson("zoe", "Zoë Z.", "jpegPhoto", picture(t))
	s.AddPerson("bob", "Another Bob") // there is a bob here, who is somebody else
	s.AddPerson("admin", "The Admin") // a name that nobody can have here
	s.AddGroup("staff", "zoe")
	s.AddGroup("board", "zoe")
	x := newSite(t, s, nil)

	zoe := x.visitor()
	if status, body := zoe.signIn("Zoe", peers.SlapdPassword); status != http.StatusOK || !zoe.isIn() {
		t.Fatalf("%d %s", status, body)
	}
	a, err := x.db.Accounts.AccountByName(t.Context(), "zoe")
	if err != nil || a.Name != "Zoë Z." || !a.Admin || a.PasswordHash != "" {
		t.Errorf("%+v, %v", a, err)
	}
	if members, err := x.db.Accounts.GroupMembers(t.Context(), "staff"); err != nil || !slices.Equal(members, []string{"zoe"}) {
		t.Errorf("%q, %v", members, err)
	}
	until(t, "the picture is there", func() bool { _, body := zoe.get("/settings"); return strings.Contains(body, "/avatars/") })

	for who, want := range map[[2]string]string{
		{"zoe", "wrong"}: "do not match", {"zoe", ""}: "do not match", {"nobody", peers.SlapdPassword}: "do not match", {"zo*", peers.SlapdPassword}: "do not match",
		{"bob", peers.SlapdPassword}:             "do not match", // is asked of the site, never of the directory
		{"admin", peers.SlapdPassword}:           "Choose a user name",
		{"bob@example.org", peers.SlapdPassword}: "Choose a user name", // and by this, of the directory
	} {
		v := x.visitor()
		if _, body := v.signIn(who[0], who[1]); !strings.Contains(body, want) || v.isIn() {
			t.Errorf("%q: not %q, but %s", who, want, body)
		}
	}

	s.Stop()
	v := x.visitor()
	if status, body := v.signIn("zoe", peers.SlapdPassword); status != http.StatusServiceUnavailable || !strings.Contains(body, "is not responding") || v.isIn() {
		t.Errorf("the directory is away: %d %s", status, body)
	}
	if !zoe.isIn() {
		t.Error("the directory is away, and she who was in is out")
	}
	if v := x.visitor(); true {
		if v.signIn("alice", "foyer-demo"); !v.isIn() {
			t.Error("the directory is away, and an account of the site's own cannot sign in")
		}
	}
}

func picture(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Apps sign in by the directory's password, where the setting allows it; an account that is disabled
// there is put out of the pages and of the chat, and who leaves a group leaves it here.
func TestSite_Recheck(t *testing.T) {
	s := peers.StartSlapd(t)
	for _, uid := range []string{"zoe", "yann", "xenia"} {
		s.AddPerson(uid, uid)
	}
	s.AddGroup("staff", "zoe", "yann")
	x := newSite(t, s, map[string]string{"DIRECTORY_RECHECK": "1s"})
	in := map[string]*visitor{}
	ended := map[string]chan error{}
	for _, user := range []string{"zoe", "yann", "xenia"} {
		in[user] = x.visitor()
		in[user].signIn(user, peers.SlapdPassword)
		_, stream, refusal := x.app(user, peers.SlapdPassword)
		if refusal != "" {
			t.Fatalf("%s: %s", user, refusal)
		}
		ended[user] = make(chan error, 1)
		go func() {
			for {
				if _, err := stream.Token(); err != nil {
					ended[user] <- err
					return
				}
			}
		}()
	}
	for user, password := range map[string]string{"zoe": "wrong", "nobody": peers.SlapdPassword, "alice": "foyer-demo"} {
		if _, _, refusal := x.app(user, password); !strings.Contains(refusal, "not-authorized") {
			t.Errorf("%s by %q: %q", user, password, refusal)
		}
	}
	s.Set(s.Person("zoe"), "pwdAccountLockedTime", "000001010000Z")
	s.Delete(s.Person("xenia"))
	s.Set("cn=staff,"+peers.SlapdGroups, "member", s.Person("zoe"))
	for _, user := range []string{"zoe", "xenia"} {
		<-ended[user]
		if in[user].isIn() {
			t.Errorf("%s is still in the pages", user)
		}
	}
	until(t, "nobody is in the group", func() bool {
		members, err := x.db.Accounts.GroupMembers(t.Context(), "staff")
		return err == nil && len(members) == 0
	})
	select {
	case err := <-ended["yann"]:
		t.Errorf("yann is out: %v", err)
	default:
	}
	if !in["yann"].isIn() {
		t.Error("yann is out of the pages")
	}
	if _, _, refusal := x.app("zoe", peers.SlapdPassword); refusal == "" {
		t.Error("zoe came in again")
	}

	// They are told why, where they have been in before; others learn nothing of it.
	s.Set(s.Person("yann"), "pwdAccountLockedTime", time.Now().UTC().Format("20060102150405Z"))
	for user, why := range map[string]string{"zoe": "account is disabled in", "yann": "account is locked in"} {
		if _, body := x.visitor().signIn(user, peers.SlapdPassword); !strings.Contains(body, "do not match") || strings.Contains(body, why) {
			t.Errorf("a stranger is told of %s: %s", user, body)
		}
		if _, body := in[user].signIn(user, peers.SlapdPassword); !strings.Contains(body, why) {
			t.Errorf("%s is not told: %s: %s", user, why, body)
		}
	}
}

// However often somebody guesses at the site, the directory locks nobody for it.
func TestSite_LocksNobody(t *testing.T) {
	s := peers.StartSlapd(t)
	s.AddPerson("zoe", "Zoë")
	x := newSite(t, s, nil)
	known := x.visitor()
	known.signIn("zoe", peers.SlapdPassword)
	known.http.Jar.SetCookies(must(url.Parse(x.url)), []*http.Cookie{{Name: "foyer", MaxAge: -1}}) // signed out; the device is known still
	results := make(chan string)
	for range 12 {
		go func() {
			_, body := x.visitor().signIn("zoe", "wrong")
			results <- body
		}()
	}
	throttled := 0
	for range 12 {
		if strings.Contains(<-results, "Too many attempts") {
			throttled++
		}
	}
	if throttled != 12-3 {
		t.Errorf("%d of 12 guesses did not reach the directory, not 9", throttled)
	}
	if _, body := x.visitor().signIn("zoe", peers.SlapdPassword); !strings.Contains(body, "Too many attempts") {
		t.Error("a stranger may try the last time")
	}
	if known.signIn("zoe", peers.SlapdPassword); !known.isIn() {
		t.Error("she is kept out of her own device")
	}
	if v := x.visitor(); true {
		if v.signIn("zoe", peers.SlapdPassword); !v.isIn() {
			t.Error("after the right password the count begins again")
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// foyer directory sync, as the operator sees it, and foyer doctor.
func TestCommands(t *testing.T) {
	s := peers.StartSlapd(t)
	for _, uid := range []string{"zoe", "yann", "xenia", "wim"} {
		s.AddPerson(uid, strings.ToUpper(uid))
	}
	s.AddPerson("bob", "Bob")
	s.AddGroup("staff", "zoe")
	x := newSite(t, s, nil)
	for name, value := range x.settings {
		t.Setenv(name, value)
	}
	for _, user := range []string{"zoe", "yann", "xenia"} {
		x.visitor().signIn(user, peers.SlapdPassword)
	}
	s.Delete(s.Person("xenia"))
	s.Set(s.Person("yann"), "pwdAccountLockedTime", "000001010000Z")
	s.Set(s.Person("zoe"), "displayName", "Zoë Z.")
	s.AddGroup("board", "zoe")
	want := []string{
		"+ wim: WIM", "? bob: That user name is not available. Try another one.", "~ zoe: name: Zoë Z.; into the group board; runs the site",
		"- xenia: no longer there", "- yann: disabled", "1 to be added (+), 1 who choose another user name when they sign in (?), 1 to be changed (~), 2 to be put out (-).",
	}
	if out := run(t, "directory", "sync", "--dry-run"); out != strings.Join(append(want, "Nothing was changed.", ""), "\n") {
		t.Errorf("%s", out)
	}
	if out := run(t, "directory", "sync"); out != strings.Join(append(want, ""), "\n") {
		t.Errorf("%s", out)
	}
	if out := run(t, "directory", "sync", "--dry-run"); !strings.HasPrefix(out, want[1]+"\n0 to be added") {
		t.Errorf("%s", out)
	}
	if a, err := x.db.Accounts.AccountByName(t.Context(), "wim"); err != nil || a.Name != "WIM" {
		t.Errorf("%+v %v", a, err)
	}

	out := runDoctor(t, "--directory-person", "zoe")
	for _, want := range []string{"ok    sign-in by ldap: well", "ok    ldap: zoe: zoe is uid=zoe,ou=people,dc=example,dc=org, \"Zoë Z.\", active; groups: board, staff"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for want, change := range map[string][2]string{
		"LDAP_BIND_PASSWORD":                {"LDAP_BIND_PASSWORD", "wrong"},
		"LDAP_CA_FILE":                      {"LDAP_CA_FILE", ""},
		"certificate is for another name":   {"LDAP_URL", strings.Replace(s.TLSURL, "localhost", "127.0.0.1", 1)},
		"firewalls between":                 {"LDAP_URL", "ldaps://localhost:1"},
		"LDAP_BASE_DN=ou=x":                 {"LDAP_BASE_DN", "ou=x,dc=example,dc=org"},
		"correct LDAP_BASE_DN or LDAP_USER": {"LDAP_BASE_DN", peers.SlapdGroups},
		"LDAP_GROUP_BASE_DN=ou=x":           {"LDAP_GROUP_BASE_DN", "ou=x,dc=example,dc=org"},
		"for Active Directory":              {"LDAP_GROUPS", "nested"},
		"LDAP_USERNAME_ATTRIBUTE":           {"LDAP_USER_FILTER", "(cn={username})"},
	} {
		before := x.settings[change[0]]
		if want == "LDAP_USERNAME_ATTRIBUTE" {
			t.Setenv("LDAP_USERNAME_ATTRIBUTE", "employeeNumber")
		}
		t.Setenv(change[0], change[1])
		if out := runDoctor(t); !strings.Contains(out, want) || !strings.Contains(out, "FAIL") && !strings.Contains(out, "fail") {
			t.Errorf("%v: %q is not in\n%s", change, want, out)
		}
		t.Setenv(change[0], before)
		t.Setenv("LDAP_USERNAME_ATTRIBUTE", "")
	}
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if err := cli.Run(t.Context(), args, strings.NewReader(""), &out, &errOut); err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out.String(), errOut.String())
	}
	return out.String()
}

// runDoctor says what foyer doctor finds, of which other things may be wrong.
func runDoctor(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if err := cli.Run(t.Context(), append([]string{"doctor", "--quick"}, args...), strings.NewReader(""), &out, &errOut); err != nil && out.Len() == 0 {
		t.Fatal(err)
	}
	return out.String()
}

// A directory's password is good for other chat servers, too, which ask the site
// (XMPP_AUTH_ACCEPT), within the same bounds.
func TestSite_Doors(t *testing.T) {
	s := peers.StartSlapd(t)
	s.AddPerson("zoe", "Zoë")
	x := newSite(t, s, map[string]string{"XMPP_AUTH_HTTP": "unix:" + t.TempDir() + "/auth", "XMPP_AUTH_ACCEPT": "password"})
	settings, err := x.cfg.Auth(x.db, slog.New(slog.DiscardHandler), func(context.Context, models.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	service, err := auth.New(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := service.DelegatedAuth.CheckForServer(t.Context(), "Zoe", peers.SlapdPassword); err != nil || name != "zoe" {
		t.Errorf("%s, %v", name, err)
	}
	for range 5 {
		if _, err := service.DelegatedAuth.CheckForServer(t.Context(), "zoe", "wrong"); err == nil {
			t.Error("a wrong password is good")
		}
	}
	var throttled *auth.ThrottledError
	if _, err := service.DelegatedAuth.CheckForServer(t.Context(), "zoe", peers.SlapdPassword); !errors.As(err, &throttled) {
		t.Errorf("after too many: %v", err)
	}
	if fmt.Sprint(settings.Sources[0].Name()) != "ldap" {
		t.Error(settings.Sources)
	}
}
