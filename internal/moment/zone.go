package moment

import (
	"fmt"
	"time"
)

// Zone returns the zone of an IANA name. The machine's own is refused: the same
// configuration would mean something else on another machine.
func Zone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fmt.Errorf("%q is the machine's own zone: write an IANA name like Asia/Jakarta", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return nil, fmt.Errorf("unknown time zone %q: write an IANA name like Asia/Jakarta", name)
	}
	return zone, nil
}
