package listen

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestARefusalDoesNotWaitForTheBody: a client that asks before it sends, and one
// whose body is long, get the answer at once, and nothing of the body is read.
func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	for name, header := range map[string]string{
		"expects 100": "Expect: 100-continue\r\nContent-Length: 1000",
		"chunked":     "Expect: 100-continue\r\nTransfer-Encoding: chunked",
		"long":        "Content-Length: 1000000",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newRig(t, Limits{Max: 2, PerAddress: 2}).dial(t, "192.0.2.1")
				begin := time.Now()
				c.send("POST /refused HTTP/1.1\r\nHost: x\r\n" + header + "\r\n\r\n")
				if code, last := c.status(t); code != 401 || !last {
					t.Errorf("status %d, last %v; want 401 and the end of the connection", code, last)
				}
				if waited := time.Since(begin); waited != 0 {
					t.Errorf("the answer came after %v", waited)
				}
			})
		})
	}
}
