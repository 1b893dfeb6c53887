package enrol

import (
	"encoding/base64"
	"encoding/json"
	"net/url"

	"fieldcast/identity"
	"fieldcast/track"
)

// Enrolment is where phones connect to.
type Enrolment struct {
	Host      string
	Port      int
	TLS       bool
	WebSocket bool // MQTT over WebSocket at /mqtt, for networks that let nothing else through
}

// configuration is what OwnTracks imports: https://owntracks.org/booklet/tech/json/#_typeconfiguration.
// Every value that matters is sent, since the defaults of the apps differ.
type configuration struct {
	Type string `json:"_type"`
	Mode int    `json:"mode"` // 0: MQTT

	Host              string `json:"host"`
	Port              int    `json:"port"`
	TLS               bool   `json:"tls"`
	WebSocket         bool   `json:"ws"`
	Auth              bool   `json:"auth"`
	UsePassword       bool   `json:"usePassword"`
	Username          string `json:"username"`
	Password          string `json:"password"`
	ClientID          string `json:"clientId"`
	CleanSession      bool   `json:"cleanSession"` // false: the phone's queue depends on its session
	KeepaliveSeconds  int    `json:"keepalive"`
	MQTTProtocolLevel int    `json:"mqttProtocolLevel"` // 4: MQTT 3.1.1

	DeviceID     string `json:"deviceId"`
	TrackerID    string `json:"tid"`
	PubTopicBase string `json:"pubTopicBase"`
	PubQoS       int    `json:"pubQos"`
	PubRetain    bool   `json:"pubRetain"`
	SubTopic     string `json:"subTopic"` // literal: nothing of others is asked for
	SubQoS       int    `json:"subQos"`

	Monitoring                 int  `json:"monitoring"` // 1: significant changes, which spares the battery
	LocatorIntervalSeconds     int  `json:"locatorInterval"`
	LocatorDisplacementM       int  `json:"locatorDisplacement"`
	MoveModeIntervalSeconds    int  `json:"moveModeLocatorInterval"`
	PegFastestInterval         bool `json:"pegLocatorFastestIntervalToInterval"`
	PingMinutes                int  `json:"ping"`
	IgnoreInaccurateLocationsM int  `json:"ignoreInaccurateLocations"` // 0: the server judges; a phone that does looks broken
	DowngradePercent           int  `json:"downgrade"`                 // battery below which move mode ends
	Cmd                        bool `json:"cmd"`
	RemoteConfiguration        bool `json:"remoteConfiguration"`
	AllowRemoteLocation        bool `json:"allowRemoteLocation"`
	AutostartOnBoot            bool `json:"autostartOnBoot"`
	ExtendedData               bool `json:"extendedData"`
}

// Configuration returns the OwnTracks configuration of a phone as JSON. It
// holds the password. An .otrc file has the same content.
func (e Enrolment) Configuration(company string, c identity.Credential) ([]byte, error) {
	if err := e.check(company, c); err != nil {
		return nil, err
	}
	base := track.Topic{Company: company, Employee: c.Employee}
	command := track.Topic{Company: company, Employee: c.Employee, Leaf: track.LeafCmd}
	return json.Marshal(configuration{
		Type: "configuration",
		Host: e.Host, Port: e.Port, TLS: e.TLS, WebSocket: e.WebSocket,
		Auth: true, UsePassword: true, Username: c.Username, Password: c.Password, ClientID: c.ClientID,
		KeepaliveSeconds: 300, MQTTProtocolLevel: 4, // 300 s: within what mobile networks keep a quiet connection open
		DeviceID: c.Employee, TrackerID: trackerID(c.Employee),
		PubTopicBase: base.String(), PubQoS: 1, SubTopic: command.String(), SubQoS: 1,
		Monitoring: 1, LocatorIntervalSeconds: 60, LocatorDisplacementM: 100, MoveModeIntervalSeconds: 30,
		PegFastestInterval: true, PingMinutes: 15, DowngradePercent: 20,
		Cmd: true, RemoteConfiguration: true, AllowRemoteLocation: true,
		AutostartOnBoot: true, ExtendedData: true,
	})
}

// Link returns a link that configures OwnTracks when it is opened on the phone.
// It holds the password.
func (e Enrolment) Link(company string, c identity.Credential) (string, error) {
	body, err := e.Configuration(company, c)
	if err != nil {
		return "", err
	}
	// Apps decode the query once, so '+', '/' and '=' must be escaped.
	return "owntracks:///config?inline=" + url.QueryEscape(base64.StdEncoding.EncodeToString(body)), nil
}

func (e Enrolment) check(company string, c identity.Credential) error {
	if e.Host == "" {
		return track.Invalid("host", "is needed: the name by which phones reach the server")
	}
	if e.Port < 1 || e.Port > 65535 {
		return track.Invalid("port", "%d is not a port", e.Port)
	}
	if err := track.CheckCompany(company); err != nil {
		return err
	}
	return track.CheckEmployee(c.Employee)
}

// trackerID is what OwnTracks draws on its map: the last two letters or digits.
func trackerID(employee string) string {
	id := ""
	for i := len(employee) - 1; i >= 0 && len(id) < 2; i-- {
		if c := employee[i]; c != '.' && c != '_' && c != '-' {
			id = string(c) + id
		}
	}
	return id
}
