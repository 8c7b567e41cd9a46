package tracing

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/secret"
)

func TestValidate(t *testing.T) {
	ratio := func(r float64) *float64 { return &r }
	header := func(name, value string) map[string]secret.Value {
		return map[string]secret.Value{name: secret.New(value)}
	}
	const good = "http://localhost:4318"
	for _, c := range []struct {
		config Config
		want   string // the path of the one problem
	}{
		{Config{}, ""},
		{Config{Endpoint: good}, ""},
		{Config{Endpoint: "https://otlp.example.com/some/path", Headers: header("api_key", "k"), SampleRatio: ratio(0)}, ""},
		{Config{SampleRatio: ratio(1)}, "otlp_endpoint"},
		{Config{Headers: header("a", "b")}, "otlp_endpoint"},
		{Config{Endpoint: "localhost:4318"}, "otlp_endpoint"},
		{Config{Endpoint: "grpc://localhost:4317"}, "otlp_endpoint"},
		{Config{Endpoint: "http://"}, "otlp_endpoint"},
		{Config{Endpoint: "http://user:planted-secret@localhost"}, "otlp_endpoint"},
		{Config{Endpoint: "http://localhost/?key=planted-secret"}, "otlp_endpoint"},
		{Config{Endpoint: "http://planted-secret:x y"}, "otlp_endpoint"},
		{Config{Endpoint: good, Headers: header("a b", "c")}, "headers.a b"},
		{Config{Endpoint: good, Headers: header("content-type", "c")}, "headers.content-type"},
		{Config{Endpoint: good, Headers: header("a", "planted-secret\n")}, "headers.a"},
		{Config{Endpoint: good, SampleRatio: ratio(1.5)}, "sample_ratio"},
		{Config{Endpoint: good, SampleRatio: ratio(-1)}, "sample_ratio"},
		{Config{Endpoint: good, SampleRatio: ratio(math.NaN())}, "sample_ratio"},
	} {
		var paths []string
		c.config.Validate(func(path, problem string) {
			paths = append(paths, path)
			if strings.Contains(problem, "planted-secret") {
				t.Errorf("the problem of %s shows a secret: %s", path, problem)
			}
		})
		if want := slices.DeleteFunc([]string{c.want}, func(s string) bool { return s == "" }); !slices.Equal(paths, want) {
			t.Errorf("%s: problems at %q, want %q", fmt.Sprint(c.config.Endpoint), paths, want)
		}
	}
}

func TestAddress(t *testing.T) {
	for from, want := range map[string]string{
		"http://localhost:4318":          "http://localhost:4318/v1/traces",
		"https://otlp.example.com/":      "https://otlp.example.com/v1/traces",
		"https://otlp.example.com/other": "https://otlp.example.com/other",
	} {
		if got, err := (Config{Endpoint: from}).address(); got != want || err != nil {
			t.Errorf("%s: %s, error %v, want %s", from, got, err, want)
		}
	}
}
