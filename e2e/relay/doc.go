// Package relay drives the gateway with a real Prosody and a real ejabberd behind it, where
// they are on this machine: what the relay's own tests expect of a scripted server, those
// do. It has tests only.
package relay
