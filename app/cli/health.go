package cli

import (
	"cmp"
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
// have no other program to ask with.
func (healthcheckCmd) Run(e *env) error {
	_, port, err := net.SplitHostPort(cmp.Or(app.Environ()["ADDR"], ":3000"))
	if err != nil {
		return fmt.Errorf("ADDR: %w", err)
	}
	ctx, cancel := context.WithTimeout(e.ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort("127.0.0.1", port)+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("the site answers " + resp.Status)
	}
	return nil
}
