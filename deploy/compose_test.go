package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// There is no Docker where the tests run: what can be told without one is that the files
// are what they should be, and that everything which they name is there.

// service is what the tests read of a service in docker-compose.yml.
type service struct {
	Build       build
	Image       string
	Command     []string
	Profiles    []string
	Environment map[string]string
	Volumes     []string
	Secrets     []string
	NetworkMode string         `yaml:"network_mode"`
	DependsOn   map[string]any `yaml:"depends_on"`
	Healthcheck struct {
		Test    []string
		Disable bool
	}
}

// build is a directory, or a directory and a file in it.
type build struct{ Context, Dockerfile string }

// UnmarshalYAML implements yaml.Unmarshaler.
func (b *build) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*b = build{node.Value, "Dockerfile"}
		return nil
	}
	type fields build
	return node.Decode((*fields)(b))
}

type composition struct {
	Services map[string]service
	Volumes  map[string]any
	Secrets  map[string]struct{ File string }
}

func readComposition(t *testing.T) (c composition) {
	t.Helper()
	raw, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompose(t *testing.T) {
	c := readComposition(t)
	if len(c.Services) < 5 {
		t.Errorf("%d services", len(c.Services))
	}
	for name, s := range c.Services {
		for _, missing := range c.missing(s, settings(t)) {
			t.Errorf("%s: there is no %s", name, missing)
		}
		for setting, value := range s.Environment {
			if regexp.MustCompile("PASSWORD|SECRET|KEY").MatchString(setting) && !strings.HasPrefix(value, "/run/secrets/") {
				t.Errorf("%s: %s is no file of a secret", name, setting)
			}
		}
		// The site's own image has its health check.
		if s.Image != "foyer" && len(s.Healthcheck.Test) == 0 {
			t.Errorf("%s has no health check", name)
		}
	}
	for name, s := range c.Secrets {
		if !strings.HasPrefix(s.File, "./secrets/") {
			t.Errorf("the secret %s is no file that is made for it", name)
		}
	}
}

// Another chat server is there when it is asked for, and page and scripts are.
func TestCompose_Profiles(t *testing.T) {
	c := readComposition(t)
	page, err := os.ReadFile("compose/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prosody", "ejabberd"} {
		s := c.Services[name]
		if !slices.Equal(s.Profiles, []string{name}) || s.NetworkMode != "service:site" {
			t.Errorf("%s has the profiles %v and the network %q", name, s.Profiles, s.NetworkMode)
		}
		if !strings.Contains(string(page), "--profile "+name+" up") {
			t.Errorf("the page does not say how %s is started", name)
		}
		for _, secret := range s.Secrets {
			if !strings.Contains(string(page), "secrets/"+secret) {
				t.Errorf("the page does not say how the secret %s is made", secret)
			}
		}
	}
}

// missing returns what a service names that is nowhere.
func (c composition) missing(s service, settings []string) []string {
	var all []string
	need := func(ok bool, what string) {
		if !ok {
			all = append(all, what)
		}
	}
	if s.Build.Context != "" {
		need(exists(s.Build.Context, s.Build.Dockerfile), s.Build.Dockerfile)
		for _, file := range copied(s.Build.Dockerfile) {
			need(exists(file), file+", which "+s.Build.Dockerfile+" copies")
		}
	}
	for setting := range s.Environment {
		need(s.Image != "foyer" || slices.Contains(settings, setting), "setting "+setting)
	}
	for _, volume := range s.Volumes {
		source, _, _ := strings.Cut(volume, ":")
		_, isNamed := c.Volumes[source]
		need(isNamed || exists(source), "volume or file "+source)
	}
	for _, secret := range s.Secrets {
		_, ok := c.Secrets[secret]
		need(ok, "secret "+secret)
	}
	if other, ok := strings.CutPrefix(s.NetworkMode, "service:"); ok {
		_, ok := c.Services[other]
		need(ok, "service "+other)
	}
	for other := range s.DependsOn {
		_, ok := c.Services[other]
		need(ok, "service "+other)
	}
	return all
}

var copies = regexp.MustCompile(`(?m)^COPY (?:--ch\w+=\S+ )*([a-zA-Z0-9._/][^\n]*)$`)

// copied are the files of the checkout that go into an image.
func copied(dockerfile string) (files []string) {
	raw, err := os.ReadFile(filepath.Join("..", dockerfile))
	if err != nil {
		return nil
	}
	for _, m := range copies.FindAllStringSubmatch(string(raw), -1) {
		all := strings.Fields(m[1])
		files = append(files, all[:len(all)-1]...)
	}
	return files
}

// exists looks for a file of the checkout.
func exists(path ...string) bool {
	_, err := os.Stat(filepath.Join("..", filepath.Join(path...)))
	return err == nil
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
		}},
		{"ejabberd", "ejabberd/ejabberd.yml", "/etc/ejabberd/ejabberd.yml", "/run/secrets/ejabberd_password", []string{
			`sql_server: "db"`, `sql_password: "5ecre7"`, `hosts: [chat.test]`, `jwt_key: /run/secrets/ejabberd_key`,
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
			cmd.Env = append(os.Environ(), "XMPP_DOMAIN=chat.test")
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
