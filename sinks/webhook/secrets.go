package webhook

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// secrets is all that an answer could repeat and nobody should keep.
func (c Config) secrets() []secret.Value {
	list := append(secretsOfURL(c.Base), c.Request.secrets()...)
	list = slices.AppendSeq(list, maps.Values(c.Held))
	for _, s := range c.Steps {
		list = append(list, s.secrets()...)
	}
	return list
}

func (r Request) secrets() []secret.Value {
	list := append(secretsOfURL(r.URL), r.Headers.secrets()...)
	list = append(list, r.Query.secrets()...)
	list = append(list, r.Body.secrets...)
	list = append(list, r.Auth.secrets()...)
	if r.Sign != nil {
		list = append(list, r.Sign.StandardWebhooks...)
	}
	return list
}

// secretsOfURL is a URL as a whole where it comes from the environment or a file. Of
// one that is written in the configuration, only the user info is secret and what its
// query has under a telling name: the rest is what errors of the endpoint speak of.
func secretsOfURL(v secret.Value) []secret.Value {
	if v.Origin() != (secret.Origin{}) {
		return []secret.Value{v}
	}
	base, given, _ := strings.Cut(v.Reveal(), "?")
	var list []secret.Value
	for pair := range strings.SplitSeq(given, "&") {
		if _, value, _ := strings.Cut(pair, "="); telling(nameOf(pair)) && !strings.Contains(value, "${") {
			list = append(list, secret.New(value))
		}
	}
	_, rest, _ := strings.Cut(base, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, err := url.PathUnescape(authority[:at])
		if err != nil {
			user = authority[:at]
		}
		_, password, _ := strings.Cut(user, ":")
		list = append(list, secret.New(user), secret.New(password))
	}
	return list
}
