package outbound

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// raw serves each connection with the function after the request's headers.
func raw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String()
}

func say(t *testing.T, text string) func(net.Conn) {
	t.Helper()
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

// drip writes the beginning and then a byte at a time until nobody listens.
func drip(begin string) func(net.Conn) {
	return func(c net.Conn) {
		_, err := io.WriteString(c, begin)
		for ; err == nil; _, err = io.WriteString(c, "x") {
			<-time.After(10 * time.Millisecond) // a real wire, so real time
		}
	}
}

func TestSinksThatMisbehaveOnTheWire(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		serve  func(net.Conn)
		want   Meaning
		status int
	}{
		"says nothing":             {drip(""), Timeout, 0},
		"drips headers":            {drip(ok + "X-Slow: "), Timeout, 0},
		"drips a body":             {drip(ok + "Content-Length: 60000\r\n\r\n"), Timeout, 200},
		"hangs up":                 {func(net.Conn) {}, Connect, 0},
		"resets":                   {reset, Connect, 0},
		"ends inside the body":     {say(t, ok+"Content-Length: 100\r\n\r\nhalf"), Connect, 200},
		"breaks its chunks":        {say(t, ok+"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), Connect, 200},
		"speaks no HTTP":           {say(t, "SSH-2.0-OpenSSH_9.9\r\n"), Connect, 0},
		"sends huge headers":       {say(t, ok+"X-Huge: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n"), Connect, 0},
		"switches protocols":       {drip("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), Unwell, 101},
		"redirects to nonsense":    {say(t, "HTTP/1.1 302 Found\r\nLocation: ://%zz\r\nContent-Length: 0\r\n\r\n"), Rejected, 302},
		"answers without a length": {say(t, ok+"Connection: close\r\n\r\nfine"), Delivered, 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := quick(0)
			if c.want == Timeout {
				s.Timeout = 150 * time.Millisecond
			}
			begun := time.Now()
			o := newClient(t, Transport{}, s).Do(t.Context(), post(raw(t, c.serve)+"/SECRETPATH"))
			isMeaning(t, o, c.want, c.want.String())
			if o.Tries[0].Status != c.status || strings.Contains(o.Detail, "SECRETPATH") {
				t.Errorf("%+v", o.Tries[0])
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// TestAGigabyteIsNotRead: the sink's generosity costs 64 KiB and some draining.
func TestAGigabyteIsNotRead(t *testing.T) {
	for name, headers := range map[string]string{
		"with its length": "Content-Length: 1073741824\r\n", "without": "Connection: close\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			written := make(chan int, 1)
			url := raw(t, func(c net.Conn) {
				_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n"+headers+"\r\n")
				block, total := make([]byte, 64<<10), 0
				for err == nil && total < 1<<30 {
					var n int
					n, err = c.Write(block)
					total += n
				}
				written <- total
			})
			var body int
			r := post(url)
			r.Read = func(a Answer) Verdict { body = len(a.Body); return Standard(a) }
			o := newClient(t, Transport{}, quick(0)).Do(t.Context(), r)
			isMeaning(t, o, Delivered, "delivered")
			if total := <-written; body != maxBody || total > 64<<20 || len(o.Detail) > maxDetail {
				t.Errorf("kept %d, the sink wrote %d, detail %d", body, total, len(o.Detail))
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		followed := false
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			followed = followed || r.URL.Path == "/elsewhere"
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		o := newClient(t, Transport{}, quick(2)).Do(t.Context(), post(server.URL))
		isMeaning(t, o, Rejected, "rejected")
		client, err := Transport{}.HTTPClient(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Get(server.URL)
		if err != nil || resp.StatusCode != status || followed {
			t.Errorf("%d: %v, followed %v", status, err, followed)
		}
		_ = resp.Body.Close()
		client.CloseIdleConnections()
		server.Close()
	}
}

// echo shows what arrived.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s host=%s agent=%s auth=%s accept=%s body=%s", r.Method, r.URL, r.Host,
			r.UserAgent(), r.Header.Get("Authorization"), r.Header.Get("Accept-Encoding"), body)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestWhatArrives(t *testing.T) {
	server := echo(t)
	host := strings.TrimPrefix(server.URL, "http://")
	for name, c := range map[string]struct {
		agent  string
		change func(*Request)
		want   string
	}{
		"plain":    {"cdrelay/1.2.3", func(*Request) {}, "POST /in?a=b host=" + host + ` agent=cdrelay/1.2.3 auth= accept= body={"id":"1"}`},
		"no agent": {"", func(r *Request) { r.Body = nil }, "POST /in?a=b host=" + host + " agent=cdrelay auth= accept= body="},
		"own agent and host": {
			"cdrelay/1", func(r *Request) { r.Header = http.Header{"User-Agent": {"acme"}, "Host": {"crm.test"}} },
			`POST /in?a=b host=crm.test agent=acme auth= accept= body={"id":"1"}`,
		},
		"no header at all": {"x", func(r *Request) { r.Header = nil; r.Method = "PUT" }, "PUT /in?a=b host=" + host + ` agent=x auth= accept= body={"id":"1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := post(server.URL + "/in?a=b")
			c.change(r)
			o := newClient(t, Transport{UserAgent: c.agent}, Settings{}).Do(t.Context(), r)
			if o.Detail != "200 OK: "+c.want {
				t.Errorf("got  %q\nwant %q", o.Detail, c.want)
			}
		})
	}
}

// TestCredentialsOfTheURL go with every try, unless the request has others.
func TestCredentialsOfTheURL(t *testing.T) {
	const url = "https://user:p4ssword@crm.example.com/hooks"
	for own, want := range map[string]string{"": "Basic dXNlcjpwNHNzd29yZA==", "Bearer abc": "Bearer abc"} {
		s := answers(401, 200)
		r := post(url)
		if own != "" {
			r.Header.Set("Authorization", own)
		}
		r.Renew = func(Answer) bool { return true }
		o := newClient(t, Transport{Wire: s}, Settings{}).Do(t.Context(), r)
		isMeaning(t, o, Delivered, "credentials delivered")
		for i, seen := range s.seen {
			if got := seen.Header.Values("Authorization"); len(got) != 1 || got[0] != want {
				t.Errorf("try %d: Authorization %q, want %q", i+1, got, want)
			}
		}
		if r.Header.Get("Authorization") != own {
			t.Error("the request was changed")
		}
	}
}

// TestEveryConnectionIsKept: however many deliveries are on their way at once,
// the next ones open no connection anew.
func TestEveryConnectionIsKept(t *testing.T) {
	const together = 200
	var opened atomic.Int64
	arrived := make(chan chan struct{}, together)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		answer := make(chan struct{})
		arrived <- answer
		<-answer
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := newClient(t, Transport{}, Settings{})
	for range 2 {
		var all sync.WaitGroup
		for range together {
			all.Go(func() { isMeaning(t, c.Do(t.Context(), post(server.URL)), Delivered, "delivered") })
		}
		var waiting []chan struct{}
		for range together {
			waiting = append(waiting, <-arrived)
		}
		for _, answer := range waiting {
			close(answer)
		}
		all.Wait()
	}
	// net/http drops a connection whose writing goroutine is much later than the answer.
	const spare = together / 8
	if n := opened.Load(); n > together+spare {
		t.Errorf("%d connections for %d deliveries at once", n, together)
	}
}

// TestNothingSecretComesBack: a sink echoes all that it got.
func TestNothingSecretComesBack(t *testing.T) {
	server := echo(t)
	url := strings.Replace(server.URL, "http://", "http://user:p4ssword@", 1) + "/hooks/t0ken?key=k3y"
	c := newClient(t, Transport{Secrets: []secret.Value{secret.New(url)}}, Settings{})
	o := c.Do(t.Context(), post(url))
	isMeaning(t, o, Delivered, "delivered")
	if !strings.Contains(o.Detail, "body=") || strings.ContainsAny(o.Detail, "\n") {
		t.Error(o.Detail)
	}
	for _, s := range []string{"t0ken", "k3y", "p4ssword"} {
		if strings.Contains(fmt.Sprint(o), s) {
			t.Errorf("%s is in %+v", s, o)
		}
	}
	r := post(server.URL)
	r.Header.Set("Authorization", "Bearer fetched-t0ken-of-this-hour")
	o = c.Do(t.Context(), r)
	if strings.Contains(fmt.Sprint(o), "t0ken") || !strings.Contains(o.Detail, "auth=Bearer "+mask) {
		t.Errorf("a fetched token: %+v", o)
	}
}

func TestNewNamesTheSinkInErrors(t *testing.T) {
	_, err := New("crm", Transport{TLS: TLSFiles{Key: "k"}}, Settings{Timeout: -1})
	if err == nil || !strings.HasPrefix(err.Error(), "sink crm: timeout: -1ns is out of range") || !strings.Contains(err.Error(), "\ntls: cert and key belong together") {
		t.Error(err)
	}
}

func TestHTTPClient(t *testing.T) {
	server := echo(t)
	client, err := Transport{UserAgent: "cdrelay/9"}.HTTPClient(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if !strings.Contains(string(body), "agent=cdrelay/9") {
		t.Errorf("%s", body)
	}
	slow, _ := Transport{}.HTTPClient(50 * time.Millisecond)
	resp, err = slow.Get(raw(t, drip("")))
	if err == nil {
		_ = resp.Body.Close()
		t.Error("no timeout")
	}
	if _, err := (Transport{TLS: TLSFiles{CA: "missing.pem"}}).HTTPClient(time.Second); err == nil {
		t.Error("a CA that is not there")
	}
}

func TestHTTP2IsSpokenOverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strconv.Itoa(r.ProtoMajor))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	c := newClient(t, Transport{TLS: TLSFiles{CA: caOf(t, server)}}, quick(0))
	if o := c.Do(t.Context(), post(server.URL)); o.Detail != "200 OK: 2" {
		t.Error(o)
	}
}
