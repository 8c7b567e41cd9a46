package call

import (
	"net/mail"
	"strings"
)

// Email returns a text that is an e-mail address and nothing else, or "".
func Email(text string) string {
	if strings.IndexByte(text, '@') < 0 {
		return ""
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || address.Name != "" {
		return ""
	}
	_, domain, _ := strings.Cut(text, "@")
	if !strings.Contains(strings.Trim(domain, "."), ".") {
		return "" // of no domain of the Internet
	}
	return text
}
