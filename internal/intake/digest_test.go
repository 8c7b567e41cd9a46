package intake

import (
	"crypto/md5"
	"crypto/sha256"
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

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
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

// TestDigestKnownAnswer pins the scheme to a value computed elsewhere:
// printf 'accessKey=ak-1&action=callback&bizType=8&ts=1760607073056&body={"id":"1"}&accessSecret=as-1' | md5sum, sha256sum.
func TestDigestKnownAnswer(t *testing.T) {
	for algorithm, sign := range map[string]string{
		"md5":    "35df0cf00e6696956a18d44bd9394a33",
		"sha256": "9633562759ebe67f03ce2437806b8bc35e062a542f98f207b5a751849df2d48f",
	} {
		f := newFixture(t, digestSource())
		res, body := f.do(t, post(`{"id":"1"}`, digested("1760607073056", sign), header("algorithm", algorithm)))
		if res.StatusCode != 200 {
			t.Errorf("%s: %d %s", algorithm, res.StatusCode, body)
		}
	}
}

func TestDigest(t *testing.T) {
	body := `{"id":"1", "name":"陈"}`
	good := func(offset time.Duration) func(*http.Request) {
		ts := stamp(offset)
		return digested(ts, md5Hex(signedText(ts, body, digestSecret)))
	}
	ts := stamp(0)
	sum := md5Hex(signedText(ts, body, digestSecret))
	sum256 := sha256Hex(signedText(ts, body, digestSecret))
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	without := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Del(name) }
	}
	tests := []struct {
		name    string
		changes []func(*http.Request)
		status  int
	}{
		{"md5 by default", []func(*http.Request){good(0)}, 200},
		{"md5 named", []func(*http.Request){good(0), set("Algorithm", "MD5")}, 200},
		{"sha256", []func(*http.Request){digested(ts, sum256), set("algorithm", "sha256")}, 200},
		{"sha256 upper case", []func(*http.Request){digested(ts, strings.ToUpper(sum256)), set("ALGORITHM", "SHA256")}, 200},
		{"md5 upper case", []func(*http.Request){digested(ts, strings.ToUpper(sum))}, 200},
		{"secret that goes", []func(*http.Request){digested(ts, md5Hex(signedText(ts, body, "older")))}, 200},
		{"60 s old", []func(*http.Request){good(-60 * time.Second)}, 200},
		{"60 s ahead", []func(*http.Request){good(60 * time.Second)}, 200},
		{"too old", []func(*http.Request){good(-60*time.Second - time.Millisecond)}, 401},
		{"too far ahead", []func(*http.Request){good(60*time.Second + time.Millisecond)}, 401},
		{"sha256 sign called md5", []func(*http.Request){digested(ts, sum256)}, 401},
		{"md5 sign called sha256", []func(*http.Request){digested(ts, sum), set("algorithm", "sha256")}, 401},
		{"unknown algorithm", []func(*http.Request){good(0), set("algorithm", "sha1")}, 401},
		{"empty algorithm header", []func(*http.Request){good(0), set("algorithm", "")}, 401},
		{"wrong secret", []func(*http.Request){digested(ts, md5Hex(signedText(ts, body, "guess")))}, 401},
		{"empty secret", []func(*http.Request){digested(ts, md5Hex(signedText(ts, body, "")))}, 401},
		{"other body", []func(*http.Request){digested(ts, md5Hex(signedText(ts, "{}", digestSecret)))}, 401},
		{"other timestamp", []func(*http.Request){good(0), set("ts", stamp(time.Millisecond))}, 401},
		{"sign is no hex", []func(*http.Request){good(0), set("sign", strings.Repeat("z", 32))}, 401},
		{"sign cut", []func(*http.Request){good(0), set("sign", sum[:30])}, 401},
		{"wrong key", []func(*http.Request){good(0), set("accessKey", "ak-2")}, 401},
		{"wrong action", []func(*http.Request){good(0), set("action", "mt")}, 401},
		{"wrong bizType", []func(*http.Request){good(0), set("bizType", "9")}, 401},
		{"ts no number", []func(*http.Request){good(0), set("ts", "soon")}, 401},
		{"ts with a sign", []func(*http.Request){good(0), set("ts", "+"+ts)}, 401},
		{"ts huge", []func(*http.Request){good(0), set("ts", "99999999999999999999")}, 401},
		{"ts in seconds", []func(*http.Request){good(0), set("ts", ts[:10])}, 401},
		{"ts twice", []func(*http.Request){good(0), header("ts", ts)}, 401},
		{"algorithm twice", []func(*http.Request){good(0), header("algorithm", "md5", "sha256")}, 401},
		{"no accessKey", []func(*http.Request){good(0), without("accessKey")}, 401},
		{"no ts", []func(*http.Request){good(0), without("ts")}, 401},
		{"no bizType", []func(*http.Request){good(0), without("bizType")}, 401},
		{"no action", []func(*http.Request){good(0), without("action")}, 401},
		{"no sign", []func(*http.Request){good(0), without("sign")}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, digestSource())
			res, answer := f.do(t, post(body, tt.changes...))
			if res.StatusCode != tt.status {
				t.Errorf("answer %d %s, want %d", res.StatusCode, answer, tt.status)
			}
			if (f.store.stored() == 1) != (tt.status == 200) {
				t.Errorf("%d traces under %d", f.store.stored(), res.StatusCode)
			}
		})
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

func FuzzDigestHeaders(f *testing.F) {
	f.Add("ak-1", "1760607073056", "8", "callback", strings.Repeat("0", 32), "md5", "{}")
	f.Add("", "-1", "", "", "zz", "sha256", "")
	f.Add("ak-1", "9223372036854775807", "8", "callback", "", "SHA256", "{}")
	f.Fuzz(func(t *testing.T, key, ts, bizType, action, sign, algorithm, body string) {
		h := http.Header{}
		for name, value := range map[string]string{"accessKey": key, "ts": ts, "bizType": bizType, "action": action, "sign": sign, "algorithm": algorithm} {
			h.Set(name, value)
		}
		door := digestDoor{Digest{AccessKey: keys(digestKey), AccessSecret: keys(digestSecret), Tolerance: time.Minute}}
		check, err := door.open(&http.Request{Header: h}, now)
		if (check == nil) == (err == nil) {
			t.Fatalf("check %v and error %v", check != nil, err)
		}
		if err != nil || check([]byte(body)) != nil {
			return
		}
		want := md5Hex(signedText(ts, body, digestSecret))
		if strings.EqualFold(algorithm, "sha256") {
			want = sha256Hex(signedText(ts, body, digestSecret))
		}
		if !strings.EqualFold(sign, want) {
			t.Fatalf("passed with sign %q, want %q", sign, want)
		}
	})
}
