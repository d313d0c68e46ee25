package ledger

import (
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// addSeal checks the seal of an entry against the key that the chain records, which comes before
// the entries that it sealed. Whether that key is the worker's is checked at the end.
func (v *Verifier) addSeal(e Entry) {
	if e.Kind == KindLedgerKey {
		if err := v.keys.Add(e); err != nil {
			v.fault(e.Seq, "%v", err)
		}
	}
	switch from := v.keys.From(); {
	case e.Seal == "" && from > 0 && v.unsealed == 0 && e.Seq >= from:
		v.unsealed = e.Seq
		v.fault(e.Seq, "entry %d is not sealed, and the ledger is sealed from entry %d on: "+
			"it was not written by a worker with the ledger's key", e.Seq, from)
		return
	case e.Seal == "":
		return
	}
	fingerprint, _, _ := strings.Cut(e.Seal, " ")
	key, known := v.keys.byFingerprint(fingerprint)
	switch {
	case !known:
		v.fault(e.Seq, "entry %d is sealed with key %.60q, which the ledger does not record", e.Seq, fingerprint)
		return
	case NewKeyring(0, key).VerifySeal(e) != nil:
		v.fault(e.Seq, "entry %d is not what key %s sealed", e.Seq, fingerprint)
		return
	}
	if v.report.Seals == nil {
		v.report.Seals = &Seals{From: e.Seq}
	}
	if _, seen := v.sealedBy[fingerprint]; !seen {
		v.sealedBy[fingerprint] = e.Seq
	}
	v.report.Seals.Entries++
	v.report.Seals.Key = key.String()
	v.report.Seals.Newest = access.LedgerHead{Console: e.Console, Seq: e.Seq, Hash: e.Hash, Seal: e.Seal}
}

// endSeals says which keys sealed the chain, and whether they are the worker's.
func (v *Verifier) endSeals() {
	latest, sealed := v.keys.Latest()
	switch {
	case len(v.trusted) > 0 && !sealed:
		v.fault(v.report.Head.Seq, "the ledger records no key, and it should be sealed with key %s: it was emptied or "+
			"rewritten, unless no worker with that key has started yet", v.trusted[0].Fingerprint())
		return
	case len(v.trusted) == 0 && sealed && !slices.Contains(v.seen, latest.Fingerprint()):
		v.report.Unchecked = append(v.report.Unchecked, "whether key "+latest.Fingerprint()+
			", which sealed the ledger, is the worker's: pass the worker's public key (--key), or set LEDGER_KEY_FILE")
	case !sealed && v.report.Entries > 0 && len(v.noted) == 0:
		v.report.Unchecked = append(v.report.Unchecked, "whether the whole ledger was rewritten: it is not sealed, "+
			"and no head noted outside the database is given (--head); set LEDGER_KEY_FILE for the workers")
	}
	v.endKeys()
}

func (v *Verifier) endKeys() {
	for _, e := range v.keys.entries {
		if e.body.Previous == "" {
			continue
		}
		before, known := v.keys.byFingerprint(e.body.Previous)
		if !known || !before.verify(e.body.Text(), " "+e.body.Signature) {
			v.fault(e.entry.Seq, "entry %d replaces the ledger's key %s by %s, and that key has not signed it: "+
				"find out who replaced LEDGER_KEY_FILE", e.entry.Seq, e.body.Previous, e.key.Fingerprint())
		}
	}
	for i, e := range v.keys.entries {
		if i > 0 && e.body.Previous == "" {
			v.fault(e.entry.Seq, "entry %d records key %s and names none before it, and there is one",
				e.entry.Seq, e.key.Fingerprint())
		}
	}
	if len(v.trusted) == 0 {
		return
	}
	ring := v.keys.Trusting(v.trusted...)
	for _, e := range v.keys.entries {
		fingerprint := e.key.Fingerprint()
		if first, used := v.sealedBy[fingerprint]; used && !ring.Trusts(fingerprint) {
			v.fault(first, "entry %d is sealed with key %s, which is not the worker's and was not signed by it: "+
				"the ledger was rewritten from there on, or earlier", first, fingerprint)
		}
	}
}

// addContent checks what an entry says. One that this version cannot decode is left to its readers.
func (v *Verifier) addContent(e Entry) {
	if body, err := Decode(e); err == nil {
		if is := SubjectOf(body); is != "" && is != e.Subject {
			v.fault(e.Seq, "entry %d is about %s, and the database finds it as %q: its column subject was changed",
				e.Seq, is, e.Subject)
		}
	}
	if v.check == nil {
		return
	}
	if err := v.check(e); err != nil {
		v.fault(e.Seq, "entry %d: %v", e.Seq, err)
	}
}
