package referee

import (
	"testing"

	"foyer/internal/leaks"
	"foyer/internal/pgdev/pgtest"

	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster}, leaks.Fasthttp()...)
}

// script is a transcript.
type script struct {
	name string
	play func(*scene)
}

func scripts() []script {
	var all []script
	for _, part := range [][]script{streamScripts(), subscriptionScripts(), rosterScripts(), presenceScripts(), messageScripts(), iqScripts(), archiveScripts(), resumeScripts(), roomScripts(), pubsubScripts()} {
		all = append(all, part...)
	}
	return all
}

// TestFoyer plays every transcript against the program itself.
func TestFoyer(t *testing.T) { playAll(t, startSite(t, cluster.DB(t))) }

// TestProsody plays every transcript against the referee.
func TestProsody(t *testing.T) {
	p := startProsody(t)
	if p == nil {
		t.Skip("there is no prosody on this machine; it is the referee of what is standard behaviour")
	}
	playAll(t, p)
}

func playAll(t *testing.T, to target) {
	shared := &run{met: map[string]bool{}}
	t.Run("scripts", func(t *testing.T) {
		for _, s := range scripts() {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				s.play(&scene{t: t, target: to, run: shared, names: map[string]string{}})
			})
		}
	})
	for _, d := range differences() {
		if !shared.met[d.id] && !t.Failed() {
			t.Errorf("no transcript meets the difference %q; take it out of the list", d.id)
		}
	}
}
