package deploy

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"go.yaml.in/yaml/v3"
)

// There is no Docker where the tests run. What can be told without one: docker-compose.yml is
// read by the engine's own reader, profiles and variables included; what it names is there,
// and what an image copies is among what it is built from; scripts make of the files in
// deploy/ what they should.

// compose reads docker-compose.yml as `docker compose` does, with some variables of the
// shell and some profiles.
func compose(t *testing.T, env []string, profiles ...string) (*types.Project, error) {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithEnv(env), cli.WithProfiles(profiles))
	if err != nil {
		t.Fatal(err)
	}
	return o.LoadProject(t.Context())
}

var chosen = []string{"BASE_URL=https://chat.example.org", "XMPP_DOMAIN=example.org"}

func readComposition(t *testing.T) *types.Project {
	t.Helper()
	p, err := compose(t, chosen, "prosody", "ejabberd")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCompose(t *testing.T) {
	p := readComposition(t)
	if len(p.Services) != 5 {
		t.Errorf("there are %v", p.ServiceNames())
	}
	known := settings(t)
	for name, s := range p.Services {
		for _, missing := range missing(t, s) {
			t.Errorf("%s: there is no %s", name, missing)
		}
		for setting, value := range s.Environment {
			if s.Image == "foyer" && !slices.Contains(known, setting) {
				t.Errorf("%s: %s is no setting", name, setting)
			}
			if regexp.MustCompile("PASSWORD|SECRET|KEY").MatchString(setting) && !strings.HasPrefix(*value, "/run/secrets/") {
				t.Errorf("%s: %s is no file of a secret", name, setting)
			}
		}
		// The site's own image has its health check.
		if s.Image != "foyer" && (s.HealthCheck == nil || len(s.HealthCheck.Test) == 0) {
			t.Errorf("%s has no health check", name)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is open to everybody", name, port.Published)
			}
		}
	}
	for name, s := range p.Secrets {
		if dir, _ := filepath.Abs("../secrets"); filepath.Dir(s.File) != dir {
			t.Errorf("the secret %s is %s, no file that is made for it", name, s.File)
		}
	}
}

// Without the address that people type nothing starts, and what is missing is named.
func TestCompose_Variables(t *testing.T) {
	for i, want := range []string{"BASE_URL", "XMPP_DOMAIN"} {
		if _, err := compose(t, slices.Delete(slices.Clone(chosen), i, i+1)); err == nil || !strings.Contains(err.Error(), "set "+want+" to") {
			t.Errorf("without %s: %v", want, err)
		}
	}
	// The reader goes through the services in no order, and those of profiles too: whichever
	// place it meets first says it in words.
	raw, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`\$\{(\w+):?\?([^}]*)\}`).FindAllStringSubmatch(string(raw), -1)
	if len(required) < 2 {
		t.Error("nothing is required")
	}
	for _, r := range required {
		if !strings.HasPrefix(r[2], "set "+r[1]+" to ") {
			t.Errorf("where %s is missing, it is only said: %q", r[1], r[2])
		}
	}
	p, err := compose(t, append(slices.Clone(chosen), "XMPP_UPSTREAM=xmpp://127.0.0.1:5222", "XMPP_AUTH_DOVECOT=unix:/run/foyer/dovecot"))
	if err != nil {
		t.Fatal(err)
	}
	env := p.Services["site"].Environment
	if *env["XMPP_UPSTREAM"] != "xmpp://127.0.0.1:5222" || *env["XMPP_AUTH_DOVECOT"] != "unix:/run/foyer/dovecot" || *env["XMPP_AUTH_HTTP"] != "" || *env["BASE_URL"] != "https://chat.example.org" {
		t.Errorf("%v", env)
	}
	if names := p.ServiceNames(); !slices.Equal(names, []string{"db", "migrate", "site"}) {
		t.Errorf("without a profile there are %v", names)
	}
}

// What stands in comments for apps on people's devices is read as the rest is, with settings that there are; and who
// reads the volume of files for a backup is the user whose they are.
func TestCompose_Commented(t *testing.T) {
	raw, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^    ports: .*\n`).ReplaceAllString(string(raw), "")
	text = regexp.MustCompile(`(?m)^    # ((?:XMPP_\w+|ports|volumes): )`).ReplaceAllString(text, "    $1")
	file := filepath.Join(t.TempDir(), "docker-compose.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := cli.NewProjectOptions([]string{file}, cli.WithEnv(chosen), cli.WithProfiles([]string{"backup"}))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	site, files := p.Services["site"], p.Services["files"]
	for _, setting := range []string{"XMPP_C2S_ADDR", "XMPP_C2S_TLS_ADDR", "XMPP_TLS_CERT", "XMPP_TLS_KEY"} {
		if site.Environment[setting] == nil || !slices.Contains(settings(t), setting) {
			t.Errorf("%s is not set, or none", setting)
		}
	}
	mounted := func(s types.ServiceConfig, target string) bool {
		return slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == target })
	}
	if cert := *site.Environment["XMPP_TLS_CERT"]; !mounted(site, filepath.Dir(cert)) || !mounted(site, "/data") || !mounted(site, "/run/foyer") {
		t.Errorf("%s is not mounted, or something is no more: %v", cert, site.Volumes)
	}
	var ports []string
	for _, port := range site.Ports {
		ports = append(ports, port.Published)
	}
	if !slices.Equal(ports, []string{"3000", "5280", "5222", "5223"}) {
		t.Error(ports)
	}
	if !mounted(files, "/data") || !strings.HasPrefix(files.User, "65532") || !strings.Contains(string(raw), "files tar -C /data -xz") {
		t.Errorf("%+v", files)
	}
}

