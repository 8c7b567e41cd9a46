package intake

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
)

// crlf writes a multipart body with the line ends of the standard.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") }

// unwrap opens a form with the field detail, without the mark of what is in it.
func unwrap(contentType string, body []byte) ([]byte, error) {
	text, _, err := form("detail").open(contentType, body)
	return trimMark(text), err
}

func TestUnwrap(t *testing.T) {
	const (
		js    = `{"id":"1","number":"+62 812","cut":"50% & more"}`
		mark  = "\xef\xbb\xbf"
		multi = multipartType + "; boundary=X"
	)
	part := func(name, value string) string {
		return crlf("--X", `Content-Disposition: form-data; name="`+name+`"`, "", value, "")
	}
	escaped := "detail=" + url.QueryEscape(js)
	tests := []struct {
		name, contentType, body string
		want                    string // the JSON, or "!" and a part of the error
	}{
		{"JSON", "application/json", js, js},
		{"JSON, no type", "", js, js},
		{"JSON, wrong type", "text/plain", js, js},
		{"JSON, broken type", ";;;", js, js},
		{"JSON called urlencoded", urlencodedType, js, js},
		{"JSON called multipart", multi, js, js},
		{"JSON after a mark", "application/json", mark + js, js},
		{"JSON after white space", urlencodedType, "\r\n " + js, "\r\n " + js},
		{"JSON with a form inside", "", `{"a":"detail=1"}`, `{"a":"detail=1"}`},
		{"array", "", `[1]`, `[1]`},
		{"urlencoded", urlencodedType, escaped, js},
		{"urlencoded, with charset", urlencodedType + "; charset=utf-8", escaped, js},
		{"urlencoded, no type", "", escaped, js},
		{"urlencoded, called JSON", "application/json", escaped, js},
		{"urlencoded, called multipart", multi, escaped, js},
		{"urlencoded, other fields", urlencodedType, "a=1&" + escaped + "&b=2", js},
		{"urlencoded, broken neighbour", urlencodedType, "a=%zz&" + escaped, js},
		{"urlencoded, not encoded", urlencodedType, "detail=" + js, js},
		{"urlencoded, mark inside", urlencodedType, "detail=" + url.QueryEscape(mark+js), js},
		{"urlencoded, mark before", urlencodedType, mark + escaped, js},
		{"urlencoded, no detail", urlencodedType, "Detail=1&x=2", "!no field detail"},
		{"urlencoded, two details", urlencodedType, escaped + "&" + escaped, "!2 fields detail"},
		{"urlencoded, empty", urlencodedType, "detail=", "!is empty"},
		{"urlencoded, only a mark", urlencodedType, "detail=" + mark, "!is empty"},
		{"urlencoded, broken escape", urlencodedType, "detail=%7", "!damaged"},
		{"multipart", multi, part("detail", js) + "--X--\r\n", js},
		{"multipart, no type", "", part("detail", js) + "--X--\r\n", js},
		{"multipart, type without boundary", multipartType, part("detail", js) + "--X--", js},
		{"multipart, another boundary announced", multipartType + "; boundary=Y", part("detail", js) + "--X--", js},
		{"multipart, quoted boundary", multipartType + `; boundary="X"`, part("detail", js) + "--X--", js},
		{"multipart, called JSON", "application/json", part("detail", js) + "--X--", js},
		{"multipart, preamble", multi, "hello\r\n" + part("detail", js) + "--X--", js},
		{"multipart, bare line feeds", multi, strings.ReplaceAll(part("detail", js)+"--X--\r\n", "\r\n", "\n"), js},
		{"multipart, other fields", multi, part("a", "{}") + part("detail", js) + part("b", "{}") + "--X--", js},
		{"multipart, a file", multi, crlf("--X", `Content-Disposition: form-data; name=detail; filename="a.json"`, "Content-Type: application/json", "", js, "--X--"), js},
		{"multipart, mark inside", multi, part("detail", mark+js) + "--X--", js},
		{"multipart, no detail", multi, part("details", js) + "--X--", "!no field detail"},
		{"multipart, two details", multi, part("detail", js) + part("detail", js) + "--X--", "!2 fields detail"},
		{"multipart, empty detail", multi, part("detail", "") + "--X--", "!is empty"},
		{"multipart, cut", multi, part("detail", js), "!damaged"},
		{"multipart, cut in the value", multi, part("detail", js)[:80], "!damaged"},
		{"multipart, nothing in it", multi, "--X--\r\n", "!no field detail"},
		{"multipart, dashes only", "", "--", "!no boundary"},
		{"empty", "application/json", "", "!empty"},
		{"white space", "", " \r\n", "!empty"},
		{"mark only", "", mark, "!empty"},
		{"something else", "text/xml", "<cdr/>", "<cdr/>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := unwrap(tt.contentType, []byte(tt.body))
			part, wantErr := strings.CutPrefix(tt.want, "!")
			if !wantErr {
				if err != nil || string(got) != tt.want {
					t.Errorf("= %s, %v, want %s", got, err, tt.want)
				}
				return
			}
			if _, ok := errors.AsType[*call.Unreadable](err); !ok || !strings.Contains(err.Error(), part) {
				t.Errorf("error %v, want an Unreadable with %q", err, part)
			}
		})
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add("", `{"id":"1"}`)
	f.Add(urlencodedType, "detail=%7B%7D&x=1")
	f.Add(multipartType+"; boundary=X", crlf("--X", `Content-Disposition: form-data; name="detail"`, "", "{}", "--X--"))
	f.Add("multipart/form-data; boundary=\"\"", "--\r\n\r\n")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		got, err := unwrap(contentType, []byte(body))
		if err != nil {
			if _, ok := errors.AsType[*call.Unreadable](err); !ok {
				t.Fatalf("error %T", err)
			}
			return
		}
		if len(bytes.Trim(got, " \t\r\n")) == 0 || len(got) > len(body) {
			t.Fatalf("%q gives %q", body, got)
		}
		again, err := unwrap("", got)
		if strings.HasPrefix(string(got), "{") && (err != nil || !bytes.Equal(again, got)) {
			t.Fatalf("unwrapped twice: %q, %v", again, err)
		}
	})
}

// FuzzFormRoundTrip packs any object into both forms and gets it back, with and
// without the headers.
func FuzzFormRoundTrip(f *testing.F) {
	f.Add(`{"id":"1","n":"+62 &%=;"}`)
	f.Add("{\r\n--X--}")
	f.Fuzz(func(t *testing.T, value string) {
		if !strings.HasPrefix(value, "{") {
			return
		}
		var packed bytes.Buffer
		w := multipart.NewWriter(&packed)
		if err := errors.Join(w.WriteField("other", "x"), w.WriteField("detail", value), w.Close()); err != nil {
			t.Fatal(err)
		}
		encoded := url.Values{"detail": {value}}.Encode()
		for _, in := range []struct{ contentType, body string }{
			{w.FormDataContentType(), packed.String()},
			{"", packed.String()},
			{urlencodedType, encoded},
			{"", encoded},
		} {
			got, err := unwrap(in.contentType, []byte(in.body))
			if err != nil || string(got) != value {
				t.Fatalf("%s: %q, %v, want %q", in.contentType, got, err, value)
			}
		}
	})
}
