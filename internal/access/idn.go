package access

import (
	"strings"

	"golang.org/x/net/idna"
)

// acePrefix begins a label of a host's name that stands for letters beyond ASCII (RFC 5890).
const acePrefix = "xn--"

// maxLabel is the longest label of DNS, in bytes: no more is decoded.
const maxLabel = 63

// unicodeHost writes the labels of an address's host as the letters they stand for: ana@xn--mller-kva.de
// and ana@müller.de are one mailbox. A label that stands for nothing stays as it is. Punycode is decoded as RFC 3492
// says and nothing is mapped, so that the answer depends on no version of Unicode's tables.
func unicodeHost(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || !strings.Contains(address[at:], acePrefix) {
		return address
	}
	labels := strings.Split(address[at+1:], ".")
	for i, label := range labels {
		if !strings.HasPrefix(label, acePrefix) || len(label) > len(acePrefix)+maxLabel {
			continue
		}
		if plain, err := idna.Punycode.ToUnicode(label); err == nil {
			labels[i] = plain
		}
	}
	return address[:at+1] + strings.Join(labels, ".")
}
