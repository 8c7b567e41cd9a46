package call_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

func BenchmarkHashContent(b *testing.B) {
	body := []byte(`{"agentName":"agent7@example.com","answerTime":1691372192000,"callDuration":7,` +
		`"callId":"b1920376-5e15-4f22-9996-6233f297685e","callee":"1001@10.0.0.7:5060","caller":"85235757581",` +
		`"direction":2,"endTime":1691372213000,"intent":"转人工-成功","orderId":"ORDER_ID","other":"OTHER",` +
		`"startTime":1691372191000,"taskId":"1688363452814331904"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := call.HashContent(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncode holds the record's own way of writing itself against
// encoding/json's.
func BenchmarkEncode(b *testing.B) {
	at, seven := call.At(time.UnixMilli(1691372192000)), 7
	party := call.Party{Raw: "85235757581", Number: "+85235757581"}
	r := &call.Record{
		Schema: call.SchemaID, ID: "nxlink:b1920376", Revision: 1, Source: "nxlink", Format: "nxcc",
		Direction: call.Outbound, Method: call.AIAgent, Answered: true, Outcome: call.Answered,
		From: party, To: call.Party{Raw: "1001@10.0.0.7", SIP: "1001@10.0.0.7"}, Customer: &party,
		StartedAt: at, AnsweredAt: at, EndedAt: at, ReceivedAt: at, TalkSeconds: &seven, TotalSeconds: &seven,
		Raw: json.RawMessage(`{"callId":"b1920376","caller":"85235757581","answerTime":1691372192000}`),
	}
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.JSON()
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
