package extauth

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// Lines of Dovecot's authentication protocol 1.1: a command and its parameters, between
// them tabs, at the end a line feed.

// maxLine is the maximum length of a line, in bytes: a response of maxPassword and a
// login fit in.
const maxLine = 16 << 10

// command is one line of a client.
type command struct {
	name   string
	id     uint32 // of AUTH, CONT and CANCEL
	fields []string
}

var (
	errBadLine = errors.New("a line that is not of the protocol")
	errNoReply = errors.New("a response that is no base64")
)

// parseLine reads one line without its end. Commands that are not known are none of
// ours: their parameters may be anything.
func parseLine(line []byte) (command, error) {
	fields := strings.Split(string(line), "\t")
	for i, f := range fields {
		fields[i] = unescape(f)
	}
	c := command{name: fields[0], fields: fields[1:]}
	switch c.name {
	case "AUTH", "CONT", "CANCEL":
		if len(c.fields) == 0 {
			return c, errBadLine
		}
		id, err := strconv.ParseUint(c.fields[0], 10, 32)
		if err != nil {
			return c, errBadLine
		}
		c.id, c.fields = uint32(id), c.fields[1:]
	}
	return c, nil
}

// mechanism of AUTH.
func (c command) mechanism() string {
	if len(c.fields) == 0 {
		return ""
	}
	return c.fields[0]
}

// response returns what AUTH or CONT carry of the mechanism. sent: they carry
// something; "=" says that it is empty. It stands last in AUTH, and is all of CONT.
func (c command) response() (data []byte, sent bool, err error) {
	text := ""
	switch {
	case c.name == "CONT" && len(c.fields) > 0:
		text, sent = c.fields[0], true
	case c.name == "AUTH" && len(c.fields) > 1:
		text, sent = strings.CutPrefix(c.fields[len(c.fields)-1], "resp=")
	}
	if !sent || text == "=" {
		return nil, sent, nil
	}
	data, err = base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, true, errNoReply
	}
	return data, true, nil
}

// plainMessage is the one message of SASL PLAIN (RFC 4616 §2).
type plainMessage struct {
	authzid, login, password string
}

func parsePlain(message []byte) (p plainMessage, ok bool) {
	parts := bytes.Split(message, []byte{0})
	if len(parts) != 3 || len(parts[1]) == 0 || len(parts[2]) == 0 {
		return p, false
	}
	return plainMessage{string(parts[0]), string(parts[1]), string(parts[2])}, true
}

// unescape undoes escape. Something else that is escaped stands for itself.
func unescape(s string) string {
	if !strings.Contains(s, "\x01") {
		return s
	}
	return strings.NewReplacer("\x010", "\x00", "\x011", "\x01", "\x01t", "\t", "\x01n", "\n", "\x01r", "\r", "\x01", "").Replace(s)
}

// escape makes a text fit into a field, as Dovecot does.
func escape(s string) string {
	if !strings.ContainsAny(s, "\x00\x01\t\n\r") {
		return s
	}
	return strings.NewReplacer("\x00", "\x010", "\x01", "\x011", "\t", "\x01t", "\n", "\x01n", "\r", "\x01r").Replace(s)
}

// reply is one line of the server.
func reply(fields ...string) []byte {
	for i, f := range fields {
		fields[i] = escape(f)
	}
	return []byte(strings.Join(fields, "\t") + "\n")
}
