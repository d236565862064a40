// Package instances has the site as it runs on several machines: two instances behind
// nginx, and two nodes of ejabberd behind them, with people who talk while one of each is
// killed. It has tests only.
package instances
