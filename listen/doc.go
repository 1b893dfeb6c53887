// Package listen is where connections come in: TCP, with TLS whose certificate
// comes from files that are read again when they change, or from a certificate
// authority by ACME, and with the PROXY protocol behind a load balancer.
//
// [TCP] gives a listener. Connections whose beginning is not the client's own
// protocol (a PROXY header, a TLS handshake) have a method HandshakeContext,
// which whoever accepts them calls on a goroutine of its own and with a
// deadline: Accept never waits for a stranger.
package listen
