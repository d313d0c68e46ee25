package access

import (
	"strings"
	"unicode/utf8"
)

// acePrefix begins a label of a host's name that stands for letters beyond ASCII (RFC 5890).
const acePrefix = "xn--"

// unicodeHost writes the labels of an address's host as the letters they stand for: ana@xn--mller-kva.de
// and ana@müller.de are one mailbox. A label that stands for nothing stays as it is.
func unicodeHost(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || !strings.Contains(address[at:], acePrefix) {
		return address
	}
	labels := strings.Split(address[at+1:], ".")
	for i, label := range labels {
		if coded, is := strings.CutPrefix(label, acePrefix); is {
			if plain, ok := decodePunycode(coded); ok {
				labels[i] = plain
			}
		}
	}
	return address[:at+1] + strings.Join(labels, ".")
}

// The parameters of Punycode, RFC 3492, section 5.
const (
	punyBase        = 36
	punyTMin        = 1
	punyTMax        = 26
	punySkew        = 38
	punyDamp        = 700
	punyInitialBias = 72
	punyInitialN    = 0x80
	// maxLabel is the longest label of DNS, in bytes: no more is decoded.
	maxLabel = 63
)

// decodePunycode is the decoder of RFC 3492, section 6.2.
func decodePunycode(coded string) (string, bool) {
	if coded == "" || len(coded) > maxLabel {
		return "", false
	}
	var out []rune
	if cut := strings.LastIndexByte(coded, '-'); cut >= 0 {
		out, coded = []rune(coded[:cut]), coded[cut+1:]
	}
	n, i, bias := punyInitialN, 0, punyInitialBias
	for coded != "" {
		before, weight := i, 1
		for k := punyBase; ; k += punyBase {
			if coded == "" {
				return "", false
			}
			digit := punyDigit(coded[0])
			coded = coded[1:]
			if digit < 0 {
				return "", false
			}
			i += digit * weight
			threshold := min(max(k-bias, punyTMin), punyTMax)
			if digit < threshold {
				break
			}
			weight *= punyBase - threshold
			if i > utf8.MaxRune*maxLabel || weight > utf8.MaxRune*maxLabel {
				return "", false
			}
		}
		size := len(out) + 1
		bias = punyAdapt(i-before, size, before == 0)
		n, i = n+i/size, i%size
		if n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			return "", false
		}
		out = append(out[:i], append([]rune{rune(n)}, out[i:]...)...)
		i++
	}
	return string(out), true
}

func punyDigit(c byte) int {
	switch {
	case 'a' <= c && c <= 'z':
		return int(c - 'a')
	case '0' <= c && c <= '9':
		return int(c-'0') + 26
	}
	return -1 // capitals are folded before
}

func punyAdapt(delta, size int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / size
	k := 0
	for ; delta > (punyBase-punyTMin)*punyTMax/2; k += punyBase {
		delta /= punyBase - punyTMin
	}
	return k + (punyBase-punyTMin+1)*delta/(delta+punySkew)
}
