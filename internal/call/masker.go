package call

import (
	"cmp"
	"slices"
	"strings"
)

// Masker hides telephone numbers in what is shown of one call. What it hides depends
// on what a text is:
//
//   - a field that is a number or an address is hidden as a whole (Mask, Record);
//   - in a body (Body) the members that are named as numbers are hidden, those that
//     are named as times, ids and the like are not;
//   - in free text (Text) the numbers of the call are hidden in any spelling, and what
//     is written as a number: with a plus sign or a leading zero.
//
// Digits are never hidden for being many: times, ids, accounts and amounts stay. Only
// the zero Masker, for texts of a call that is not known, also hides bare digits that
// could be a number and nothing else that it knows.
type Masker struct {
	// known is set where the numbers of the call are known.
	known bool
	// numbers are the digits of the call's numbers with and without the country code,
	// the longest first.
	numbers []string
	// addresses are the call's addresses of SIP, which no rule of digits finds.
	addresses []string
}

// Masker returns the Masker of a call. Of a nil record, which is a damaged one, it is
// the zero Masker.
func (r *Record) Masker() Masker {
	if r == nil {
		return Masker{}
	}
	m := Masker{known: true}
	for _, p := range []*Party{&r.From, &r.To, r.Customer} {
		if p != nil {
			m.learn(p.Raw)
			m.learn(p.Number)
			m.learn(p.SIP)
		}
	}
	longestFirst := func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }
	slices.SortFunc(m.numbers, longestFirst)
	slices.SortFunc(m.addresses, longestFirst)
	m.numbers, m.addresses = slices.Compact(m.numbers), slices.Compact(m.addresses)
	return m
}

// learn adds a number, and the same without its country code.
func (m *Masker) learn(text string) {
	if user, _, ok := strings.Cut(text, "@"); ok {
		m.addresses = append(m.addresses, text)
		text = user
	}
	all := digitsOf(text)
	digits := strings.TrimLeft(all, "0")
	international := strings.ContainsAny(text, "+＋") || strings.HasPrefix(all, "00")
	for _, form := range []string{digits, digits[countryCode(digits):]} {
		if len(form) >= minDigits && (international || form == digits) {
			m.numbers = append(m.numbers, form)
		}
	}
}

// countryCode returns how long the country code is that digits begin with: one digit
// for 1 and 7, two for those that ITU-T E.164 lists, else three.
func countryCode(digits string) int {
	const two = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "
	switch {
	case len(digits) < 3:
		return 0
	case digits[0] == '1' || digits[0] == '7':
		return 1
	case strings.Contains(two, " "+digits[:2]+" "):
		return 2
	default:
		return 3
	}
}

// Record returns a copy of a record for people, with the numbers hidden in each of
// its fields.
func (m Masker) Record(r *Record) *Record {
	out := *r
	out.From, out.To = r.From.Masked(), r.To.Masked()
	if r.Customer != nil {
		masked := r.Customer.Masked()
		out.Customer = &masked
	}
	for _, text := range []*string{
		&out.Agent.Name, &out.Hangup.Reason, &out.Recording.URL, &out.Recording.File, &out.VoicemailURL,
		&out.KeysPressed, &out.Task.Intent, &out.References.Custom,
	} {
		*text = m.Text(*text)
	}
	out.Warnings = slices.Clone(r.Warnings)
	for i, w := range out.Warnings {
		out.Warnings[i] = m.Text(w)
	}
	if r.Raw != nil {
		out.Raw = []byte(m.Body(string(r.Raw)))
	}
	return &out
}

// Text hides numbers in free text about the call: a warning, an answer, a URL.
func (m Masker) Text(text string) string {
	return m.hide(text, func(rest string) string { return hideWritten(rest, !m.known) })
}

// own hides the numbers of the call alone.
func (m Masker) own(text string) string {
	return m.hide(text, func(rest string) string { return rest })
}

// MaskText hides numbers in a text about a call that is not known.
func MaskText(text string) string { return Masker{}.Text(text) }

// hide hides the numbers of the call; what is between them goes through another rule.
func (m Masker) hide(text string, rest func(string) string) string {
	for _, address := range m.addresses {
		text = strings.ReplaceAll(text, address, Mask(address))
	}
	var b strings.Builder
	from := 0
	for _, s := range m.find(text) {
		b.WriteString(rest(text[from:s.from]))
		b.WriteString(Mask(text[s.from:s.to]))
		from = s.to
	}
	b.WriteString(rest(text[from:]))
	return b.String()
}

// span is a part of a text, in bytes.
type span struct{ from, to int }

// find returns where the numbers of the call are, in order; of several at one place
// the longest.
func (m Masker) find(text string) []span {
	if len(m.numbers) == 0 {
		return nil
	}
	var found []span
	for run := range runsOf(text) {
		all, done := run.digits(), 0
		for first := 0; first < len(all); first = max(first+1, done) {
			i := slices.IndexFunc(m.numbers, func(number string) bool { return strings.HasPrefix(all[first:], number) })
			if i < 0 {
				continue
			}
			end := first + len(m.numbers[i])
			for first > done && run[first-1].value == '0' && run[first-1].to == run[first].from {
				first-- // the zero of a call within the country
			}
			found, done = append(found, run[first:end].span(text)), end
		}
	}
	return found
}
