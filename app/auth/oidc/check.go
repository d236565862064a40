package oidc

import (
	"context"
	"fmt"
)

// Check implements auth.Checker.
func (p *Provider) Check(ctx context.Context) error {
	_, err := p.discovery.get(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w", p.cfg.Issuer, err)
	}
	return err
}
