package track_test

import (
	"errors"
	"strings"
	"testing"

	"fieldcast/track"
)

func TestParseTopic(t *testing.T) {
	for _, tt := range []struct {
		topic string
		want  track.Topic
	}{
		{"fc/acme/e17", track.Topic{Company: "acme", Employee: "e17"}},
		{"fc/acme/e17/event", track.Topic{Company: "acme", Employee: "e17", Leaf: "event"}},
		{"fc/acme/e17/last", track.Topic{Company: "acme", Employee: "e17", Leaf: "last"}},
		{"fc/a-1/Asha.Rao_2/cmd", track.Topic{Company: "a-1", Employee: "Asha.Rao_2", Leaf: "cmd"}},
		{"fc/acme/_live", track.Topic{Company: "acme", Leaf: "_live"}},
		{"fc/acme/_rejected", track.Topic{Company: "acme", Leaf: "_rejected"}},
	} {
		got, err := track.ParseTopic(tt.topic)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.topic, got, err, tt.want)
		}
		if got.String() != tt.topic {
			t.Errorf("%s: written as %s", tt.topic, got)
		}
	}
	for _, topic := range []string{
		"", "fc", "fc/", "fc/acme", "fc/acme/", "fc//e17", "fc/ACME/e17", "fc/-acme/e17", "fc/acme/e17/",
		"fc/acme/e17/unknown", "fc/acme/e17/event/more", "fc/acme/_live/more", "fc/acme/_other", "fc/acme/.e17",
		"fc/acme/+", "fc/acme/#", "fc/+/e17", "/fc/acme/e17", "owntracks/acme/e17", "$SYS/fc/acme/e17",
		"fc/acme/e17\x00", "fc/acme/e\u00e9", "fc/acme/" + strings.Repeat("e", 65), "fc/" + strings.Repeat("a", 33) + "/e",
		"fc/acme/e17" + strings.Repeat("/", 32000),
	} {
		if got, err := track.ParseTopic(topic); !errors.Is(err, track.ErrInvalid) {
			t.Errorf("%.60q: got %+v, %v, want ErrInvalid", topic, got, err)
		}
	}
}

func TestMatchAndOverlap(t *testing.T) {
	for _, tt := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/+", "a/b", true}, {"a/#", "a/b/c", true}, {"a/#", "a", true}, {"#", "a/b", true},
		{"+/+", "a/b", true}, {"+", "a/b", false}, {"a/b", "a", false}, {"a", "a/b", false}, {"a/+/c", "a/b/d", false},
		{"a/+", "a/", true}, {"#", "$SYS/x", false}, {"+/x", "$SYS/x", false}, {"$SYS/#", "$SYS/x", true}, {"a/b/#", "a", false},
	} {
		if got := track.Match(tt.filter, tt.topic); got != tt.want {
			t.Errorf("Match(%s, %s) = %v", tt.filter, tt.topic, got)
		}
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"fc/+/+", "fc/acme/+/last", false}, {"fc/#", "fc/acme/+/last", true}, {"fc/acme/+/+", "fc/acme/e/last", true},
		{"+/acme/e", "fc/+/e", true}, {"fc/a/#", "fc/b/#", false}, {"fc/a/#", "fc/a", true}, {"a/b", "a", false},
	} {
		if got, back := track.Overlap(tt.a, tt.b), track.Overlap(tt.b, tt.a); got != tt.want || back != tt.want {
			t.Errorf("Overlap(%s, %s) = %v, the other way %v", tt.a, tt.b, got, back)
		}
	}
}

func FuzzParseTopic(f *testing.F) {
	for _, s := range []string{"fc/acme/e17", "fc/acme/e17/last", "fc/acme/_live", "fc/acme/+", "fc//", "\xff", "fc/acme/e17/#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		topic, err := track.ParseTopic(s)
		if err != nil {
			if !errors.Is(err, track.ErrInvalid) {
				t.Errorf("%q: %v is not ErrInvalid", s, err)
			}
			return
		}
		if topic.String() != s {
			t.Errorf("%q is written as %q", s, topic)
		}
		if strings.ContainsAny(s, "+#\x00") || track.CheckCompany(topic.Company) != nil {
			t.Errorf("%q is no topic", s)
		}
	})
}
