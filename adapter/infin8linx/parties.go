package infin8linx

import (
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/phone"
)

func (c *conversion) parties() {
	const shown, dialled = "disnumber", "destnumber"
	if c.Direction == call.Internal {
		c.From, c.To = c.extension(shown), c.extension(dialled)
		if c.isOwnLine(shown) { // the caller's own extension is in extnumber then
			c.From.Extension = c.firstEchoed("extnumber")
		}
		return
	}
	c.From, c.To = c.party(shown), c.party(dialled)
	if c.Direction == call.Inbound && c.isOwnLine(shown) {
		c.From, c.To = c.To, c.From
	}
}

// isOwnLine knows the account's internal numbers by their whole shape: 21, the
// company code, and three or four digits from zero on. A number of Jakarta may begin
// as they do, for 21 is its area code.
func (c *conversion) isOwnLine(key string) bool {
	line, ok := strings.CutPrefix(c.dialled(key), "21")
	if ok {
		line, ok = strings.CutPrefix(line, c.Account)
	}
	return ok && c.Account != "" && (len(line) == 3 || len(line) == 4) && line[0] == '0' && strings.Trim(line, "0123456789") == ""
}

// dialled returns the user of a SIP address, and any other text cleaned.
func (c *conversion) dialled(key string) string {
	text := c.Plain(key)
	if strings.Contains(text, "@") {
		if user, _, ok := strings.Cut(phone.Read(text, phone.Reading{}).SIP, "@"); ok {
			return user
		}
	}
	return phone.Clean(text)
}

// party is a telephone number, or a line of the account.
func (c *conversion) party(key string) call.Party {
	p := call.Party{Raw: c.Text(key)}
	if c.isOwnLine(key) {
		return p
	}
	a := phone.Read(c.Plain(key), phone.Reading{
		National:      c.src.Numbers != call.International,
		International: c.src.Numbers == call.International,
		Region:        c.src.Region,
	})
	p.Number, p.SIP, p.Extension = a.Number, a.SIP, a.Extension
	return p
}

// extension is a party inside the company, never a telephone number.
func (c *conversion) extension(key string) call.Party {
	return call.Party{Raw: c.Text(key), Extension: c.Plain(key)}
}
