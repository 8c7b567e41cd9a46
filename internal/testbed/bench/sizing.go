package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

const (
	// headroom is what an operator should have beyond what was measured.
	headroom = 1.5
	// history is the default of spool.retention.
	history = 7 * 24 * time.Hour
	// outage is how long a sink is down in the table.
	outage = 24 * time.Hour
)

// sizing computes what an operator should provide from what was measured.
func sizing(r report) (string, error) {
	values := map[string]float64{}
	for _, s := range r.Sections {
		for _, f := range s.Figures {
			values[f.Key] = f.Value
		}
	}
	var missing []string
	value := func(key string) float64 {
		v, ok := values[key]
		if !ok {
			missing = append(missing, key)
		}
		return v
	}
	// A lone callback has a commit of its own, which costs more than a share in
	// a group.
	alone := max(0, value("intake.1.cpu")-value("intake.64.cpu")) / 1e4
	cpu := func(calls float64, sinks int) string {
		each := value(fmt.Sprintf("e2e.%d.cpu", sinks))/1e4*float64(sinks) + alone
		return fmt.Sprintf("%dm", int(math.Ceil(max(20, calls*each*headroom*1000)/10-1e-9))*10)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "At most %s calls a second to one sink and %s to three, on this machine, generator and sink included.\n\n",
		number(value("e2e.1.rate")), number(value("e2e.3.rate")/3))
	fmt.Fprintf(&b, "Memory: request %s, limit %s (idle and greatest measured, half as much again).\n\n",
		mebibytes(value("memory.idle")), mebibytes(max(value("memory.load"), value("memory.backlog"))))
	fmt.Fprintf(&b, "Disk for a million calls: %s while they wait, %s as history.\n\n",
		gigabytes(value("disk.waiting")*1e6), gigabytes(value("disk.history")*1e6))
	b.WriteString("| calls per second | calls per day | CPU request, one sink | CPU request, three sinks | disk for 7 days of history | disk without history, a sink down for a day |\n")
	b.WriteString("| ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, calls := range []float64{1, 10, 100, 500} {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", grouped(int64(calls)), grouped(int64(calls)*86400), cpu(calls, 1), cpu(calls, 3),
			gigabytes(calls*history.Seconds()*value("disk.history")*headroom), gigabytes(calls*outage.Seconds()*value("disk.waiting")*headroom))
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("was not measured: %s", strings.Join(missing, ", "))
	}
	return b.String(), nil
}

// mebibytes gives megabytes with headroom, as Kubernetes writes them.
func mebibytes(mb float64) string {
	const step = 16
	return fmt.Sprintf("%dMi", int(math.Ceil(mb*1e6/(1<<20)*headroom/step))*step)
}

func gigabytes(bytes float64) string { return number(bytes/1e9) + " GB" }
