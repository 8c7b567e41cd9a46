package intake

import (
	"net/http"
	"strings"
	"testing"
)

func TestDoors(t *testing.T) {
	named := &NamedSecret{Name: "token", Value: keys("old", "new")}
	query := Auth{Query: &NamedSecret{Name: "key", Value: keys("k+1&")}}
	basic := Auth{Basic: &Basic{Username: "pbx", Password: keys("p:w", "q")}}
	bearer := Auth{Bearer: keys("abc", "def")}
	allow := []Network{mustNetwork("192.0.2.1"), mustNetwork("2001:db8::/32")}
	tests := []struct {
		name   string
		auth   Auth
		change func(*http.Request)
		status int
	}{
		{"header", Auth{Header: named}, header("Token", "old"), 200},
		{"header, rotated", Auth{Header: named}, header("TOKEN", "new"), 200},
		{"header, wrong", Auth{Header: named}, header("token", "ne"), 401},
		{"header, longer", Auth{Header: named}, header("token", "newer"), 401},
		{"header, empty", Auth{Header: named}, header("token", ""), 401},
		{"header, in the query", Auth{Header: named}, rawQuery("token=new"), 401},
		{"header, empty secret", Auth{Header: &NamedSecret{Name: "token", Value: keys("")}}, header("token", ""), 401},
		{"query", query, rawQuery("key=k%2B1%26"), 200},
		{"query, as it is", query, rawQuery("key=k+1%26"), 200},
		{"query, with a blank", query, rawQuery("key=k%201%26"), 401},
		{"query, among others", query, rawQuery("a=1&key=k%2B1%26&b"), 200},
		{"query, wrong", query, rawQuery("key=k"), 401},
		{"query, missing", query, rawQuery(""), 401},
		{"query, other case", query, rawQuery("Key=k%2B1%26"), 401},
		{"query, broken pair beside it", query, rawQuery("%zz=1&key=k%2B1%26"), 200},
		{"basic", basic, basicAuth("pbx", "p:w"), 200},
		{"basic, rotated", basic, basicAuth("pbx", "q"), 200},
		{"basic, wrong name", basic, basicAuth("px", "q"), 401},
		{"basic, wrong password", basic, basicAuth("pbx", "r"), 401},
		{"basic, empty", basic, basicAuth("", ""), 401},
		{"basic, garbage", basic, header("Authorization", "Basic !!!"), 401},
		{"bearer", bearer, header("Authorization", "Bearer abc"), 200},
		{"bearer, other case and spaces", bearer, header("Authorization", "bearer  def"), 200},
		{"bearer, wrong", bearer, header("Authorization", "Bearer ab"), 401},
		{"bearer, no scheme", bearer, header("Authorization", "abc"), 401},
		{"bearer, under basic", bearer, basicAuth("", "abc"), 401},
		{"bearer, none", bearer, header("X", "y"), 401},
		{"open", Auth{Open: true}, header("X", "y"), 200},
		{"allow alone", Auth{Allow: allow}, from("192.0.2.1:9"), 200},
		{"allow, IPv4 mapped into IPv6", Auth{Allow: allow}, from("[::ffff:192.0.2.1]:9"), 200},
		{"allow, IPv6 with a zone", Auth{Allow: allow}, from("[2001:db8::1%eth0]:9"), 200},
		{"allow, another", Auth{Allow: allow}, from("192.0.2.2:9"), 403},
		{"allow, no address", Auth{Allow: allow}, from("@"), 403},
		{"allow and open", Auth{Open: true, Allow: allow}, from("192.0.2.2:9"), 403},
		{"allow and bearer, good", Auth{Bearer: keys("abc"), Allow: allow}, both(from("192.0.2.1:9"), header("Authorization", "Bearer abc")), 200},
		{"allow and bearer, wrong token", Auth{Bearer: keys("abc"), Allow: allow}, both(from("192.0.2.1:9"), header("Authorization", "Bearer x")), 401},
		{"allow and bearer, wrong address", Auth{Bearer: keys("abc"), Allow: allow}, both(from("192.0.2.2:9"), header("Authorization", "Bearer abc")), 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, SourceConfig{Name: "a", Auth: tt.auth})
			body := &watched{Reader: strings.NewReader(callJSON("1"))}
			r := post("", tt.change)
			r.Body, r.ContentLength = body, -1
			res, answer := f.do(t, r)
			if res.StatusCode != tt.status {
				t.Fatalf("answer %d %s, want %d", res.StatusCode, answer, tt.status)
			}
			if (res.StatusCode == 200) != (f.store.stored() == 1) {
				t.Errorf("%d stored under status %d", f.store.stored(), res.StatusCode)
			}
			if (res.Header.Get("WWW-Authenticate") != "") != (tt.status == 401) {
				t.Errorf("WWW-Authenticate %q under %d", res.Header.Get("WWW-Authenticate"), tt.status)
			}
			if tt.status != 200 && body.read {
				t.Error("a stranger's body was read")
			}
		})
	}
}

// watched notes whether somebody read it.
type watched struct {
	*strings.Reader
	read bool
}

func (w *watched) Read(p []byte) (int, error) {
	w.read = true
	return w.Reader.Read(p)
}

func (*watched) Close() error { return nil }

func rawQuery(q string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = q } }

func basicAuth(name, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, password) }
}

func both(a, b func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) { a(r); b(r) }
}
