// Package enrol adds companies and people and hands out the credentials of
// their phones. A [Desk] does it; the command line and the web share it.
//
//	desk := enrol.Desk{Store: store, Issuer: identities}
//	err := desk.AddCompany(ctx, "acme", "Acme Ltd")
//	credential, err := desk.AddEmployee(ctx, "acme", "e17", "Asha Rao")
//	link, err := enrol.Enrolment{Host: "mqtt.acme.example", Port: 8883, TLS: true}.Link("acme", credential)
//
// Credentials exist only in what these calls return: the store keeps a record
// of each token, not the token. Whoever loses them issues new ones.
package enrol