// Another chat server is there when it is asked for, on the site's own network and with its
// sockets, and page and scripts are.
func TestCompose_Profiles(t *testing.T) {
	page, err := os.ReadFile("compose/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prosody", "ejabberd"} {
		p, err := compose(t, chosen, name)
		if err != nil {
			t.Fatal(err)
		}
		if names := p.ServiceNames(); !slices.Equal(names, slices.Sorted(slices.Values([]string{"db", "migrate", name, "site"}))) {
			t.Errorf("with %s there are %v", name, names)
		}
		s := p.Services[name]
		if s.NetworkMode != "service:site" || s.DependsOn["site"].Condition != types.ServiceConditionHealthy {
			t.Errorf("%s has the network %q and waits for %v", name, s.NetworkMode, s.DependsOn)
		}
		if shared := mounts(s, "/run/foyer"); shared == "" || shared != mounts(p.Services["site"], "/run/foyer") {
			t.Errorf("%s does not have the site's sockets", name)
		}
		if !strings.Contains(string(page), "--profile "+name+" up") {
			t.Errorf("the page does not say how %s is started", name)
		}
		for _, secret := range s.Secrets {
			if !strings.Contains(string(page), "secrets/"+secret.Source) {
				t.Errorf("the page does not say how the secret %s is made", secret.Source)
			}
		}
	}
}

// mounts returns the volume that a service has somewhere.
func mounts(s types.ServiceConfig, target string) string {
	for _, v := range s.Volumes {
		if v.Target == target && v.Type == types.VolumeTypeVolume {
			return v.Source
		}
	}
	return ""
}

// missing returns what a service's image is made of and what is not there to be copied.
// Whether volumes, secrets, networks and services are declared, the reader has looked at.
func missing(t *testing.T, s types.ServiceConfig) (all []string) {
	t.Helper()
	if s.Build == nil {
		return nil
	}
	context, file := s.Build.Context, filepath.Join(s.Build.Context, s.Build.Dockerfile)
	files := copied(file)
	if len(files) == 0 {
		return []string{"Dockerfile that copies anything: " + file}
	}
	ignored := ignores(t, context)
	for _, name := range files {
		if found, _ := filepath.Glob(filepath.Join(context, name)); len(found) == 0 {
			all = append(all, name+", which "+s.Build.Dockerfile+" copies")
		}
		if out, err := ignored.MatchesOrParentMatches(name); err != nil || (out && name != ".") {
			all = append(all, name+" for "+s.Build.Dockerfile+": .dockerignore keeps it out")
		}
	}
	return all
}

// ignores is what a build does not get of its directory.
func ignores(t *testing.T, context string) *patternmatcher.PatternMatcher {
	t.Helper()
	var patterns []string
	if f, err := os.Open(filepath.Join(context, ".dockerignore")); err == nil {
		defer f.Close()
		if patterns, err = ignorefile.ReadAll(f); err != nil {
			t.Fatal(err)
		}
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var copies = regexp.MustCompile(`^COPY (?:--ch\w+=\S+ )*([a-zA-Z0-9._/][^\n]*)$`)

// copied are the files of the directory that go into an image.
func copied(dockerfile string) (files []string) {
	f, err := os.Open(dockerfile)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if m := copies.FindStringSubmatch(lines.Text()); m != nil {
			all := strings.Fields(m[1])
			files = append(files, all[:len(all)-1]...)
		}
	}
	return files
}

// The scripts that start the servers make of the files in deploy/ what they should: they
// run here, up to the server itself.
func TestCompose_Scripts(t *testing.T) {
	for _, s := range []struct {
		name, shipped, written, password string
		want                             []string
	}{
		{"prosody", "prosody/prosody.cfg.lua", "/run/prosody/prosody.cfg.lua", "/run/secrets/prosody_password", []string{
			`host = "db"`, `password = "5ecre7"`, `VirtualHost "chat.test"`, `"_foyer@chat.test"`, `log = "*console"`,
			`origins = { "https://talk.test" }`, `http_external_url = "https://upload.chat.test/"`, `http_interfaces = { "*" }`,
		}},
		{"ejabberd", "ejabberd/ejabberd.yml", "/etc/ejabberd/ejabberd.yml", "/run/secrets/ejabberd_password", []string{
			`sql_server: "db"`, `sql_password: "5ecre7"`, `hosts: [chat.test]`, `jwt_key: /run/secrets/ejabberd_key`,
			`"Access-Control-Allow-Origin": "https://talk.test"`, `put_url: "https://upload.chat.test"`, "port: 5280\n    ip: \"0.0.0.0\"", "port: 5222\n    ip: \"127.0.0.1\"",
		}},
	} {
		t.Run(s.name, func(t *testing.T) {
			raw, err := os.ReadFile("compose/" + s.name + ".sh")
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			secret, out := filepath.Join(dir, "secret"), filepath.Join(dir, "out")
			if err := os.WriteFile(secret, []byte("5ecre7\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			script := strings.NewReplacer(s.password, secret, "/usr/share/foyer/"+filepath.Base(s.shipped), s.shipped, ">"+s.written, ">"+out, "\nexec ", "\necho ").Replace(string(raw))
			cmd := exec.Command("sh", "-c", script)
			cmd.Env = append(os.Environ(), "XMPP_DOMAIN=chat.test", "BASE_URL=https://talk.test/")
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			text, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range s.want {
				if !strings.Contains(string(text), want) {
					t.Errorf("the configuration has no %s:\n%s", want, text)
				}
			}
			for _, left := range []string{"example.org", "change me", "certfiles: ["} {
				if strings.Contains(string(text), left) {
					t.Errorf("the configuration still has %s", left)
				}
			}
			if s.name == "ejabberd" {
				var any map[string]any
				if err := yaml.Unmarshal(text, &any); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
