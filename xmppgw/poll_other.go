//go:build !linux

package xmppgw

func newSystemPoller() poller { return nil }
