package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// Sign says how requests are signed.
type Sign struct {
	StandardWebhooks secret.List `yaml:"standard_webhooks" jsonschema:"required" example:"{env: CRM_SIGNING_SECRET}" doc:"Secret of Standard Webhooks, whsec_ and base64; a list while it is rotated: one signature for each."`
}

func (s *Sign) validate(report func(path, problem string)) {
	if len(s.StandardWebhooks) == 0 {
		report("standard_webhooks", "is missing: write a secret such as {env: NAME}, or leave sign out")
	}
	for i, one := range s.StandardWebhooks {
		if _, err := signingKey(one); err != nil {
			path := "standard_webhooks"
			if len(s.StandardWebhooks) > 1 {
				path += fmt.Sprintf("[%d]", i)
			}
			report(path, err.Error())
		}
	}
}

// The bounds of Standard Webhooks for a key.
const (
	minKey = 24
	maxKey = 64
)

var errSigningSecret = errors.New(
	"is not a secret of Standard Webhooks: whsec_ and the base64 of 24 to 64 random bytes; make one with `echo whsec_$(openssl rand -base64 32)`")

// signingKey decodes a secret; the prefix may be left out, the base64 may lack
// its padding.
func signingKey(s secret.Value) ([]byte, error) {
	text := strings.TrimRight(strings.TrimPrefix(s.Reveal(), "whsec_"), "=")
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, errSigningSecret // err would show a part of the secret
	}
	return key, nil
}

// keys are the signing keys, each as a pool of MACs that are ready to use: to
// make one costs more than to sign. Printing shows none of it.
type keys []*sync.Pool

func (s *Sign) keys() (keys, error) {
	if s == nil {
		return nil, nil
	}
	list := make(keys, 0, len(s.StandardWebhooks))
	for _, one := range s.StandardWebhooks {
		key, err := signingKey(one)
		if err != nil {
			return nil, err
		}
		list = append(list, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }})
	}
	return list, nil
}

// The headers of a signature, as net/http spells them.
const (
	timestampHeader = "Webhook-Timestamp"
	signatureHeader = "Webhook-Signature"
)

// signatureVersion begins each signature: HMAC-SHA256.
const signatureVersion = "v1,"

// sign sets timestamp and signature of one try.
func (k keys) sign(h http.Header, messageID string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	head := []byte(messageID + "." + stamp + ".")
	var text []byte
	for i, pool := range k {
		mac, _ := pool.Get().(hash.Hash)
		mac.Reset()
		mac.Write(head)
		mac.Write(body)
		if i > 0 {
			text = append(text, ' ')
		}
		text = base64.StdEncoding.AppendEncode(append(text, signatureVersion...), mac.Sum(nil))
		pool.Put(mac)
	}
	h.Set(timestampHeader, stamp)
	h.Set(signatureHeader, string(text))
}
