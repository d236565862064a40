package cli

import "foyer/app"

type gatewayCmd struct{}

// Run runs the gateway by itself until it is interrupted.
func (gatewayCmd) Run(e *env) error {
	cfg, err := app.LoadGatewayConfig(app.Environ())
	if err != nil {
		return withUnknown(err)
	}
	log := e.logger(app.Config{LogLevel: cfg.LogLevel})
	warnUnknown(log)
	return app.RunGateway(e.ctx, cfg, e.out, log)
}
