package nxcc

import (
	"crypto/md5" //nolint:gosec // the vendor's default; sha256 is taken where it is sent
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// The fixed values of a callback's digest headers.
const (
	digestAction  = "callback"
	digestBizType = "8"
	// maxStamp is the longest millisecond timestamp read; 13 digits reach the
	// year 2286.
	maxStamp = 15
)

// Why a signature does not hold.
var (
	errUnsigned  = errors.New("the digest headers are missing or malformed")
	errSigner    = errors.New("access key, action or bizType is wrong")
	errStale     = errors.New("timestamp is outside the tolerance")
	errSignature = errors.New("signature does not fit the body")
)

// Digest is the call.Signature of the vendor's "Digest" mode:
//
//	sign = hex(hash("accessKey=…&action=…&bizType=…&ts=…" +
//	                "&body=" + body + "&accessSecret=" + secret))
//
// The body is what came over the wire, before gunzip: the signature covers the
// bytes that the sender posted, and so nothing is unpacked for a stranger. The
// key, the fixed values and the clock are judged before the body is read. Any key
// goes with any secret.
func Digest(callback call.Signed, keys call.Keys) (check func(wire []byte) error, err error) {
	h, ok := readDigestHeaders(callback.Header)
	if !ok {
		return nil, errUnsigned
	}
	if !keys.Known(h.accessKey) || h.action != digestAction || h.bizType != digestBizType {
		return nil, errSigner
	}
	if callback.ReceivedAt.Sub(h.at).Abs() > keys.Tolerance {
		return nil, errStale
	}
	return func(wire []byte) error { return h.verify(wire, keys) }, nil
}

// digestHeaders is what the headers say, each of which occurs exactly once.
type digestHeaders struct {
	accessKey, action, bizType, stamp string

	at      time.Time
	sign    []byte
	newHash func() hash.Hash
}

// readDigestHeaders returns false for headers that no sender of this scheme makes.
func readDigestHeaders(header textproto.MIMEHeader) (digestHeaders, bool) {
	var h digestHeaders
	var sign, algorithm string
	if _, there := header["Algorithm"]; there && !takeOne(header, "Algorithm", &algorithm) {
		return digestHeaders{}, false
	}
	whole := takeOne(header, "accessKey", &h.accessKey) && takeOne(header, "action", &h.action) &&
		takeOne(header, "bizType", &h.bizType) && takeOne(header, "ts", &h.stamp) && takeOne(header, "sign", &sign)
	if !whole {
		return digestHeaders{}, false
	}
	var ok bool
	if h.at, ok = parseStamp(h.stamp); !ok {
		return digestHeaders{}, false
	}
	if h.newHash, ok = digestHash(algorithm); !ok {
		return digestHeaders{}, false
	}
	var err error
	h.sign, err = hex.DecodeString(sign)
	return h, err == nil && len(h.sign) == h.newHash().Size()
}

// takeOne refuses a header that occurs twice: two readers could read it in two
// ways.
func takeOne(header textproto.MIMEHeader, name string, into *string) bool {
	values := header.Values(name)
	if len(values) != 1 || values[0] == "" {
		return false
	}
	*into = values[0]
	return true
}

// parseStamp reads milliseconds, digits only.
func parseStamp(text string) (time.Time, bool) {
	if len(text) > maxStamp || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, false
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	return time.UnixMilli(ms), err == nil
}

func digestHash(algorithm string) (func() hash.Hash, bool) {
	switch strings.ToLower(algorithm) {
	case "", "md5":
		return md5.New, true
	case "sha256":
		return sha256.New, true
	default:
		return nil, false
	}
}

// verify compares with each secret in constant time, whichever fits.
func (h digestHeaders) verify(wire []byte, keys call.Keys) error {
	found := 0
	for secret := range keys.Secrets {
		sum := h.newHash()
		h.writeTo(sum, wire, secret)
		found |= subtle.ConstantTimeCompare(sum.Sum(nil), h.sign)
	}
	if found == 0 {
		return errSignature
	}
	return nil
}

// writeTo writes the signed text. A hash never fails.
func (h digestHeaders) writeTo(sum hash.Hash, wire []byte, secret string) {
	_, _ = io.WriteString(sum, "accessKey="+h.accessKey+"&action="+h.action+"&bizType="+h.bizType+"&ts="+h.stamp+"&body=")
	_, _ = sum.Write(wire)
	_, _ = io.WriteString(sum, "&accessSecret="+secret)
}
