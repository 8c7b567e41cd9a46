package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// confirm asks a person before something that cannot be taken back. Where there
// is nobody to ask, demanded says whether --yes must stand there.
func (o *operator) confirm(question string, yes, demanded bool) error {
	asks := isTerminal(o.cmd.InOrStdin())
	switch {
	case yes, !asks && !demanded:
		return nil
	case !asks:
		return &usageError{errors.New("there is no terminal to ask for confirmation: add --yes if it is meant")}
	}
	_, _ = fmt.Fprintf(o.cmd.ErrOrStderr(), "%s [y/N] ", plaintext.Line(question)) // on the terminal that is read from
	answer, err := bufio.NewReader(o.cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

// progress counts on a terminal how far a long work has come.
type progress struct {
	to    io.Writer // nil where nobody watches
	verb  string
	total int
	last  time.Time
}

func (o *operator) progress(verb string, total int) *progress {
	p := &progress{verb: verb, total: total}
	if isTerminal(o.cmd.ErrOrStderr()) {
		p.to = o.cmd.ErrOrStderr()
	}
	p.at(0)
	return p
}

// at shows how many are done, ten times a second at most, and the last one.
func (p *progress) at(done int) {
	if p.to == nil || p.total == 0 || done < p.total && time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last = time.Now()
	const width = 30
	part := min(width, done*width/p.total)
	_, _ = fmt.Fprintf(p.to, "\r%s %d of %d [%s%s]", p.verb, done, p.total, strings.Repeat("#", part), strings.Repeat(".", width-part)) // only a picture
}

// end clears the line.
func (p *progress) end() {
	if p.to != nil && !p.last.IsZero() {
		_, _ = fmt.Fprint(p.to, "\r\x1b[K") // only a picture
	}
}
