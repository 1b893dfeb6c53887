// Package e2e holds only tests: the product as its users run it. They build
// the real binary, start it with a data folder of its own, reach it by real
// MQTT and HTTP clients, and break it.
//
// SQLite needs nothing but Go. The same tests run on PostgreSQL when
// FIELDCAST_TEST_POSTGRES is the URL of a server on which databases may be
// made; scripts/test starts one. Tests with mosquitto's clients and MQTT.js say
// what they need and skip where that is missing; scripts/test installs it.
package e2e
