package xmppgw

import (
	"errors"
	"io"
	"slices"

	"foyer/internal/stream"
)

// What a WebSocket stream writes: its queue, by a writer or by the reader itself, and its
// end (RFC 7395 §3.5, §3.6).

// startWriter is called when there is something to write and no writer.
func (s *wsStream) startWriter() { go s.write() }

// write writes until nothing is queued, and the end when the queue is closed.
func (s *wsStream) write() {
	for {
		items, reason, closed := s.queue.Next(writeBatch)
		switch {
		case closed:
			s.writeEnd(reason)
			return
		case len(items) == 0: // this is the writer no longer: whoever closes the queue calls the next
			return
		case s.closing.Load() != 0:
			s.queue.Close(stream.ErrDisconnected)
			s.writeEnd(stream.ErrDisconnected)
			return
		case !s.writeFrames(items):
			s.abort()
			return
		}
	}
}

// abort ends a stream whose peer takes nothing more.
func (s *wsStream) abort() {
	s.queue.Close(stream.ErrDisconnected)
	s.conn.Close()
	close(s.written)
}

// Cork implements stream.Corker.
func (s *wsStream) Cork() { s.queue.Cork() }

// Uncork implements stream.Corker.
func (s *wsStream) Uncork() {
	if s.queue.Uncork() {
		s.writeNow()
	}
}

// flushWaiting implements flusher.
func (s *wsStream) flushWaiting() {
	if s.queue.Flush() {
		s.writeNow()
	}
}

// writeNow is write for those who do not wait: what the peer does not take at once is
// left to a writer.
func (s *wsStream) writeNow() {
	for {
		items, _, closed := s.queue.Next(writeBatch)
		switch {
		case closed:
			s.startWriter()
			return
		case len(items) == 0:
			return
		}
		buf := writeBuffers.Get().(*[]byte)
		frames := s.appendFrames((*buf)[:0], items)
		if n := s.conn.writeNow(frames); n < len(frames) {
			go s.writeRest(frames[n:]) // which keeps the buffer
			return
		}
		if *buf = frames; cap(frames) <= plainWrite {
			writeBuffers.Put(buf)
		}
	}
}

// writeRest writes the rest of some frames, and goes on as write.
func (s *wsStream) writeRest(frames []byte) {
	if _, err := s.conn.Write(frames); err != nil {
		s.abort()
		return
	}
	s.write()
}

// writeFrames writes elements, all in one write.
func (s *wsStream) writeFrames(items [][]byte) bool {
	_, err := s.conn.Write(s.appendFrames(nil, items))
	return err == nil
}

// appendFrames appends each element as one text frame, and frames as they are.
func (s *wsStream) appendFrames(buf []byte, items [][]byte) []byte {
	size := 0
	for _, it := range items {
		size += len(it) + 10
	}
	buf = slices.Grow(buf, size)
	for _, it := range items {
		switch {
		case it[0] == '<':
			buf = appendFrame(buf, opText, it)
		case it[0] == pongToCome:
			buf = appendFrame(buf, opPong, s.takePong())
		default:
			buf = append(buf, it...)
		}
	}
	return buf
}

// writeEnd writes the error, if any, the closing element and the close frame
// (RFC 7395 §3.5, §3.6). ErrDisconnected ends without any of them, or with a close
// frame alone.
func (s *wsStream) writeEnd(reason error) {
	defer close(s.written)
	if code := int(s.closing.Load()); code != 0 {
		_, _ = s.conn.Write(appendClose(nil, code))
		if code != codeProtocolError {
			s.drop()
		}
		return
	}
	if errors.Is(reason, stream.ErrDisconnected) {
		s.drop()
		return
	}
	var last [][]byte
	var se *stream.Error
	if errors.As(reason, &se) {
		last = append(last, se.Append(nil))
	}
	end := []byte(wsClose)
	var elsewhere seeOther
	if errors.As(reason, &elsewhere) {
		end = elsewhere.element()
	}
	s.writeFrames(append(last, end, appendClose(nil, closeCode(reason))))
}

// drop closes the socket; without a close frame before it the client sees an
// abnormal end (code 1006).
func (s *wsStream) drop() {
	if tcp, ok := s.conn.Conn.(interface{ CloseWrite() error }); ok {
		_ = tcp.CloseWrite()
	}
	s.conn.Close()
}

// closeCode maps the reason to a WebSocket close code (W-05).
func closeCode(reason error) int {
	var se *stream.Error
	switch {
	case reason == nil || errors.Is(reason, io.EOF) || errors.As(reason, new(seeOther)):
		return codeNormal
	case errors.Is(reason, errTooBig):
		return codeTooBig
	case errors.Is(reason, errBinary):
		return codeUnsupported
	case !errors.As(reason, &se):
		return codeInternalError
	}
	switch se.Condition {
	case stream.UnsupportedEncoding:
		return codeInvalidData
	case stream.SystemShutdown:
		return codeGoingAway
	case stream.InternalServerError:
		return codeInternalError
	case stream.Conflict, stream.NotAuthorized, stream.Reset, stream.ConnectionTimeout:
		return codeNormal
	}
	return codePolicy
}
