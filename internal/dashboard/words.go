package dashboard

import (
	"fmt"
	"net/url"
	"strconv"
)

// spoken writes a name of the record as words.
func spoken(code string) string {
	b := []byte(code)
	for i := range b {
		if b[i] == '_' {
			b[i] = ' '
		}
	}
	return string(b)
}

// said says what the change did that led to this page. Only our own sentences
// and a number come out of the address.
func said(q url.Values) string {
	n, err := strconv.Atoi(q.Get("n"))
	if err != nil || n < 0 {
		n = 0
	}
	letters := fmt.Sprintf("%d dead letters", n)
	if n == 1 {
		letters = "1 dead letter"
	}
	switch q.Get("said") {
	case "replayed":
		return letters + " put back into the lane; see below whether they are delivered or come back."
	case "kept":
		return letters + " stayed: still not understood, or the sink is not configured. Open one to see what to do."
	case "more":
		return letters + " done. There are more that match: do it again."
	case "taken":
		return "The callback was understood and taken as it was received then: its call is the first below."
	case "purged":
		return letters + " erased."
	case "nothing":
		return "Nothing was selected, so nothing was done."
	case "resent":
		return "The call is owed to its sinks once more."
	case "sent":
		return fmt.Sprintf("%d sent again. What waited already was passed over.", n)
	case "waits":
		return "The call waits for these sinks already, so nothing was changed."
	case "paused":
		return "The sink is paused until you resume it. What comes in for it waits."
	case "resumed":
		return "The sink is resumed."
	case "reloaded":
		return "The configuration was read again and is in use."
	default:
		return ""
	}
}
