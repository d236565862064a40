// Package leaks names the goroutines of libraries that outlive what started them for a
// while, for tests that look for goroutines left behind.
package leaks

import "go.uber.org/goleak"

// Fasthttp is the workers, the clock and the compression of fasthttp, which have no end
// that could be awaited.
func Fasthttp() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).workerFunc"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker"),
	}
}
