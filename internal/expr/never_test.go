package expr

import (
	"strings"
	"testing"
)

// What can never hold is refused in each way to write it.
func TestNeverHolds(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`"missed" in [call.outcome]`:                         `column 1: call.outcome is never "missed"`,
		`call.direction in {"incoming": true}`:               `column 20: call.direction is never "incoming"`,
		`call.direction.startsWith("incoming")`:              `column 27: call.direction.startsWith("incoming") never holds: it is one of inbound,`,
		`call.hangup.by.endsWith("user")`:                    `call.hangup.by.endsWith("user") never holds`,
		`!call.outcome.contains("missed")`:                   `call.outcome.contains("missed") never holds`,
		`weekday(call.started_at, "Asia/Jakarta") == 0`:      `column 45: weekday is never 0: it is 1 to 7, 1 is Monday and 7 is Sunday`,
		`weekday(call.started_at, "Asia/Jakarta") in [0, 6]`: `weekday is never 0`,
		`8 != weekday(call.started_at, "UTC")`:               `column 1: weekday is never 8`,
		`call.started_at.getDayOfWeek("Asia/Jakarta") == 7`:  `getDayOfWeek is never 7: it is 0 to 6, 0 is Sunday`,
		`call.started_at.getMonth() == 12`:                   `getMonth is never 12: it is 0 to 11, 0 is January`,
		`call.started_at.getHours("UTC") in [23, 24]`:        `getHours is never 24`,
		`call.started_at.getDate() == -1`:                    `getDate is never -1`,
		`call.answered == True`:                              `column 18: True is written true`,
		`${call.answered}`:                                   `column 1: the whole of this is an expression: write it without ${ and }`,
		`call.agent.name =~ "^6"`:                            `column 17: =~ is no operator: write call.agent.name.matches("…")`,
		`call.answered &&`:                                   `the expression ends too early`,
	} {
		if _, err := CompileCondition(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", src, err, want)
		}
	}
	for _, src := range []string{
		`call.direction.startsWith("in")`,
		`call.outcome.contains("answer")`,
		`call.direction in {"inbound": true}`,
		`weekday(call.started_at, "Asia/Jakarta") in [6, 7]`,
		`(call.ended_at - call.started_at).getHours() == 30`,
		`call.started_at.getHours("UTC") < 24`,
	} {
		if _, err := CompileCondition(src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestComparisonIsPossible(t *testing.T) {
	t.Parallel()
	known := []string{"dialer", "nxlink"}
	for c, want := range map[Comparison]bool{
		{Text: "dialer"}:                    true,
		{Text: "dial"}:                      false,
		{Text: "dial", By: "startsWith"}:    true,
		{Text: "dialler", By: "contains"}:   false,
		{Text: "link", By: "endsWith"}:      true,
		{Text: "dialer-", By: "startsWith"}: false,
	} {
		if got := c.Possible(known); got != want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
