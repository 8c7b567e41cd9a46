package nxcc_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/call"
)

const (
	digestKey    = "ak-1"
	digestSecret = "as-1"
)

// now is when callbacks come in, 2025-10-16T09:31:13.056Z.
var now = time.UnixMilli(1760607073056)

// signed judges a callback of a source with a secret that goes and one that stays.
func signed(h http.Header, body string) error {
	check, err := nxcc.Digest(call.Signed{Header: h, ReceivedAt: now}, call.Keys{
		Known:     func(key string) bool { return key == digestKey },
		Secrets:   slices.Values([]string{"older", digestSecret}),
		Tolerance: time.Minute,
	})
	if err != nil {
		return err
	}
	return check([]byte(body))
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

// change is one to the headers of a callback.
type change func(http.Header)

// digested sets the headers of a good callback; changes come after it.
func digested(ts, sign string) change {
	return func(h http.Header) {
		for name, value := range map[string]string{"accessKey": digestKey, "ts": ts, "bizType": "8", "action": "callback", "sign": sign} {
			h.Set(name, value)
		}
	}
}

func stamp(offset time.Duration) string {
	return fmt.Sprint(now.Add(offset).UnixMilli())
}

// TestDigestKnownAnswer pins the scheme to a value computed elsewhere:
// printf 'accessKey=ak-1&action=callback&bizType=8&ts=1760607073056&body={"id":"1"}&accessSecret=as-1' | md5sum, sha256sum.
func TestDigestKnownAnswer(t *testing.T) {
	t.Parallel()
	for algorithm, sign := range map[string]string{
		"md5":    "35df0cf00e6696956a18d44bd9394a33",
		"sha256": "9633562759ebe67f03ce2437806b8bc35e062a542f98f207b5a751849df2d48f",
	} {
		h := http.Header{"Algorithm": {algorithm}}
		digested("1760607073056", sign)(h)
		if err := signed(h, `{"id":"1"}`); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	body := `{"id":"1", "name":"陈"}`
	good := func(offset time.Duration) change {
		ts := stamp(offset)
		return digested(ts, md5Hex(signedText(ts, body, digestSecret)))
	}
	ts := stamp(0)
	sum := md5Hex(signedText(ts, body, digestSecret))
	sum256 := sha256Hex(signedText(ts, body, digestSecret))
	set := func(name, value string) change {
		return func(h http.Header) { h.Set(name, value) }
	}
	header := func(name string, values ...string) change {
		return func(h http.Header) {
			for _, value := range values {
				h.Add(name, value)
			}
		}
	}
	without := func(name string) change {
		return func(h http.Header) { h.Del(name) }
	}
	tests := []struct {
		name    string
		changes []change
		good    bool
	}{
		{"md5 by default", []change{good(0)}, true},
		{"md5 named", []change{good(0), set("Algorithm", "MD5")}, true},
		{"sha256", []change{digested(ts, sum256), set("algorithm", "sha256")}, true},
		{"sha256 upper case", []change{digested(ts, strings.ToUpper(sum256)), set("ALGORITHM", "SHA256")}, true},
		{"md5 upper case", []change{digested(ts, strings.ToUpper(sum))}, true},
		{"secret that goes", []change{digested(ts, md5Hex(signedText(ts, body, "older")))}, true},
		{"60 s old", []change{good(-60 * time.Second)}, true},
		{"60 s ahead", []change{good(60 * time.Second)}, true},
		{"too old", []change{good(-60*time.Second - time.Millisecond)}, false},
		{"too far ahead", []change{good(60*time.Second + time.Millisecond)}, false},
		{"sha256 sign called md5", []change{digested(ts, sum256)}, false},
		{"md5 sign called sha256", []change{digested(ts, sum), set("algorithm", "sha256")}, false},
		{"unknown algorithm", []change{good(0), set("algorithm", "sha1")}, false},
		{"empty algorithm header", []change{good(0), set("algorithm", "")}, false},
		{"wrong secret", []change{digested(ts, md5Hex(signedText(ts, body, "guess")))}, false},
		{"empty secret", []change{digested(ts, md5Hex(signedText(ts, body, "")))}, false},
		{"other body", []change{digested(ts, md5Hex(signedText(ts, "{}", digestSecret)))}, false},
		{"other timestamp", []change{good(0), set("ts", stamp(time.Millisecond))}, false},
		{"sign is no hex", []change{good(0), set("sign", strings.Repeat("z", 32))}, false},
		{"sign cut", []change{good(0), set("sign", sum[:30])}, false},
		{"wrong key", []change{good(0), set("accessKey", "ak-2")}, false},
		{"wrong action", []change{good(0), set("action", "mt")}, false},
		{"wrong bizType", []change{good(0), set("bizType", "9")}, false},
		{"ts no number", []change{good(0), set("ts", "soon")}, false},
		{"ts with a sign", []change{good(0), set("ts", "+"+ts)}, false},
		{"ts huge", []change{good(0), set("ts", "99999999999999999999")}, false},
		{"ts in seconds", []change{good(0), set("ts", ts[:10])}, false},
		{"ts twice", []change{good(0), header("ts", ts)}, false},
		{"algorithm twice", []change{good(0), header("algorithm", "md5", "sha256")}, false},
		{"no accessKey", []change{good(0), without("accessKey")}, false},
		{"no ts", []change{good(0), without("ts")}, false},
		{"no bizType", []change{good(0), without("bizType")}, false},
		{"no action", []change{good(0), without("action")}, false},
		{"no sign", []change{good(0), without("sign")}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			for _, change := range tt.changes {
				change(h)
			}
			if err := signed(h, body); (err == nil) != tt.good {
				t.Errorf("error %v, want none: %t", err, tt.good)
			}
		})
	}
}

// Nothing of a body is read where the head does not hold.
func TestDigestJudgesTheHeadFirst(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	digested(stamp(time.Hour), strings.Repeat("0", 32))(h)
	check, err := nxcc.Digest(call.Signed{Header: h, ReceivedAt: now}, call.Keys{
		Known: func(string) bool { return true }, Secrets: slices.Values([]string{digestSecret}), Tolerance: time.Minute,
	})
	if check != nil || err == nil {
		t.Errorf("an old timestamp: a check: %t, error %v", check != nil, err)
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
		check, err := nxcc.Digest(call.Signed{Header: h, ReceivedAt: now}, call.Keys{
			Known: func(key string) bool { return key == digestKey }, Secrets: slices.Values([]string{digestSecret}), Tolerance: time.Minute,
		})
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
