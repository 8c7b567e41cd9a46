package adminclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plainjson"
)

const (
	// DefaultURL is where the private listener is unless configured.
	DefaultURL = "http://127.0.0.1:8081"
	// maxAnswer bounds an answer; a page of calls has some 8 MB of records.
	maxAnswer = 256 << 20
	// patience is the wait for the answer to a reading request.
	patience = time.Minute
)

// Client talks to one server.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// New returns a client for the private listener at an address; the token may be
// empty.
func New(address, token string) (*Client, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of a private listener: write a URL such as %s", address, DefaultURL)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	base.RawQuery, base.Fragment = "", ""
	return &Client{base: base, token: token, http: &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			IdleConnTimeout:     30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get reads a path, with a query, into a value.
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %v", patience))
	defer cancel()
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, into)
}

// Post sends a change, nil for one without a body, and reads the answer into a
// value. It waits as long as the context lets it: changes may take their time.
func (c *Client) Post(ctx context.Context, path string, body, into any) error {
	if body == nil {
		return c.do(ctx, http.MethodPost, path, nil, into)
	}
	text, err := plainjson.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	return c.do(ctx, http.MethodPost, path, text, into)
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.away(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // read or given up
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return c.away(ctx, err)
	case len(text) > maxAnswer:
		return fmt.Errorf("the answer of %s is larger than %d bytes: ask for less with --limit", c.base.Redacted(), maxAnswer)
	}
	if res.StatusCode == http.StatusNotFound && !c.private(ctx) {
		return c.stranger(res) // the public listener words its errors as the private one does
	}
	return c.read(res, text, into)
}

// private reports whether a private listener answers: only it has a path for its
// health.
func (c *Client) private(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+"/healthz", nil)
	if err != nil {
		return false
	}
	res, err := c.http.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// stranger says that something else answers.
func (c *Client) stranger(res *http.Response) error {
	return fmt.Errorf("what answers at %s is no private listener of cdrelay (%s): name it with --admin; it is admin.listen of the configuration, not listen", c.base.Redacted(), res.Status)
}

// away says that the server could not be asked.
func (c *Client) away(ctx context.Context, err error) error {
	if wrong, ok := errors.AsType[*url.Error](err); ok {
		err = wrong.Err // without the URL, which the sentence has
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("no cdrelay answers at %s: %w; start it with cdrelay serve, or name its private listener (admin.listen) with --admin", c.base.Redacted(), err)
}

// read takes an answer apart.
func (c *Client) read(res *http.Response, text []byte, into any) error {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")) // none is none of ours
	switch {
	case res.StatusCode == http.StatusUnauthorized && c.token == "":
		return fmt.Errorf("%s wants a token: put admin.token of its configuration into CDRELAY_ADMIN_TOKEN", c.base.Redacted())
	case res.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s does not take the token in CDRELAY_ADMIN_TOKEN: it must be admin.token of its configuration", c.base.Redacted())
	case kind == "application/problem+json":
		p := &Problem{Status: res.StatusCode}
		if json.Unmarshal(text, p) != nil || p.Detail == "" {
			p.Detail = res.Status
		}
		return p
	case res.StatusCode != http.StatusOK || kind != "application/json":
		return c.stranger(res)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the answer of %s is not understood; is it another version of cdrelay? %w", c.base.Redacted(), err)
	}
	return nil
}

// Problem is a refusal of the server.
type Problem struct {
	Status int    `json:"-"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return p.Detail }

// List follows the pages of a listing and hands over each item, until there is
// no more or limit items were; 0 is no limit.
func (c *Client) List(ctx context.Context, path string, query url.Values, limit int, each func(item json.RawMessage) error) error {
	const pageMax = 500
	q := url.Values{}
	maps.Copy(q, query)
	for n := 0; ; {
		size := pageMax
		if limit > 0 {
			size = min(size, limit-n)
		}
		q.Set("limit", fmt.Sprint(size))
		var page operate.Page[json.RawMessage]
		if err := c.Get(ctx, path, q, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := each(item); err != nil {
				return err
			}
			n++
		}
		if page.NextCursor == "" || limit > 0 && n >= limit {
			return nil
		}
		q.Set("cursor", page.NextCursor)
	}
}
