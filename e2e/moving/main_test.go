// Package moving moves a site to other people's XMPP servers, started for real, and reads
// there what people had: by what `foyer chat export` writes into their tables, and into files.
package moving

import (
	"testing"

	"foyer/internal/pgdev/pgtest"

	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster, TCP: true})
}
