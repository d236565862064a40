// Package socket holds what the system can do with a TCP connection and Go's net does not
// offer. Elsewhere than on Linux its functions do nothing: the program is as right there,
// and a little slower to notice things.
package socket
