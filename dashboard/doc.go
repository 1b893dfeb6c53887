// Package dashboard is the web side: REST for the web app and for integrators,
// the app itself, and the doors for MQTT over WebSocket and for health checks.
// Call [New] and serve the handler that it returns.
//
// Where people are is answered from the bridge's table in memory, and works
// while the database is away. Where they were comes from the store. The
// package never touches the journal.
//
// API.md beside this file is the interface in short; the contract in full is
// made from the code: GET /api/openapi.json.
package dashboard
