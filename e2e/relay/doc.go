// Package relay drives the gateway with a real Prosody behind it, if there is one on this
// machine: what the relay's own tests expect of a scripted server, a server of this world
// does. It has tests only.
package relay
