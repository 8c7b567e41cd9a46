package infin8linx

import (
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/phone"
)

func (c *conversion) parties() {
	shown, dialled := c.Text("disnumber"), c.Text("destnumber")
	if c.Direction == call.Internal {
		c.From, c.To = c.extension(shown), extension(dialled)
		return
	}
	from, to := c.line(shown), c.party(dialled)
	if c.Direction == call.Inbound && c.isOwnLine(shown) {
		from, to = to, from
	}
	c.From, c.To = from, to
}

// line is the party of disnumber: a telephone number, or a line of the account.
func (c *conversion) line(number string) call.Party {
	if c.isOwnLine(number) {
		return call.Party{Raw: number}
	}
	return c.party(number)
}

// isOwnLine knows the account's internal numbers: 21, the company code, digits.
func (c *conversion) isOwnLine(number string) bool {
	return c.Account != "" && strings.HasPrefix(number, "21"+c.Account)
}

func (c *conversion) party(number string) call.Party {
	a := phone.Read(number, phone.Reading{
		National:      c.src.Numbers != call.International,
		International: c.src.Numbers == call.International,
		Region:        c.src.Region,
	})
	return call.Party{Raw: number, Number: a.Number, SIP: a.SIP}
}

// extension is a party inside the company, never a telephone number. The caller's
// own extension stands in extnumber when disnumber shows a line.
func (c *conversion) extension(number string) call.Party {
	p := extension(number)
	if c.isOwnLine(number) {
		p.Extension = c.firstEchoed("extnumber")
	}
	return p
}

func extension(number string) call.Party {
	return call.Party{Raw: number, Extension: number}
}
