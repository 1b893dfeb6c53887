// Command interop lets the Eclipse Paho interoperability suite talk to a real
// Fieldcast server. scripts/interop runs it; docs/interop.md says what comes out.
//
// The suite's clients publish any topic and receive it on the same connection,
// without a password. With Fieldcast phones publish and readers receive, each
// by credentials of its own. So for each connection of the suite interop logs
// in several times under the same client id: once as a reader, and as each
// phone. What the client publishes goes out on the connection of the phone that
// the topic belongs to; subscriptions and deliveries go over the reader's.
// Payloads become the JSON of a phone on the way in and are unpacked on the way
// out, because MQTT 5 refuses what is none. All else is passed on as it is.
package main
