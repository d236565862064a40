package xmppgw

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"

	"foyer/internal/budget"

	"github.com/klauspost/compress/gzip"
)

// Compression of BOSH answers and requests, where it is configured (XEP-0124 §5,
// §7.2, B-05): gzip, and nothing that unpacks to more than a request may be.

// What is shorter is sent as it is.
const worthPacking = 1 << 10

// pack compresses an answer that is worth it.
func (r boshReply) pack() boshReply {
	if len(r.body) < worthPacking {
		return r
	}
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	var packed bytes.Buffer
	w.Reset(&packed)
	_, _ = w.Write(r.body) // a Buffer takes all
	_ = w.Close()
	r.body, r.packed = packed.Bytes(), true
	return r
}

var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // a level that there is
	return w
}}

// compressesFor reports whether answers to a request may be compressed.
func (g *Gateway) compressesFor(h Header) bool {
	return g.cfg.Compress && acceptsGzip(h.Get("Accept-Encoding"))
}

// acceptsGzip reads Accept-Encoding (RFC 9110 §12.5.3); "*" alone is not enough.
func acceptsGzip(accept string) bool {
	for item := range strings.SplitSeq(accept, ",") {
		coding, weight, _ := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		weight = strings.ReplaceAll(strings.ToLower(weight), " ", "")
		return weight == "" || strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != ""
	}
	return false
}

// Unpacks reports whether a BOSH request may be compressed like that.
func (g *Gateway) Unpacks(coding string) bool {
	return g.cfg.Compress && strings.EqualFold(strings.TrimSpace(coding), "gzip")
}

// unpack returns what a compressed request holds, up to one byte more than it may, or
// nothing when it is broken. The address pays for what is large, as for an inbox, until
// free is called; the error means that there was no room before ctx ended.
func (g *Gateway) unpack(ctx context.Context, addr string, packed []byte) (body []byte, free func(), err error) {
	free = func() {}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, free, nil
	}
	body, err = io.ReadAll(io.LimitReader(r, inboxFree))
	if err == nil && len(body) == inboxFree {
		if free, err = g.inboxes.Acquire(ctx, budget.Network(addr), int64(g.MaxBody())); err != nil {
			return nil, nil, err
		}
		var rest []byte
		rest, err = io.ReadAll(io.LimitReader(r, int64(g.MaxBody())+1-inboxFree))
		body = append(body, rest...)
	}
	if err != nil {
		body = nil
	}
	return body, free, nil
}
