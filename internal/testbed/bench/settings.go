package main

import (
	"flag"
	"fmt"
	"time"
)

// settings are the flags of a run.
type settings struct {
	out     string
	rounds  int
	seconds time.Duration // of posting in one round
	backlog int
	drain   time.Duration
	stored  int
	calm    time.Duration // before the memory of an idle server is read
}

// parse reads the flags of a command.
func parse(command string, args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench "+command, flag.ContinueOnError)
	flags.StringVar(&s.out, "out", "bin/bench", "folder of the figures, on the disk that is measured")
	flags.IntVar(&s.rounds, "rounds", 3, "rounds of each comparison")
	flags.DurationVar(&s.seconds, "for", 2*time.Second, "posting in one round")
	flags.IntVar(&s.backlog, "backlog", 1_000_000, "deliveries that wait for the dead sink")
	flags.DurationVar(&s.drain, "drain", 15*time.Second, "how long the draining of the backlog is watched")
	flags.IntVar(&s.stored, "stored", 1_000_000, "the most stored calls, for growth")
	flags.DurationVar(&s.calm, "calm", 3*time.Second, "rest before the memory of a server without load is read")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("bench %s takes flags only, not %q", command, flags.Args())
	}
	if s.rounds < 1 || s.seconds <= 0 || s.backlog < 1 || s.stored < 0 || s.drain <= 0 {
		return s, fmt.Errorf("bench %s: rounds, for, backlog and drain must be positive", command)
	}
	return s, nil
}
