package listen

import (
	"net"
	"strconv"
)

// IsAddress reports whether a text is host:port, the host optional, with the name of
// a service as the port, or a number that a port can have; 0 is any free one.
func IsAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return false
	}
	if _, err := strconv.Atoi(port); err != nil {
		return true
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}
