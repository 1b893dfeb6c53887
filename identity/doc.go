// Package identity proves who somebody is: it makes the installation's signing
// key ([LoadKey]), issues signed tokens ([Service.Issue],
// [Service.IssueDevices]), checks them ([Service.Authenticate] for MQTT,
// [Service.Verify] for HTTP) and lets people log in with e-mail address and
// password ([Service.Login], [Service.Access]).
//
//	key, err := identity.LoadKey("data/keys")
//	ids, err := identity.New(identity.Options{Store: store, Key: key, Logger: log})
//	err = ids.Start(ctx)  // knows what has been revoked
//	go ids.Run(ctx)       // and learns of more, every 2 seconds
//	id, err := ids.Authenticate("e17@acme", token)
//
// # Tokens
//
// Tokens are JWTs (RFC 7519) signed with HS256, and nothing else is accepted.
// Checking one is an HMAC and a look into a map: no I/O, so that a storm of
// reconnecting phones costs microseconds each and needs no database.
//
// Two audiences keep apart what would otherwise be interchangeable: access
// tokens (MQTT and REST) and session cookies.
//
// # Refusals
//
// Each refusal is a [Failure] under [track.ErrUnauthorized] with a short reason
// for metrics. Who asks gets to know no more than that, and no message holds a
// token or a password.
package identity
