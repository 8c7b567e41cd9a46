package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestHolds(t *testing.T) {
	for _, c := range []struct {
		src        string
		full, bare bool
		absent     bool // the bare record lacks a value
	}{
		{src: `true`, full: true, bare: true},
		{src: `call.direction == "inbound"`, full: true},
		{src: `call.revision == 1 && call.direction == "inbound" && call.answered`, full: true},
		{src: `!call.answered`, bare: true},
		{src: `call.customer.number == ""`, bare: true},
		{src: `call.customer.number.startsWith("+62")`, full: true},
		{src: `has(call.customer)`, full: true},
		{src: `has(call.customer.number)`, full: true},
		{src: `has(call.customer.sip)`},
		{src: `has(call.from)`, full: true},
		{src: `has(call.queue)`},
		{src: `has(call.from.number)`, full: true},
		{src: `has(call.answered) && has(call.revision)`, full: true, bare: true},
		{src: `has(call.talk_seconds)`, full: true},
		{src: `call.talk_seconds == 0`, full: true, absent: true},
		{src: `call.talk_seconds < 5`, full: true, absent: true},
		{src: `!(call.talk_seconds < 5)`, absent: true},
		{src: `call.talk_seconds < 5 || true`, full: true, bare: true},
		{src: `true || call.talk_seconds < 5`, full: true, bare: true},
		{src: `call.talk_seconds < 5 && false`},
		{src: `has(call.talk_seconds) ? call.talk_seconds < 5 : true`, full: true, bare: true},
		{src: `call.hangup.q850 == 16`, full: true, absent: true},
		{src: `has(call.hangup.q850)`, full: true},
		{src: `call.queue.seconds > 3 || call.answered`, full: true, absent: true},
		{src: `has(call.started_at)`, full: true},
		{src: `has(call.ringing_at)`},
		{src: `call.started_at < timestamp("2030-01-01T00:00:00Z")`, full: true, absent: true},
		{src: `call.started_at.getHours("Asia/Jakarta") == 17`, full: true, absent: true},
		{src: `call.ended_at - call.started_at == duration("90s")`, full: true, absent: true},
		{src: `size(call.warnings) == 0`, bare: true},
		{src: `has(call.warnings)`, full: true},
		{src: `call.warnings.exists(w, w.contains("odd"))`, full: true},
		{src: `call.warnings[0] == "odd"`, full: true, absent: true},
		{src: `call.warnings == ["odd", "strange"]`, full: true},
		{src: `call.outcome in ["answered", "voicemail"]`, full: true},
		{src: `call.from == call.customer`, full: true, bare: true},
		{src: `call.from == call.to`, bare: true},
		{src: `[call.from, call.to].exists(p, p.extension == "8001")`, full: true},
		{src: `[call.from, call.raw].exists(p, has(p.number) && p.number != "")`, full: true},
		{src: `call == call`, full: true, bare: true},
		{src: `call.from.number.matches("^\\+62[0-9]+$")`, full: true},
		{src: `call.account.upperAscii() == "ACME"`, full: true},
		{src: `has(call.raw)`, full: true},
		{src: `has(call.raw.n)`, full: true},
		{src: `has(call.raw.o.z)`, full: true, absent: true},
		{src: `"n" in call.raw`, full: true},
		{src: `call.raw.n == 5`, full: true, absent: true},
		{src: `call.raw.n > 4.5 && call.raw.fee == 12.5`, full: true, absent: true},
		{src: `call.raw.neg == -3 && call.raw.exp == 1000`, full: true, absent: true},
		{src: `call.raw.id == 9007199254740993`, full: true, absent: true},
		{src: `call.raw.big > 1.0e19`, full: true, absent: true},
		{src: `call.raw.flag`, full: true, absent: true},
		{src: `call.raw.none == null`, full: true, absent: true},
		{src: `call.raw.s == "tëxt"`, full: true, absent: true},
		{src: `call.raw.o.a[2].k == "v"`, full: true, absent: true},
		{src: `call.raw["odd key"] == 1`, full: true, absent: true},
		{src: `call.raw.l.all(x, x in ["a", "b"])`, full: true, absent: true},
		{src: `call.raw.o == {"z": 1, "a": [1, 2, {"k": "v"}], "big": call.raw.big}`, full: true, absent: true},
		{src: `call.raw.exists(k, k == "fee")`, full: true},
		{src: `call.raw == call.raw`, full: true, bare: true},
		{src: `mmss(call.talk_seconds) == "00:00"`, full: true, absent: true},
	} {
		t.Run(c.src, func(t *testing.T) {
			compiled, err := CompileCondition(c.src)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := compiled.Holds(NewView(full(), nil)); got != c.full || err != nil {
				t.Errorf("full record: %v, %v, want %v", got, err, c.full)
			}
			got, err := compiled.Holds(NewView(bare(), nil))
			if got != c.bare || (err != nil) != c.absent {
				t.Errorf("bare record: %v, %v, want %v", got, err, c.bare)
			}
			if c.absent && !noValue(err) {
				t.Errorf("error %v does not say that a value is absent", err)
			}
			if compiled.Source() != c.src || compiled.IsZero() {
				t.Error("the source is lost")
			}
		})
	}
}

