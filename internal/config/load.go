package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/moment"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// maxFile bounds the file: a configuration of a thousand sinks is far smaller.
const maxFile = 8 << 20

// Loaded is a configuration with what was noticed while reading it.
type Loaded struct {
	Config
	// Warnings are what works but is probably not meant.
	Warnings []Problem
	// Hash identifies the content, secrets in files included (Fingerprint).
	Hash Hash
	// SinkMarks has a hash for each sink, by name: it is the same as in another
	// configuration, secrets and files included.
	SinkMarks map[string]Hash
	// Zone is that of Timezone.
	Zone *time.Location
	// Rows are what the files of Tables hold.
	Rows Tables

	// text is the file as read, for Masked.
	text []byte
	// line finds the line of a key.
	line func(path string) int
}

// Examine looks at the place of the spool, as a start would, and changes nothing:
// it adds to the warnings, and returns *Problems where the spool would be refused.
func (l *Loaded) Examine(file string) error {
	problems := &Problems{File: file}
	dbfile.Examine(l.Spool,
		reporter(func(path, text string) { problems.add(l.line(path), path, text) }).under("spool"),
		reporter(func(path, text string) {
			l.Warnings = append(l.Warnings, Problem{Line: l.line(path), Path: path, Text: text})
		}).under("spool"),
	)
	return problems.orNil()
}

// Load reads and checks a file. Its error is *Problems when the content is wrong.
func Load(path string) (*Loaded, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("no configuration at %s: name the file with --config", path)
		}
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("configuration %s is larger than %d bytes", path, maxFile)
	}
	return text, nil
}

// Parse checks the text of a configuration; file is its name in errors.
func Parse(file string, text []byte) (*Loaded, error) {
	return parse(file, text, func(t *tree, c *Config, p *Problems) {
		if t.expanded {
			p.addDecoding(t.root.Decode(c)) // checkWritten reports the unknown keys
			t.hold(c, p)
			return
		}
		decode(t.text, c, p)
	})
}

// parse checks a text whose tree is decoded by a function.
func parse(file string, text []byte, decode func(*tree, *Config, *Problems)) (*Loaded, error) {
	problems := &Problems{File: file}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	t, ok := parseTree(text, problems)
	if !ok {
		return nil, problems.orNil()
	}
	t.check(problems)
	t.expand(problems.unlessSaid(t))
	var c Config
	decode(t, &c, problems)
	problems.unfold(t)
	c = c.withDefaults()
	report := problems.unlessSaid(t)
	t.checkWritten(report)
	problems.addUnknown()
	c.validate(report)
	// A line may hold a second condition that never holds beside one that is wrong.
	t.checkNames(c, func(path, text string) { problems.add(t.line(path), t.written(path), text) })
	rows := c.readTables(report)
	if err := problems.orNil(); err != nil {
		return nil, err
	}
	zone, _ := moment.Zone(c.Timezone) // validate has read it
	l := &Loaded{Config: c, Zone: zone, Hash: fingerprint(text), SinkMarks: t.sinkMarks(), Rows: rows, text: text, line: t.line}
	warn := func(path, text string) {
		l.Warnings = append(l.Warnings, Problem{Line: t.line(path), Path: t.written(path), Text: text})
	}
	c.warn(warn)
	t.warnFormats(c, warn)
	return l, nil
}

// parseTree returns the nodes of the one document there must be.
func parseTree(text []byte, p *Problems) (*tree, bool) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		p.add(0, "", "the configuration is empty: see config.example.yaml")
		return nil, false
	case err != nil:
		p.addSyntax(text, err)
		return nil, false
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		p.add(second.Line, "", "a second YAML document begins here: keep one, without ---")
	} else if !errors.Is(err, io.EOF) {
		p.addSyntax(text, err)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		p.add(root.Line, "", "the configuration is a mapping of keys: see config.example.yaml")
		return nil, false
	}
	return newTree(text, root), true
}

// decode fills the structs; yaml.v3 collects all errors of all types.
func decode(text []byte, c *Config, p *Problems) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	p.addDecoding(dec.Decode(c))
}

// addDecoding notes what yaml.v3 says of a decoding.
func (p *Problems) addDecoding(err error) {
	var typed *yaml.TypeError
	switch {
	case errors.As(err, &typed):
		for _, text := range typed.Errors {
			p.addYAML(text)
		}
	case err != nil:
		p.addYAML(err.Error())
	}
}
