package xmppgw

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"foyer/internal/stream"
)

// Writing BOSH bodies. No declaration carries over between responses (XEP-0206
// §2, B-10): each body declares what its payload uses.

const emptyBody = `<body xmlns="` + stream.NSHTTPBind + `"/>`

// bodyOfLocked wraps payload in the answer to a request; the first body of a session
// tells its parameters.
func (s *boshSession) bodyOfLocked(rid uint64, items [][]byte) []byte {
	attrs := s.ackAttrLocked(rid) + s.reportAttrsLocked()
	if s.first {
		s.first = false
		attrs += s.creationAttrs()
	} else if attrs == "" && len(items) == 0 {
		return []byte(emptyBody)
	}
	return wrap(attrs, items)
}

func wrap(attrs string, items [][]byte) []byte {
	size := 256 + len(attrs)
	declared := false
	for _, it := range items {
		size += len(it)
		declared = declared || bytes.HasPrefix(it, []byte("<stream:"))
	}
	dst := append(make([]byte, 0, size), `<body xmlns="`+stream.NSHTTPBind+`"`...)
	if declared {
		dst = append(dst, ` xmlns:stream="`+stream.NSStream+`"`...)
	}
	dst = append(dst, attrs...)
	if len(items) == 0 {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	for _, it := range items {
		dst = append(dst, it...)
	}
	return append(dst, "</body>"...)
}

// creationAttrs are the parameters of the creation response (XEP-0124 §7.2,
// B-14, B-22).
func (s *boshSession) creationAttrs() string {
	p := s.params
	a := ` sid="` + s.sid + `" wait="` + strconv.Itoa(p.wait) + `" requests="` + strconv.Itoa(p.requests) +
		`" hold="` + strconv.Itoa(p.hold) + `" inactivity="` + strconv.Itoa(int(p.inactivity.Seconds())) +
		`" polling="` + strconv.Itoa(int(p.polling.Seconds())) + `" maxpause="` + strconv.Itoa(int(boshMaxPause.Seconds())) +
		`"` + fromAttr(s.peer.Domain)
	if s.gateway.cfg.Compress {
		a += ` accept="gzip"`
	}
	if p.from != "" {
		a += ` to="` + stream.Escape(p.from) + `"`
	}
	if p.ver != "" {
		a += ` ver="` + p.ver + `"`
	}
	return a + ` xmlns:xmpp="` + stream.NSXBOSH + `" xmpp:version="1.0" xmpp:restartlogic="true"`
}

// finalBodyLocked tells how the session ended (XEP-0124 §17.2). A stream error is
// copied whole, with what was still to send before it (B-51). A backend that is
// lost before its features came could not be reached; later that is
// system-shutdown, after which Converse reconnects (B-50, B-61).
func (s *boshSession) finalBodyLocked(reason error, items [][]byte) []byte {
	var condition boshCondition
	var se *stream.Error
	attrs := ` type="terminate"`
	unreached := s.first
	if s.first {
		s.first = false
		attrs = s.creationAttrs() + attrs
	}
	switch {
	case reason == nil || errors.Is(reason, io.EOF):
	case errors.As(reason, &condition):
		attrs += ` condition="` + string(condition) + `"`
	case errors.As(reason, &se) && se.Condition != stream.SystemShutdown:
		attrs += ` condition="remote-stream-error"`
		items = append(items, se.Append(nil))
	case se == nil && unreached:
		attrs += ` condition="` + string(boshRemoteConnectionFailed) + `"`
	default:
		attrs += ` condition="` + string(boshSystemShutdown) + `"`
	}
	return wrap(attrs, items)
}
