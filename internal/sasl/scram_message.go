package sasl

import "strings"

// The messages of SCRAM (RFC 5802 §7).

// scramFirst is the client's first message (RFC 5802 §7).
type scramFirst struct {
	flag, binding string // p with its type, n or y
	authzid, user string // as sent, unescaped
	nonce         string
	header, bare  string // the two parts as sent
}

// parseSCRAMFirst reads a client-first-message (RFC 5802 §7).
func parseSCRAMFirst(message string) (f scramFirst, err error) {
	parts := strings.SplitN(message, ",", 3)
	if len(parts) != 3 {
		return f, MalformedRequest
	}
	f.header, f.bare = parts[0]+","+parts[1]+",", parts[2]
	if f.flag, f.binding, err = parseGS2Flag(parts[0]); err != nil {
		return f, err
	}
	if parts[1] != "" {
		name, ok := strings.CutPrefix(parts[1], "a=")
		if f.authzid, err = unescapeSCRAM(name); !ok || err != nil {
			return f, MalformedRequest
		}
	}
	attrs := strings.Split(f.bare, ",")
	if len(attrs) < 2 {
		return f, MalformedRequest
	}
	name, isName := strings.CutPrefix(attrs[0], "n=") // an m= in front is refused here (§5.1)
	nonce, isNonce := strings.CutPrefix(attrs[1], "r=")
	if f.user, err = unescapeSCRAM(name); !isName || !isNonce || err != nil || !isPrintable(nonce) {
		return f, MalformedRequest
	}
	f.nonce = nonce
	return f, checkOptional(attrs[2:])
}

func parseGS2Flag(s string) (flag, binding string, err error) {
	if s == "n" || s == "y" {
		return s, "", nil
	}
	if binding, ok := strings.CutPrefix(s, "p="); ok && binding != "" {
		return "p", binding, nil
	}
	return "", "", MalformedRequest
}

// checkOptional lets unknown attributes pass (RFC 5802 §5.1), except for m, which
// stands for extensions that must be understood.
func checkOptional(attrs []string) error {
	for _, a := range attrs {
		if len(a) < 2 || a[1] != '=' || a[0] == 'm' || !isLetter(a[0]) {
			return MalformedRequest
		}
	}
	return nil
}

func isLetter(b byte) bool { return ('a' <= b && b <= 'z') || ('A' <= b && b <= 'Z') }

// isPrintable reports whether s is a nonce (RFC 5802 §7).
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e || s[i] == ',' {
			return false
		}
	}
	return s != "" && len(s) <= 1024
}

// unescapeSCRAM reads a saslname (RFC 5802 §5.1); empty is none.
func unescapeSCRAM(s string) (string, error) {
	var out strings.Builder
	for {
		plain, escaped, found := strings.Cut(s, "=")
		out.WriteString(plain)
		switch {
		case !found && out.Len() == 0:
			return "", MalformedRequest
		case !found:
			return out.String(), nil
		case strings.HasPrefix(escaped, "2C"):
			out.WriteByte(',')
		case strings.HasPrefix(escaped, "3D"):
			out.WriteByte('=')
		default:
			return "", MalformedRequest
		}
		s = escaped[2:]
	}
}
