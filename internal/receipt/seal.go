package receipt

import (
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
)

// checkSeal checks the head of the ledger that the receipt carries. The seal is of the ledger as it
// was before the receipt went into it, so it shows that the ledger was there, and what must still
// be in it.
func (c *checker) checkSeal() {
	const name = "seal"
	h, key := c.LedgerHead, c.means.LedgerKey
	switch {
	case h == nil:
		c.unsure(name, "the receipt carries no head of the ledger, as those of versions up to 0.4.0: "+
			"compare its hash with the ledger's entry, see `starter show %s`", c.Request)
	case h.Console != c.Plan.Console && c.Plan.Console != "":
		c.fail(name, "its head is of the ledger of %s, and the plan is for %s", h.Console, c.Plan.Console)
	case !h.Sealed() && key != nil:
		c.fail(name, "entry %d is not sealed, and the ledger's key is given", h.Seq)
	case !h.Sealed():
		c.note(name, signing.Unsigned, "the ledger is not sealed: who owns the database may have written all of it")
	case key == nil:
		c.unsure(name, "entry %d is sealed: pass the ledger's public key as --ledger-key", h.Seq)
	default:
		ring := c.means.Ring
		if ring == nil {
			ring = ledger.NewKeyring(0, *key)
		}
		if err := ring.VerifyHead(*h); err != nil {
			c.fail(name, "%v", err)
			return
		}
		c.ok(name, "entry %d of the ledger is sealed with %s: that the receipt is in the ledger shows "+
			"`starter ledger verify --head %d:%s`", h.Seq, key.Fingerprint(), h.Seq, h.Hash)
	}
}

// checkEntry checks the ledger's own entry of the receipt: that it is this receipt, as it was
// written, and that the worker's key has sealed it.
func (c *checker) checkEntry() {
	const name = "ledger entry"
	e, ring := c.means.Entry, c.means.Ring
	if e == nil {
		return
	}
	kept, err := ledger.DecodeAs[ledger.Receipt](*e)
	if err == nil && kept.Receipt.Hash != c.Hash {
		c.fail(name, "entry %d holds another receipt: run `starter ledger verify`", e.Seq)
		return
	}
	if err == nil {
		err = ledger.CheckHash(*e)
	}
	if err == nil && ring != nil {
		err = ring.VerifySeal(*e)
	}
	switch {
	case err != nil:
		c.fail(name, "%v", err)
	case e.Seal == "":
		c.note(name, signing.Unsigned, "entry %d is as it was written, and not sealed: "+
			"who owns the database may have written it", e.Seq)
	case ring == nil:
		c.unsure(name, "entry %d is sealed: pass the ledger's public key as --ledger-key", e.Seq)
	default:
		c.ok(name, "entry %d of the ledger is this receipt, sealed by a key of the ledger", e.Seq)
	}
}
