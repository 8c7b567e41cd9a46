package listen

const (
	// maxHead bounds the bytes of a head, the request line included.
	maxHead = 8 << 10
	// maxLines bounds the header lines of a head.
	maxLines = 64
)

// head counts the lines of a request's head as its bytes arrive.
type head struct {
	reading bool
	lines   int  // whole lines, the request line among them
	text    bool // the present line has a byte other than its end
}

// begin starts with the next head.
func (h *head) begin() { *h = head{reading: true} }

// end passes over everything until begin.
func (h *head) end() { h.reading = false }

// read counts more bytes and reports whether there are too many lines. It stops at
// the end of the head: what follows is a body.
func (h *head) read(more []byte) (tooMany bool) {
	for i := 0; h.reading && i < len(more); i++ {
		switch more[i] {
		case '\n':
			if !h.text {
				h.end()
				break
			}
			h.text = false
			h.lines++
			if h.lines > 1+maxLines {
				return true
			}
		case '\r':
		default:
			h.text = true
		}
	}
	return false
}
