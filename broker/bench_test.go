package broker_test

import (
	"runtime"
	"testing"
	"time"

	"fieldcast/broker/brokertest"
)

// BenchmarkPublish is a round trip with QoS 1, with a journal that returns at
// once.
func BenchmarkPublish(b *testing.B) {
	br := brokertest.Start(b)
	phone := br.Phone("acme", "e1")
	payload := []byte(`{"_type":"location","lat":12.97162,"lon":77.59456,"tst":1700000000,"acc":8,"batt":81}`)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		phone.Send(phone.PublishPacket("fc/acme/e1", payload, 1, uint16(i%60000+1), 0))
		if _, err := phone.Next(5 * time.Second); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdle reports the memory of an idle phone, the test's own end of the
// connection included.
func BenchmarkIdle(b *testing.B) {
	br := brokertest.Start(b)
	before := memory()
	const phones = 2000
	for b.Loop() {
		for i := range phones {
			br.Phone("acme", "e"+string(rune('a'+i%26))+time.Duration(i).String())
		}
		b.ReportMetric(float64(memory()-before)/phones, "B/phone")
	}
}

func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
