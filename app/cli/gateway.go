package cli

import "foyer/app"

type gatewayCmd struct{}

// Run runs the gateway by itself until it is interrupted.
func (gatewayCmd) Run(e *env) error {
	cfg, err := app.LoadGatewayConfig(app.Environ())
	if err != nil {
		return withUnknown(err, app.UnknownGatewaySettings(app.Environ()))
	}
	log := e.logger(app.Config{LogLevel: cfg.LogLevel})
	warn(log, app.UnknownGatewaySettings(app.Environ())...)
	return app.RunGateway(e.ctx, cfg, e.out, log)
}
