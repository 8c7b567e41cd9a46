package call_test

import (
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
)

// BenchmarkHashContent takes callbacks as vendors send them: with keys in order
// and in none, and with strings behind backslashes.
func BenchmarkHashContent(b *testing.B) {
	for name, text := range map[string]string{
		"sorted": `{"agentName":"agent7@example.com","answerTime":1691372192000,"callDuration":7,` +
			`"callId":"b1920376-5e15-4f22-9996-6233f297685e","callee":"1001@10.0.0.7:5060","caller":"85235757581",` +
			`"direction":2,"endTime":1691372213000,"intent":"转人工-成功","orderId":"ORDER_ID","other":"OTHER",` +
			`"startTime":1691372191000,"taskId":"1688363452814331904"}`,
		"unsorted": `{"id":263056202,"companycode":"9513923","direction":"callout","type":"callout","callmethod":6,` +
			`"starttime":"2025-10-16 17:31:13","answertime":"","endtime":"2025-10-16 17:31:21","duration":8,"billsec":0,` +
			`"userid":"0","disnumber":"219513923001","destnumber":"81351111451","hangupdirection":10040,` +
			`"uuid":"db4a44cc-aa72-11f0-ad78-1d7ff0749d07","recordurl":"https://media.example/r?call=1&part=2"}`,
		"escaped": `{"id":263056202,"companycode":"9513923","callmethod":6,"starttime":"2025-10-16 17:31:13",` +
			`"uuid":"db4a44cc-aa72-11f0-ad78-1d7ff0749d07","recordurl":"https:\/\/media.example\/r","note":"\u8f6c\u4eba"}`,
	} {
		body := []byte(text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := call.HashContent(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
