package directory

import (
	"testing"

	"foyer/internal/pgdev/pgtest"

	"go.uber.org/goleak"
)

var cluster pgtest.Cluster

func TestMain(m *testing.M) {
	// fasthttp's workers and clock outlive a server for a while.
	goleak.VerifyTestMain(pgtest.Tests{M: m, Cluster: &cluster},
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).workerFunc"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker")) // compresses
}
