package nxcc

import "github.com/cdrelay/cdrelay/internal/call"

// Example is a callback to try a source with: a call that nobody made, between numbers
// that belong to nobody.
const Example = `{"callId":"cdrelay-test-1","direction":0,"caller":"12025550123","callee":"12025550100","answered":true,` +
	`"startTime":1767258000000,"ringTime":1767258002000,"answerTime":1767258010000,"endTime":1767258070000,"hangupBy":1,"agentName":"cdrelay test"}`

// Signing is Digest by hand, with SHA-256.
func Signing() call.Signing {
	return call.Signing{
		Lines: []string{
			`ts=$(date +%s)000`,
			`sign=$(printf '%s' "accessKey=$KEY&action=` + digestAction + `&bizType=` + digestBizType + `&ts=$ts&body=$body&accessSecret=$SECRET" | openssl dgst -sha256 -r | cut -d' ' -f1)`,
		},
		Headers: []string{"accessKey: $KEY", "action: " + digestAction, "bizType: " + digestBizType, "ts: $ts", "algorithm: SHA256", "sign: $sign"},
	}
}
