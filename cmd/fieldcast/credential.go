package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"

	"fieldcast/config"
	"fieldcast/enrol"
	"fieldcast/identity"
	"fieldcast/track"
)

// printCredential writes what somebody types into a phone, and the link that
// saves the typing.
func printCredential(w io.Writer, c config.Config, company string, credential identity.Credential) error {
	var server enrol.Enrolment
	server.Host, server.Port, server.TLS = c.PublicMQTT()
	note := ""
	if server.Host == "" {
		server.Host = thisMachine()
		note = "   (this machine; if phones reach it by another name, set mqtt.public_host)"
	}
	link, err := server.Link(company, credential)
	if err != nil {
		return err
	}
	address := net.JoinHostPort(server.Host, strconv.Itoa(server.Port))
	if server.TLS {
		address += " with TLS"
	}
	topic := track.Topic{Company: company, Employee: credential.Employee}
	_, err = fmt.Fprintf(w, "Server     %s%s\nUser name  %s\nPassword   %s\nClient id  %s\nTopic      %s\n\nOn the phone, with OwnTracks installed, open:\n%s\n",
		address, note, credential.Username, credential.Password, credential.ClientID, topic, link)
	return err
}

// thisMachine is the address by which others most likely reach this machine.
func thisMachine() string {
	addrs, err := net.InterfaceAddrs()
	if err == nil {
		for _, a := range addrs {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
				return ip.IP.String()
			}
		}
	}
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "localhost"
}
