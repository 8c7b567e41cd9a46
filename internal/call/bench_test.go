package call_test

import (
	"testing"

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
