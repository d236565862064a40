package xmppgw

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// frameBytes is a frame as clients send it.
func frameBytes(first byte, payload []byte) []byte {
	mask := [4]byte{1, 2, 3, 4}
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, mask[:]...)
	data := bytes.Clone(payload)
	for i := range data {
		data[i] ^= mask[i%4]
	}
	return append(b, data...)
}

// RFC 6455 §5: what a client may send, and what not.
func TestFrames(t *testing.T) {
	long := strings.Repeat("0123456789", 7000)
	protocol := errProtocol.Error()
	closed := (&closedFrame{}).Error()
	for name, c := range map[string]struct {
		in   []byte
		want string // the message, or the error
		code int
	}{
		"text":                     {frameBytes(0x81, []byte("hello")), "hello", 0},
		"long":                     {frameBytes(0x81, []byte(long)), long, 0},
		"in pieces":                {bytes.Join([][]byte{frameBytes(0x01, []byte("he")), frameBytes(0x00, []byte("ll")), frameBytes(0x80, []byte("o"))}, nil), "hello", 0},
		"a ping between":           {bytes.Join([][]byte{frameBytes(0x01, []byte("he")), frameBytes(0x89, []byte("?")), frameBytes(0x80, []byte("y"))}, nil), "hey", 0},
		"empty":                    {frameBytes(0x81, nil), "", 0},
		"too large":                {frameBytes(0x81, make([]byte, 1<<17)), errTooBig.Error(), 0},
		"too large in pieces":      {bytes.Join([][]byte{frameBytes(0x01, make([]byte, 60_000)), frameBytes(0x80, make([]byte, 60_000))}, nil), errTooBig.Error(), 0},
		"some empty pieces":        {slices.Concat(frameBytes(0x01, []byte("he")), bytes.Repeat(frameBytes(0x00, nil), maxEmpty), frameBytes(0x80, []byte("y"))), "hey", 0},
		"empty pieces without end": {slices.Concat(frameBytes(0x01, []byte("he")), bytes.Repeat(frameBytes(0x00, nil), maxEmpty+1)), errTooBig.Error(), 0},
		"no mask":                  {[]byte{0x81, 1, 'x'}, protocol, 0},
		"reserved bit":             {frameBytes(0xc1, []byte("x")), protocol, 0},
		"unknown":                  {frameBytes(0x83, nil), protocol, 0},
		"unknown control":          {frameBytes(0x8b, nil), protocol, 0},
		"long ping":                {frameBytes(0x89, make([]byte, 126)), protocol, 0},
		"ping in pieces":           {frameBytes(0x09, nil), protocol, 0},
		"nothing to go on with":    {frameBytes(0x80, nil), protocol, 0},
		"a message in another":     {append(frameBytes(0x01, nil), frameBytes(0x81, nil)...), protocol, 0},
		"beyond 63 bits":           {[]byte{0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, protocol, 0},
		"close":                    {frameBytes(0x88, nil), closed, codeNone},
		"close with a code":        {frameBytes(0x88, []byte{3, 0xe8, 'b', 'y', 'e'}), closed, 1000},
		"close of one byte":        {frameBytes(0x88, []byte{3}), protocol, 0},
		"close with 1005":          {frameBytes(0x88, []byte{3, 0xed}), protocol, 0},
		"close with 999":           {frameBytes(0x88, []byte{3, 0xe7}), protocol, 0},
		"close with bad text":      {frameBytes(0x88, []byte{3, 0xe8, 0xff}), protocol, 0},
		"cut off":                  {frameBytes(0x81, []byte("hello"))[:8], io.ErrUnexpectedEOF.Error(), 0},
		"more is said than is":     {[]byte{0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 'x'}, io.EOF.Error(), 0},
		"pings of 125 bytes first": {append(frameBytes(0x89, make([]byte, 125)), frameBytes(0x81, []byte("x"))...), "x", 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(c.in), iotest.OneByteReader(bytes.NewReader(c.in))} {
				f := newFrameReader(r, func(opcode, []byte) error { return nil })
				_, data, err := f.message(100_000)
				got := string(data)
				if err != nil {
					got = err.Error()
				}
				if strings.HasSuffix(c.want, "EOF") && strings.HasSuffix(got, "EOF") {
					continue
				}
				if got != c.want {
					t.Errorf("got %.80q, want %.80q", got, c.want)
				}
				var end *closedFrame
				if errors.As(err, &end) && end.code != c.code {
					t.Errorf("code %d", end.code)
				}
			}
		})
	}
}

// FuzzFrames: whatever a client sends, a message is within the bound, and what was
// sent as one comes out as it went in.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("hello"), frameBytes(0x81, []byte("x")), uint8(2))
	f.Add([]byte(""), []byte{0x81, 0xff, 0xff}, uint8(0))
	f.Add(make([]byte, 300), frameBytes(0x88, []byte{3}), uint8(7))
	f.Fuzz(func(t *testing.T, text, raw []byte, cut uint8) {
		const limit = 1000
		at := min(int(cut), len(text))
		sent := bytes.Join([][]byte{frameBytes(0x01, text[:at]), frameBytes(0x89, nil), frameBytes(0x80, text[at:]), raw}, nil)
		reader := newFrameReader(bytes.NewReader(sent), func(opcode, []byte) error { return nil })
		op, data, err := reader.message(limit)
		switch {
		case len(text) > limit:
			if !errors.Is(err, errTooBig) {
				t.Fatalf("%d bytes: %v", len(text), err)
			}
			return
		case err != nil || op != opText || !bytes.Equal(data, text):
			t.Fatalf("%d %q %v for %q", op, data, err, text)
		}
		for err == nil {
			if _, data, err = reader.message(limit); len(data) > limit {
				t.Fatalf("%d bytes", len(data))
			}
		}
	})
}
