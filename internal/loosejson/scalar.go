package loosejson

func (p *parser) str() error {
	start := p.pos
	p.pos++
	for p.pos < len(p.in) {
		switch c := p.in[p.pos]; {
		case c == '"':
			p.pos++
			p.out = append(p.out, p.in[start:p.pos]...)
			return nil
		case c == '\\':
			if err := p.escape(); err != nil {
				return err
			}
		case c < ' ':
			return p.fail("expected no raw control character in a string")
		default:
			p.pos++
		}
	}
	return p.failAt(start, "expected a string with its closing quote", "none")
}

// escape steps over a backslash and what belongs to it.
func (p *parser) escape() error {
	p.pos++
	switch p.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		p.pos++
		return nil
	case 'u':
		p.pos++
		for range 4 {
			if !isHex(p.peek()) {
				return p.fail(`expected four hexadecimal digits after "\u"`)
			}
			p.pos++
		}
		return nil
	}
	return p.fail(`expected one of "\/bfnrtu after a backslash`)
}

func (p *parser) number() error {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	if p.peek() == '0' {
		p.pos++
	} else if err := p.digits(); err != nil {
		return err
	}
	if isDigit(p.peek()) {
		return p.fail("expected no digit after a leading zero")
	}
	if p.peek() == '.' {
		p.pos++
		if err := p.digits(); err != nil {
			return err
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if err := p.digits(); err != nil {
			return err
		}
	}
	p.out = append(p.out, p.in[start:p.pos]...)
	return nil
}

func (p *parser) digits() error {
	if !isDigit(p.peek()) {
		return p.fail("expected a digit")
	}
	for isDigit(p.peek()) {
		p.pos++
	}
	return nil
}

func (p *parser) literal(word string) error {
	for i := range len(word) {
		if p.peek() != word[i] {
			return p.fail("expected " + word)
		}
		p.take()
	}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
