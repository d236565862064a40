// Package socket holds what the system can do with a TCP connection and Go's net does not
// offer: to read and write without the scheduler's help, to write without waiting, to tell
// what was not acknowledged yet. Elsewhere than on Linux its functions do nothing of that:
// the program is as right there, slower to notice things, and needs a little more of the
// processor.
package socket
