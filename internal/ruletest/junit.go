package ruletest

import (
	"encoding/xml"
	"io"
	"strconv"
	"time"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure,omitempty"`
	Error   *junitProblem `xml:"error,omitempty"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes results as the XML that CI systems read. A file whose cases could
// not be run is a suite with one case that has an error.
func JUnit(w io.Writer, results []Result) error {
	var all junitSuites
	for _, r := range results {
		s := r.junit()
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r Result) junit() junitSuite {
	s := junitSuite{Name: r.File, Tests: len(r.Cases), Failures: r.failures(), Time: seconds(r.Took)}
	for _, c := range r.Cases {
		one := junitCase{Name: c.Name, Class: r.File, Time: seconds(c.Took)}
		if len(c.Differences) > 0 {
			one.Failure = &junitProblem{Message: count(len(c.Differences), "difference"), Text: c.text()}
		}
		s.Cases = append(s.Cases, one)
	}
	if r.Err != nil {
		s.Tests, s.Errors = 1, 1
		s.Cases = []junitCase{{
			Name: "load", Class: r.File, Time: s.Time,
			Error: &junitProblem{Message: "the cases were not run", Text: r.Err.Error()},
		}}
	}
	return s
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
