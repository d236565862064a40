package xmppgw

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf8"
)

// WebSocket frames (RFC 6455 §5), as far as a server of text messages needs them:
// no extension is ever agreed on.

// opcode tells what a frame is (RFC 6455 §11.8).
type opcode byte

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
	opPong         opcode = 10
)

func (o opcode) control() bool { return o >= 8 }

// Close codes (RFC 6455 §7.4.1).
const (
	codeNormal        = 1000
	codeGoingAway     = 1001
	codeProtocolError = 1002
	codeUnsupported   = 1003
	codeNone          = 1005 // never sent: the frame had no code
	codeInvalidData   = 1007
	codePolicy        = 1008
	codeTooBig        = 1009
	codeInternalError = 1011
)

// What a control frame may carry (RFC 6455 §5.5).
const maxControl = 125

// errProtocol is a client that breaks the rules of framing (RFC 6455 §7.1.7).
var errProtocol = errors.New("xmppgw: a broken WebSocket frame")

// closedFrame is the peer's close frame, as an error.
type closedFrame struct{ code int }

func (c *closedFrame) Error() string { return "xmppgw: the peer closed the WebSocket" }

// frameHeader is a frame up to its payload.
type frameHeader struct {
	final  bool
	op     opcode
	length uint64
	mask   [4]byte
}

// How many pieces of a message may be empty: they are within any size, and cost their
// sender nothing of its rate, which counts messages.
const maxEmpty = 1 << 10

// frameReader reads what a client sends.
type frameReader struct {
	r       *bufio.Reader
	control func(opcode, []byte) error // gets pings and pongs
}

// The read buffer of an idle WebSocket.
const wsReadBuffer = 1024

func newFrameReader(r io.Reader, control func(opcode, []byte) error) frameReader {
	return frameReader{bufio.NewReaderSize(r, wsReadBuffer), control}
}

// await waits until there is something to read, with little on the stack.
func (f frameReader) await() error {
	_, err := f.r.Peek(1)
	return err
}

// message returns the next message, which may come in pieces with control frames
// between them (RFC 6455 §5.4). Errors: errTooBig beyond limit bytes or maxEmpty, errProtocol,
// *closedFrame, and those of the connection.
func (f frameReader) message(limit int) (op opcode, data []byte, err error) {
	empty := 0
	for {
		h, err := f.header()
		switch {
		case err != nil:
			return 0, nil, err
		case h.op.control():
			if err := f.handleControl(h); err != nil {
				return 0, nil, err
			}
			continue
		case (h.op == opContinuation) != (op != 0): // one message at a time
			return 0, nil, errProtocol
		case h.length > uint64(limit-len(data)):
			return 0, nil, errTooBig
		case h.length == 0 && !h.final:
			if empty++; empty > maxEmpty {
				return 0, nil, errTooBig
			}
		}
		if op == 0 {
			op = h.op
		}
		if data, err = f.payload(data, h); err != nil || h.final {
			return op, data, err
		}
	}
}

// header reads and checks the header of a frame (RFC 6455 §5.2).
func (f frameReader) header() (frameHeader, error) {
	var b [8]byte
	if _, err := io.ReadFull(f.r, b[:2]); err != nil {
		return frameHeader{}, err
	}
	h := frameHeader{final: b[0]&0x80 != 0, op: opcode(b[0] & 0x0f), length: uint64(b[1] & 0x7f)}
	known := h.op <= opBinary || (h.op >= opClose && h.op <= opPong)
	switch {
	case b[0]&0x70 != 0, // reserved bits
		b[1]&0x80 == 0, // §5.1: clients mask
		!known,
		h.op.control() && (!h.final || h.length > maxControl): // §5.5
		return h, errProtocol
	}
	switch h.length {
	case 126:
		if _, err := io.ReadFull(f.r, b[:2]); err != nil {
			return h, err
		}
		h.length = uint64(binary.BigEndian.Uint16(b[:2]))
	case 127:
		if _, err := io.ReadFull(f.r, b[:8]); err != nil {
			return h, err
		}
		if h.length = binary.BigEndian.Uint64(b[:8]); h.length>>63 != 0 {
			return h, errProtocol
		}
	}
	_, err := io.ReadFull(f.r, h.mask[:])
	return h, err
}

// payload appends a frame's payload. Memory is taken as the bytes arrive, whatever
// the length says.
func (f frameReader) payload(data []byte, h frameHeader) ([]byte, error) {
	begin := len(data)
	for left := int(h.length); left > 0; {
		if len(data) == cap(data) {
			data = append(make([]byte, 0, len(data)+min(left, max(len(data), 2*wsReadBuffer))), data...)
		}
		n, err := f.r.Read(data[len(data):min(cap(data), len(data)+left)])
		data, left = data[:len(data)+n], left-n
		if err != nil && left > 0 {
			return nil, err
		}
	}
	unmask(data[begin:], h.mask)
	return data, nil
}

// unmask takes off the mask (RFC 6455 §5.3), eight bytes at a time.
func unmask(b []byte, mask [4]byte) {
	word := uint64(binary.LittleEndian.Uint32(mask[:]))
	word |= word << 32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= mask[i&3]
	}
}

// handleControl reads and handles a control frame.
func (f frameReader) handleControl(h frameHeader) error {
	data, err := f.payload(nil, h)
	if err != nil {
		return err
	}
	if h.op == opClose {
		return closeFrame(data)
	}
	return f.control(h.op, data)
}

// closeFrame checks a close frame's payload: nothing, or a code that may be sent,
// and text (RFC 6455 §5.5.1, §7.4).
func closeFrame(data []byte) error {
	if len(data) == 0 {
		return &closedFrame{codeNone}
	}
	if len(data) == 1 {
		return errProtocol
	}
	code := int(binary.BigEndian.Uint16(data))
	if !mayBeSent(code) || !utf8.Valid(data[2:]) {
		return errProtocol
	}
	return &closedFrame{code}
}

// mayBeSent reports whether a close code may stand in a frame (RFC 6455 §7.4).
func mayBeSent(code int) bool {
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)
}

// The largest header of a frame, its mask included (RFC 6455 §5.2).
const maxFrameHeader = 14

// skip reads until the peer's close frame, or the connection's end, and reports whether
// it came there: it reads no more than limit bytes, and nothing behind a broken frame.
func (f frameReader) skip(limit int) (ended bool) {
	for {
		h, err := f.header()
		switch {
		case errors.Is(err, errProtocol):
			return false
		case err != nil || h.op == opClose:
			return true
		case h.length > uint64(max(limit, 0)) || limit < 0:
			return false
		}
		if _, err := f.r.Discard(int(h.length)); err != nil {
			return true
		}
		limit -= int(h.length) + maxFrameHeader
	}
}

// appendFrame appends a frame as servers send it: final, without a mask.
func appendFrame(dst []byte, op opcode, payload []byte) []byte {
	return append(appendFrameHeader(dst, op, len(payload)), payload...)
}

// appendFrameHeader appends the header of such a frame (RFC 6455 §5.2).
func appendFrameHeader(dst []byte, op opcode, n int) []byte {
	first := 0x80 | byte(op)
	switch {
	case n < 126:
		return append(dst, first, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(n))
}

// appendClose appends a close frame; codeNone gives one without a code.
func appendClose(dst []byte, code int) []byte {
	if code == codeNone {
		return appendFrame(dst, opClose, nil)
	}
	return appendFrame(dst, opClose, binary.BigEndian.AppendUint16(nil, uint16(code)))
}
