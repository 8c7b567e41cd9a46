package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"mime/multipart"
	"strings"

	"github.com/cdrelay/cdrelay/internal/expr"
)

// partOverhead is about what multipart/form-data writes around a field.
const partOverhead = 128

// multipartForm is the configured mapping, or the record's fields, as
// multipart/form-data. The boundary is made of the fields, so that equal calls make
// equal bodies and no value can hold it.
func multipartForm(t expr.Tree, v *expr.View) (body []byte, mediaType string, err error) {
	fields, err := formFields(t, v)
	if err != nil {
		return nil, "", err
	}
	h := sha256.New()
	for _, f := range fields {
		_, _ = h.Write([]byte(f.Name + "\x00" + f.Value + "\x00")) // a hash never fails
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(hex.EncodeToString(h.Sum(nil))[:40]); err != nil {
		return nil, "", err
	}
	for _, f := range fields {
		if err := v.Spend(partOverhead + len(f.Name)); err != nil {
			return nil, "", err
		}
		if err := w.WriteField(f.Name, strings.ToValidUTF8(f.Value, "\uFFFD")); err != nil {
			return nil, "", err
		}
	}
	err = w.Close()
	return b.Bytes(), w.FormDataContentType(), err
}
