package socket

import "net"

// Conn is a connection that is read by Read and written by Write.
type Conn struct{ net.Conn }

// Read implements net.Conn.
func (c Conn) Read(b []byte) (int, error) { return Read(c.Conn, b, nil) }

// Write implements net.Conn.
func (c Conn) Write(b []byte) (int, error) { return Write(c.Conn, b) }
