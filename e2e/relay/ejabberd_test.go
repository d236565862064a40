package relay

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"testing"

	"foyer/e2e/peers"
)

// Whom it lets in, it asks this very program.
const ejabberdConfig = `
hosts: [%[1]s]
loglevel: warning
listen:
  - port: %[2]d
    ip: "127.0.0.1"
    module: ejabberd_c2s
auth_method: [external]
extauth_program: "%[3]s extauth"
auth_use_cache: false
disable_sasl_mechanisms: [digest-md5, x-oauth2]
acl:
  local: {user_regexp: ""}
access_rules:
  local: {allow: local}
modules:
  mod_disco: {}
  mod_mam: {assume_mam_usage: true, default: always}
  mod_offline: {}
  mod_roster: {}
  mod_stream_mgmt: {resend_on_timeout: true}
`

func startEjabberd(t *testing.T, release peers.EjabberdRelease) *peers.Server {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	port := peers.FreePort(t)
	return release.Start(t, t.TempDir(), fmt.Sprintf(ejabberdConfig, domain, port, program), port)
}

// answerEjabberd is this program as ejabberd starts it: everybody who has the password is
// let in (ejabberd's protocol for external authentication).
func answerEjabberd(r io.Reader, w io.Writer) {
	for {
		var n uint16
		if binary.Read(r, binary.BigEndian, &n) != nil {
			return
		}
		if _, err := io.ReadFull(r, make([]byte, n)); err != nil {
			return
		}
		_, _ = w.Write([]byte{0, 2, 0, 1})
	}
}
