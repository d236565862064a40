package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"foyer/app"
)

type healthcheckCmd struct{}

// Run asks the site on this machine whether it is alive: for containers, which
// have no other program to ask with. It asks where ADDR has the site listen, and nobody
// on the way: a proxy of the environment is for what is elsewhere.
func (healthcheckCmd) Run(e *env) error {
	addr := app.ListenAddr(app.Environ())
	if err := app.CheckAddr(addr); err != nil {
		return fmt.Errorf("ADDR=%q %w", addr, err)
	}
	ctx, cancel := context.WithTimeout(e.ctx, 3*time.Second)
	defer cancel()
	var dialer net.Dialer
	there := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", addr) // without a host, or by 0.0.0.0 or ::, this machine is meant
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Transport{DialContext: there, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("the site answers " + resp.Status)
	}
	return nil
}
