package call_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// benchRecord is an answered call with what vendors usually send.
func benchRecord() *call.Record {
	at := call.At(time.UnixMilli(1760607073056))
	customer := call.Party{Raw: "85235757581", Number: "+85235757581"}
	return &call.Record{
		Schema: call.SchemaID, ID: "nxlink:b1920376-5e15-4f22-9996-6233f297685e", Revision: 1, Source: "nxlink", Format: "nxcc",
		Direction: call.Inbound, Method: "manual", Answered: true, Outcome: "answered",
		From: customer, To: call.Party{Raw: "1001@10.0.0.7:5060", SIP: "1001@10.0.0.7:5060", Extension: "1001"}, Customer: &customer,
		Agent:     call.Agent{ID: "7", Name: "Agent Seven"},
		StartedAt: at, AnsweredAt: at, EndedAt: at, ReceivedAt: at,
		Raw: []byte(`{"agentName":"Agent Seven","answerTime":1691372192000,"callDuration":7,"callId":"b1920376-5e15-4f22-9996-6233f297685e",` +
			`"callee":"1001@10.0.0.7:5060","caller":"85235757581","direction":2,"endTime":1691372213000,"intent":"转人工-成功",` +
			`"orderId":"ORDER_ID","other":"OTHER","startTime":1691372191000,"taskId":"1688363452814331904"}`),
	}
}

// BenchmarkRecordEncode holds the record's own way of writing itself against
// encoding/json's.
func BenchmarkRecordEncode(b *testing.B) {
	r := benchRecord()
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.JSON()
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRecordDecode(b *testing.B) {
	encoded, err := json.Marshal(benchRecord())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(encoded)))
	for b.Loop() {
		var r call.Record
		if err := json.Unmarshal(encoded, &r); err != nil {
			b.Fatal(err)
		}
	}
}