func TestZeroConditionHolds(t *testing.T) {
	var c Condition
	if ok, err := c.Holds(NewView(bare(), nil)); !ok || err != nil || !c.IsZero() {
		t.Errorf("%v, %v", ok, err)
	}
	if ok, err := c.Holds(NewView(bare(), nil)); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestHoldsFails(t *testing.T) {
	for src, want := range map[string]string{
		`call.raw.n`:                             "neither true nor false",
		`call.raw.s > 3`:                         "no such overload",
		`1 / (call.revision - 1) == 1`:           "division by zero",
		`int(call.id) == 1`:                      "type conversion error",
		`call.talk_seconds % call.raw.none == 1`: "no such overload",
	} {
		c, err := CompileCondition(src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		ok, err := c.Holds(NewView(full(), nil))
		if ok || err == nil || !strings.Contains(err.Error(), want) || noValue(err) {
			t.Errorf("%s: %v, %v, want %q", src, ok, err, want)
		}
	}
}

func TestAbsentValueIsNamed(t *testing.T) {
	c, err := CompileCondition(`call.queue.seconds > 3`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Holds(NewView(bare(), nil))
	var absent *absentError
	if !errors.As(err, &absent) || err.Error() != "call.queue.seconds has no value" {
		t.Errorf("error %v", err)
	}
}

func TestCompileErrors(t *testing.T) {
	for src, want := range map[string]string{
		`call.custmer.number == ""`:        `column 5: call has no field "custmer": did you mean "customer"?`,
		`call.talkSeconds > 1`:             `column 5: call has no field "talkSeconds": did you mean "talk_seconds"?`,
		`call.customer.nummer == ""`:       `column 14: call.customer has no field "nummer": did you mean "number"?`,
		`call.agent.phone == ""`:           `column 11: call.agent has no field "phone": it has id, name, extension, email`,
		`has(call.hangup.who)`:             `call.hangup has no field "who": it has by, code, reason, q850`,
		`[call.from].exists(p, p.foo=="")`: `there is no field "foo"`,
		`cal.id == ""`:                     `undeclared reference to 'cal'`,
		`call.talk_seconds`:                `the condition is of type int: it must be true or false`,
		`call.id == 5`:                     `== cannot be applied to (string, int)`,
		`call.id.startswith("x")`:          `undeclared reference to 'startswith'`,
		``:                                 `the expression is empty`,
		"  \n ":                            `the expression is empty`,
		`call.id == `:                      `ends too early`,
		"call.id == \"\" &&\n  call.nix":   `line 2, column 7: call has no field "nix"`,
		`call.id.matches("(")`:             `invalid matches argument`,
		`formatTime(call.started_at, "2006", "Asia/Jakata") == ""`:   `column 37: unknown time zone "Asia/Jakata"`,
		`formatTime(call.started_at, "2006", "") == ""`:              `a time zone must be named`,
		`formatTime(call.started_at, "YYYY-MM-DD", "UTC") == ""`:     `holds no part of a time`,
		`formatTime(call.started_at, "2006") == ""`:                  `formatTime cannot be applied to`,
		strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200): `recursion`,
		`true` + strings.Repeat(" ", maxSource):                      `longer than 8192 bytes`,
	} {
		_, err := CompileCondition(src)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s:\n got %v\nwant %s", src, err, want)
		} else if strings.Contains(err.Error(), "expecting {") {
			t.Errorf("%.60s: %v lists CEL's tokens", src, err)
		}
	}
}

func TestAllCompileErrorsAreTold(t *testing.T) {
	_, err := CompileCondition(`call.one == "" && call.two == ""`)
	if err == nil || !strings.Contains(err.Error(), `"one"`) || !strings.Contains(err.Error(), `"two"`) {
		t.Errorf("error %v", err)
	}
}

// TestCostIsBounded ends expressions that would run for ever, or fill memory.
func TestCostIsBounded(t *testing.T) {
	list := "[" + strings.Repeat("1,", 199) + "1]"
	grow := `call.id`
	for range 12 {
		grow += `.replace(":", "::::::::::").replace("d", "dddddddddd:")`
	}
	for src, want := range map[string]error{
		list + `.all(a, ` + list + `.all(b, ` + list + `.all(c, a == b && b == c)))`: ErrCost,
		grow + ` == ""`: errLongText,
	} {
		c, err := CompileCondition(src)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		ok, err := c.Holds(NewView(full(), nil))
		if ok || !errors.Is(err, want) {
			t.Errorf("%.50s: %v, %v", src, ok, err)
		}
		if d := time.Since(begun); d > tooLong {
			t.Errorf("took %v", d)
		}
	}
}

func TestBadRaw(t *testing.T) {
	c, err := CompileCondition(`call.raw.a == 1`)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{`[1]`, `"x"`, `{`, `{"a":}`, `7`, strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100)} {
		r := bare()
		r.Raw = json.RawMessage(raw)
		if ok, err := c.Holds(NewView(r, nil)); ok || err == nil {
			t.Errorf("raw %.20s: %v, %v", raw, ok, err)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	c, err := CompileCondition(`call.raw.o.a[2].k == "v" && call.talk_seconds == 0 && call.warnings.exists(w, w == "odd")`)
	if err != nil {
		t.Fatal(err)
	}
	missing, err := CompileCondition(`call.ring_seconds == 0`)
	if err != nil {
		t.Fatal(err)
	}
	text, err := ParseText("${call.raw.big} ${formatTime(call.started_at, '15:04', 'Asia/Jakarta')} ${toJSON(call.raw.o)}")
	if err != nil {
		t.Fatal(err)
	}
	r := full()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if ok, err := c.Holds(NewView(r, nil)); !ok || err != nil {
					t.Error(ok, err)
				}
				if ok, err := missing.Holds(NewView(r, nil)); ok || err == nil {
					t.Error(ok, err)
				}
				if _, err := text.String(NewView(r, nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestViewDecodesRawOnce(t *testing.T) {
	v := NewView(full(), nil)
	for i := range 3 {
		c, err := CompileCondition(fmt.Sprintf(`call.raw.o.a.size() == 3 && call.raw.n == 5 && %d < 3`, i))
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := c.Holds(v); !ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
	}
	v.view.record.Raw = json.RawMessage(`{}`) // what was decoded stays
	c, err := CompileCondition(`call.raw.o.z == 1`)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := c.Holds(v); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func BenchmarkHolds(b *testing.B) {
	for name, src := range map[string]string{
		"simple":  `call.revision == 1 && call.direction == "inbound" && call.answered`,
		"metered": `call.warnings.exists(w, w == "strange")`,
		"raw":     `call.raw.n == 5`,
	} {
		b.Run(name, func(b *testing.B) {
			c, err := CompileCondition(src)
			if err != nil {
				b.Fatal(err)
			}
			r := full()
			b.ReportAllocs()
			for b.Loop() {
				if ok, _ := c.Holds(NewView(r, nil)); !ok {
					b.Fatal("does not hold")
				}
			}
		})
	}
}
