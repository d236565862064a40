package directory

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
