package intake

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	digestKey    = "ak-1"
	digestSecret = "as-1"
)

func digestSource() SourceConfig {
	return SourceConfig{Name: "a", Auth: Auth{Digest: &Digest{AccessKey: keys(digestKey), AccessSecret: keys("older", digestSecret)}}}
}

// signedText is written out as the vendor's page has it, apart from the code.
func signedText(ts, body, secret string) []byte {
	return []byte("accessKey=ak-1&action=callback&bizType=8&ts=" + ts + "&body=" + body + "&accessSecret=" + secret)
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// digested sets the headers of a good request; changes come after it.
func digested(ts, sign string) func(*http.Request) {
	return func(r *http.Request) {
		for name, value := range map[string]string{"accessKey": digestKey, "ts": ts, "bizType": "8", "action": "callback", "sign": sign} {
			r.Header.Set(name, value)
		}
	}
}

func stamp(offset time.Duration) string {
	return fmt.Sprint(now.Add(offset).UnixMilli())
}

// TestDigest holds the door to what the format says; what a signature is, is tested
// with the format.
func TestDigest(t *testing.T) {
	body, ts := `{"id":"1", "name":"陈"}`, stamp(0)
	tests := []struct {
		name, ts, secret string
		status           int
	}{
		{"good", ts, digestSecret, 200},
		{"secret that goes", ts, "older", 200},
		{"wrong secret", ts, "guess", 401},
		{"empty secret", ts, "", 401},
		{"60 s old", stamp(-60 * time.Second), digestSecret, 200},
		{"too old", stamp(-60*time.Second - time.Millisecond), digestSecret, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, digestSource())
			res, answer := f.do(t, post(body, digested(tt.ts, md5Hex(signedText(tt.ts, body, tt.secret)))))
			if res.StatusCode != tt.status {
				t.Errorf("answer %d %s, want %d", res.StatusCode, answer, tt.status)
			}
			if (f.store.stored() == 1) != (tt.status == 200) {
				t.Errorf("%d traces under %d", f.store.stored(), res.StatusCode)
			}
			if challenge := res.Header.Get("WWW-Authenticate"); (challenge == `AccessKey realm="cdrelay"`) != (tt.status == 401) {
				t.Errorf("challenge %q under %d", challenge, res.StatusCode)
			}
		})
	}
}

// A door that nothing can check would let nobody in, or everybody.
func TestDigestNeedsASignature(t *testing.T) {
	c := testConfig(digestSource())
	c.Sources[0].Dialect.Signature = nil
	if _, err := newSet(c); err == nil || !strings.Contains(err.Error(), "not signed") {
		t.Errorf("error %v", err)
	}
}

func TestDigestIsOverTheBytesAsSent(t *testing.T) {
	zipped := zip(t, strings.NewReader(callJSON("1")))
	ts := stamp(0)
	for body, want := range map[string]int{zipped: 200, callJSON("1"): 401} {
		f := newFixture(t, digestSource())
		sign := md5Hex(signedText(ts, body, digestSecret))
		if res, answer := f.do(t, post(zipped, header("Content-Encoding", "gzip"), digested(ts, sign))); res.StatusCode != want {
			t.Errorf("answer %d %s, want %d", res.StatusCode, answer, want)
		}
	}
}

func TestDigestOfTooLargeBody(t *testing.T) {
	f := newFixture(t, digestSource())
	res, _ := f.do(t, post(strings.Repeat(" ", maxBody+1), digested(stamp(0), strings.Repeat("0", 32))))
	if res.StatusCode != 413 {
		t.Errorf("answer %d, want 413", res.StatusCode)
	}
	res, _ = f.do(t, post(strings.Repeat(" ", maxBody+1), digested(stamp(time.Hour), strings.Repeat("0", 32))))
	if res.StatusCode != 401 {
		t.Errorf("with an old timestamp: %d, want 401 before the body", res.StatusCode)
	}
}
