// Package deploy has the files that operators copy; its tests look at those that are
// not run by other tests (e2e/proxies, e2e/servers).
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

// The unit leaves the program little to harm: 1.5 of 10 at most.
func TestSystemd_Exposure(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed (package systemd)")
	}
	out, err := exec.Command(program, "security", "--no-pager", "--offline=true", "--threshold=15", "systemd/foyer.service").CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// settings are the names that the README's table has.
func settings(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)`(?: `([A-Z0-9_]+)`)?").FindAllSubmatch(readme, -1) {
		all = append(all, string(m[1]), string(m[2]))
	}
	if len(all) < 40 {
		t.Fatalf("the README has %d settings", len(all))
	}
	return all
}

// Whatever a unit sets is a setting.
func TestSystemd_Settings(t *testing.T) {
	unit, err := os.ReadFile("systemd/foyer.service")
	if err != nil {
		t.Fatal(err)
	}
	set := regexp.MustCompile(`(?m)^Environment=([A-Z0-9_]+)=`).FindAllSubmatch(unit, -1)
	if len(set) == 0 {
		t.Error("the unit sets nothing")
	}
	for _, m := range set {
		if !slices.Contains(settings(t), string(m[1])) {
			t.Errorf("%s is no setting", m[1])
		}
	}
}

// service is what the tests read of a service in docker-compose.yml.
type service struct {
	Build       string
	Environment map[string]string
	Volumes     []string
	Secrets     []string
	DependsOn   map[string]any `yaml:"depends_on"`
}

type composition struct {
	Services map[string]service
	Volumes  map[string]any
	Secrets  map[string]any
}

// There is no Docker where the tests run: what can be told without one is that the
// file is YAML, and that everything which it names is there.
func TestCompose(t *testing.T) {
	raw, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c composition
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) < 3 {
		t.Errorf("%d services", len(c.Services))
	}
	for name, s := range c.Services {
		for _, missing := range c.missing(s, settings(t)) {
			t.Errorf("%s: there is no %s", name, missing)
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
	if s.Build != "" {
		need(exists(s.Build, "Dockerfile"), "Dockerfile in "+s.Build)
		for setting := range s.Environment {
			need(slices.Contains(settings, setting), "setting "+setting)
		}
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
	for other := range s.DependsOn {
		_, ok := c.Services[other]
		need(ok, "service "+other)
	}
	return all
}

// exists looks for a file of the checkout.
func exists(path ...string) bool {
	_, err := os.Stat(filepath.Join("..", filepath.Join(path...)))
	return err == nil
}
