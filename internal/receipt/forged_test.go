package receipt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/receipt"
	"sentinelone-provisioner/internal/signing"
)

// forgery is a receipt that somebody has changed who can seal it again, and the check that fails.
type forgery struct {
	of     func(*scene) access.Receipt
	forge  func(*scene, *access.Receipt)
	failed string
}

func (f forgery) run(t *testing.T, s *scene) {
	t.Helper()
	r := f.of(s)
	f.forge(s, &r)
	require.Contains(t, strings.Join(s.verify(r, s.with, signing.Failed), "\n"), f.failed)
}

func runForgeries(t *testing.T, all map[string]forgery) {
	t.Helper()
	s := newScene(t)
	for name, f := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := *s
			own.T = t
			f.run(t, &own)
		})
	}
}

// last is the last proof.
func last(r *access.Receipt) *access.Proof { return &r.Proofs[len(r.Proofs)-1] }

// The state follows from the proofs.
func TestVerify_ForgedState(t *testing.T) {
	t.Parallel()
	end := (*scene).expired
	runForgeries(t, map[string]forgery{
		"no release": {end, func(_ *scene, r *access.Receipt) {
			r.Proofs, r.Outcome = r.Proofs[:1], access.Applied
		}, "state: expired: a proof shows that the role was given, and none that it was released"},
		"nothing given": {end, func(_ *scene, r *access.Receipt) {
			r.Proofs = r.Proofs[1:]
		}, "state: expired: no proof shows that the role was given"},
		"absence not read twice": {end, func(_ *scene, r *access.Receipt) {
			last(r).Confirmed = false
		}, "the absence of role 21 at site 31 was not read twice"},
		"absence read once": {end, func(_ *scene, r *access.Receipt) {
			last(r).Reads = last(r).Reads[1:2]
		}, "was not read twice"},
		"still there": {end, func(_ *scene, r *access.Receipt) {
			p := last(r)
			p.Reads = append(p.Reads, access.Read{At: r.FinishedAt, Holdings: holding(soc, other)})
		}, "no read at the end shows that role 21 at site 31 is gone"},
		"release refused": {end, func(_ *scene, r *access.Receipt) {
			last(r).Outcome, r.Outcome = access.LastRoleStays, access.LastRoleStays
		}, `state: expired: the role was given, and its release ended "lastRole"`},
		"release was none": {end, func(_ *scene, r *access.Receipt) {
			last(r).Outcome, r.Outcome = access.NotApplied, access.NotApplied
		}, `its release ended "notApplied"`},
		"given again after the release": {end, func(_ *scene, r *access.Receipt) {
			r.Proofs = append(r.Proofs, r.Proofs[0])
			r.Outcome = access.Applied
		}, "a change came after the release: acquire"},
		"another outcome": {end, func(_ *scene, r *access.Receipt) {
			r.Outcome = access.Superseded
		}, `outcome: the receipt says "superseded", and its last proof "released"`},
		"an end as if permanent": {end, func(_ *scene, r *access.Receipt) {
			r.State, r.Proofs, r.Outcome = "granted", r.Proofs[:1], access.Applied
		}, "state: granted: the proof is of access with an end"},
		"no state": {end, func(_ *scene, r *access.Receipt) { r.State = "done" }, "state: done: it is no state"},
		"granted and not shown": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			last(r).Reads[1].Holdings = holding(viewer, other)
		}, "state: granted: the read of 2026-03-03 12:00:41 UTC does not show role 21 at site 31"},
		"granted and not read": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			last(r).Reads = nil
		}, "state: granted: no read shows the role"},
		"denied and given": {(*scene).granted, func(s *scene, r *access.Receipt) {
			r.State, r.Decisions = "denied", nil
			s.decide(r, "deny", carol)
		}, "state: denied: a proof shows that the role was given, and none that it was released"},
		"denied by nobody": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			r.State, r.Decisions, r.Proofs, r.Outcome = "denied", nil, nil, ""
		}, "state: denied: it holds no denial of the plan"},
		"timed out and approved": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			r.State, r.Proofs, r.Outcome = "timedOut", nil, ""
		}, "state: timedOut: all approvals were there before the deadline"},
		"timed out before the deadline": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			r.State, r.Proofs, r.Outcome, r.Decisions = "timedOut", nil, "", nil
		}, "state: timedOut: it ended before the 72h that approvers have"},
		"cancelled and given": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			r.State = "cancelled"
		}, "state: cancelled: a proof shows that the role was given"},
		"refused and given": {(*scene).expired, func(_ *scene, r *access.Receipt) {
			r.State, r.Proofs, r.Outcome = "refused", r.Proofs[:1], access.Applied
		}, "state: refused: a proof shows that the role was given"},
		"refused and removed": {(*scene).revoked, func(_ *scene, r *access.Receipt) {
			r.State = "refused"
		}, `state: refused: the revoke ended "removed", and something may have been changed`},
		"not revoked": {(*scene).revoked, func(_ *scene, r *access.Receipt) {
			r.Proofs, r.Outcome = nil, ""
		}, "state: revoked: it holds no proof of the revoke"},
		"revoked once": {(*scene).revoked, func(_ *scene, r *access.Receipt) {
			last(r).Confirmed = false
		}, "state: revoked: the absence of role 21 at site 31 was not read twice"},
		"not offboarded": {(*scene).revoked, func(_ *scene, r *access.Receipt) {
			r.State = "offboarded"
		}, "state: offboarded: it holds no proof of the "},
		"not provisioned": {(*scene).revoked, func(_ *scene, r *access.Receipt) {
			r.State = "provisioned"
		}, "state: provisioned: it holds no proof of the create"},
	})
}

// The proofs are about what the plan changes.
func TestVerify_ForgedProofs(t *testing.T) {
	t.Parallel()
	write := func(change func(*access.Write)) func(*scene, *access.Receipt) {
		return func(_ *scene, r *access.Receipt) { change(&last(r).Writes[0]) }
	}
	runForgeries(t, map[string]forgery{
		"of another run": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			last(r).Key = "grant/INC-42#run-2/grant"
		}, `proof of grant: it is of the change "grant/INC-42#run-2/grant", and this is "grant/INC-42#run-1/grant"`},
		"of another operation": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			revoked := proof(*r, access.OpRevoke, access.Removed, given, holding(soc), holding())
			r.Proofs = []access.Proof{revoked, *last(r)}
		}, "proof of revoke: the plan is to grant"},
		"applied without a write": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			last(r).Writes = nil
		}, "it says applied, and nothing was written"},
		"another principal": {(*scene).granted, write(func(w *access.Write) {
			w.Call = "PUT /users/12"
		}), `"PUT /users/12" is about another principal`},
		"deletes the principal": {(*scene).granted, write(func(w *access.Write) {
			w.Call = "DELETE /users/11"
		}), "it deleted the principal, which the plan does not"},
		"gives another role too": {(*scene).granted, write(func(w *access.Write) {
			w.After = holding(soc, other, admin)
		}), "it gave role 24 at site 33, which the plan does not"},
		"takes another role too": {(*scene).granted, write(func(w *access.Write) {
			w.After = holding(soc)
		}), "it removed role 23 at site 32, which the plan does not"},
		"a release that gives": {(*scene).expired, write(func(w *access.Write) {
			w.After = holding(viewer, other, admin)
		}), "proof of release: it gave role 24 at site 33, which the plan does not"},
		"a revoke that gives": {(*scene).revoked, write(func(w *access.Write) {
			w.After = holding(other, admin)
		}), "proof of revoke: it gave role 24 at site 33, which the plan does not"},
		"a revoke that takes more": {(*scene).revoked, write(func(w *access.Write) {
			w.After = holding()
		}), "proof of revoke: it removed role 23 at site 32, which the plan does not"},
		"written after the end": {(*scene).granted, write(func(w *access.Write) {
			w.At = noon.Add(time.Hour)
		}), "the write of 2026-03-03 13:00:00 UTC is not in the time of the request"},
	})
}

// The decisions cover the change when it was written, and it ended when it was approved to.
func TestVerify_ForgedTimes(t *testing.T) {
	t.Parallel()
	releaseAt := func(at time.Time) func(*scene, *access.Receipt) {
		return func(_ *scene, r *access.Receipt) {
			*last(r) = released(*r, at)
		}
	}
	runForgeries(t, map[string]forgery{
		"before the approval": {(*scene).granted, func(s *scene, r *access.Receipt) {
			r.Decisions = []access.Decision{s.decision(*r, "approve", carol, r.Plan.Hash, given.Add(10*time.Minute))}
			r.FinishedAt = given.Add(time.Hour)
		}, "first write: at 2026-03-03 12:00:40 UTC, not covered by the decisions: "},
		"not approved": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			r.Decisions = nil
		}, "first write: at 2026-03-03 12:00:40 UTC, not covered"},
		"approved by the requester": {(*scene).granted, func(s *scene, r *access.Receipt) {
			r.Decisions = nil
			s.decide(r, "approve", bob)
		}, "first write: "},
		"denied": {(*scene).granted, func(s *scene, r *access.Receipt) {
			s.decide(r, "deny", dave)
		}, "not covered by the decisions: "},
		"before the start": {(*scene).granted, func(s *scene, r *access.Receipt) {
			d := access.Decision{
				At: noon.Add(time.Second), By: carol, Action: "approve", SignedAt: noon, PlanHash: r.Plan.Hash,
				StartAt: noon.Add(time.Hour),
			}
			d.Signature, d.Signed = s.sign(carol, signing.OfDecision(r.Request, r.Run, d.PlanHash, d))
			r.Decisions = []access.Decision{d}
		}, "first write: at 2026-03-03 12:00:40 UTC, not covered"},
		"neither written nor read": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			last(r).Writes, last(r).Reads = nil, nil
		}, "first write: the proof of the grant holds neither a write nor a read"},
		"released before its end": {
			(*scene).expired, releaseAt(given.Add(time.Hour)),
			"end: released at 2026-03-03 13:00:40 UTC, before its end, and nothing in the receipt explains it",
		},
		"released before it was given": {
			(*scene).expired, releaseAt(noon.Add(time.Second)),
			"end: the release at 2026-03-03 12:00:01 UTC comes before the role was given",
		},
		"ended by nobody": {(*scene).ended, func(_ *scene, r *access.Receipt) {
			r.Stop = nil
		}, "end: released at 2026-03-03 13:00:41 UTC, before its end, and nothing in the receipt explains it"},
		"stopped after the release": {(*scene).ended, func(_ *scene, r *access.Receipt) {
			r.Stop.At = r.Stop.At.Add(time.Hour)
		}, "end: released at 2026-03-03 13:00:41 UTC, before its end"},
		"ended in another name": {(*scene).ended, func(_ *scene, r *access.Receipt) {
			r.Stop.By = carol
		}, "end: by carol@example.com: "},
		"ended unsigned": {(*scene).ended, func(_ *scene, r *access.Receipt) {
			r.Stop.Signed, r.Stop.Signature = access.Unsigned, ""
		}, "end: by bob@example.com: not signed"},
		"stopped after it had ended": {(*scene).expired, func(s *scene, r *access.Receipt) {
			*r = s.ended()
			r.Stop.At = r.FinishedAt.Add(time.Hour)
		}, `stop: "end" by bob@example.com at 2026-03-03 14:01:40 UTC`},
		"stopped by an approval": {(*scene).ended, func(_ *scene, r *access.Receipt) {
			r.Stop.Action = "approve"
		}, `stop: "approve" by bob@example.com`},
	})
}

// Extensions are approved like the grant, and follow from each other.
func TestVerify_ForgedExtensions(t *testing.T) {
	t.Parallel()
	x := func(change func(*scene, *access.Receipt, *access.Extension)) func(*scene, *access.Receipt) {
		return func(s *scene, r *access.Receipt) {
			asked := *r.Extensions[0].Asked
			r.Extensions[0].Asked = &asked
			change(s, r, &r.Extensions[0])
		}
	}
	// again signs what was asked for, and dave's approval, anew.
	again := func(s *scene, r *access.Receipt, e *access.Extension) {
		e.Asked.Signature, e.Asked.Signed = s.sign(bob, signing.OfExtension(*e.Asked))
		*e.Asked = e.Asked.Seal()
		e.Decisions = []access.Decision{s.decision(*r, "approve", dave, e.Asked.Hash, e.At)}
	}
	of := (*scene).extended
	runForgeries(t, map[string]forgery{
		"longer than approved": {of, x(func(_ *scene, _ *access.Receipt, e *access.Extension) {
			e.EndsAt = e.EndsAt.Add(time.Hour)
		}), "extension 1: it ends at 2026-03-03 19:00:41 UTC, which is not 2h after the end before it"},
		"more added than approved": {of, x(func(_ *scene, _ *access.Receipt, e *access.Extension) {
			e.EndsAt, e.Duration = e.EndsAt.Add(time.Hour), e.Duration+access.Duration(time.Hour)
		}), "extension 1: it is not what was approved"},
		"changed after it was approved": {of, x(func(_ *scene, _ *access.Receipt, e *access.Extension) {
			e.Asked.Comment = "for longer"
		}), "extension 1: changed since people decided on it"},
		"of another grant": {of, x(func(s *scene, r *access.Receipt, e *access.Extension) {
			e.Asked.Request = "grant/INC-43"
			again(s, r, e)
		}), "extension 1: what was approved is about another grant"},
		"beyond the maximum": {of, x(func(s *scene, r *access.Receipt, e *access.Extension) {
			e.Asked.Duration += access.Duration(3 * time.Hour)
			e.Asked.EndsAt = e.Asked.EndsAt.Add(3 * time.Hour)
			e.Duration, e.EndsAt = e.Asked.Duration, e.Asked.EndsAt
			again(s, r, e)
		}), "extension 1: the grant would last 9h0m41s in all, and the policy allows 8h"},
		"another policy": {of, x(func(s *scene, r *access.Receipt, e *access.Extension) {
			e.Asked.Approval.Hash = strings.Repeat("0", 64)
			again(s, r, e)
		}), "extension 1: its approval follows another policy than the plan"},
		"not approved": {of, x(func(_ *scene, _ *access.Receipt, e *access.Extension) {
			e.Decisions = nil
		}), "extension 1: until 2026-03-03 18:00:41 UTC: its approval is not complete"},
		"approved as the plan": {of, x(func(_ *scene, r *access.Receipt, e *access.Extension) {
			e.Decisions = r.Decisions
		}), "extension 1: until 2026-03-03 18:00:41 UTC: its approval is not complete"},
		"approved by who asks": {of, x(func(s *scene, r *access.Receipt, e *access.Extension) {
			e.Decisions = []access.Decision{s.decision(*r, "approve", bob, e.Asked.Hash, e.At)}
		}), "its approval is not complete: bob@example.com"},
		"approved afterwards": {of, x(func(s *scene, r *access.Receipt, e *access.Extension) {
			e.Decisions = []access.Decision{s.decision(*r, "approve", dave, e.Asked.Hash, e.At.Add(time.Hour))}
		}), "extension 1: until 2026-03-03 18:00:41 UTC: the end was moved before its last approval"},
		"unsigned": {of, x(func(_ *scene, _ *access.Receipt, e *access.Extension) {
			e.Asked.Signed, e.Asked.Signature = access.Unsigned, ""
		}), "extension 1, request: by bob@example.com: not signed"},
		"in another name": {of, x(func(_ *scene, _ *access.Receipt, e *access.Extension) {
			e.Decisions[0].By = carol
		}), "extension 1, approve, step 1: by carol@example.com: "},
		"nobody was asked": {of, x(func(s *scene, r *access.Receipt, e *access.Extension) {
			e.Asked.Approval = access.Approval{Hash: r.Plan.Approval.Hash, Policy: "nobody"}
			again(s, r, e)
			e.Decisions = nil
		}), "extension 1: until 2026-03-03 18:00:41 UTC: the policy asks for more than was asked for"},
	})
}

// The policy of the plan, decided again, asks for no more than was asked for, of nobody else.
func TestVerify_ForgedPolicy(t *testing.T) {
	t.Parallel()
	// planned plans anew, and has the people sign what was planned.
	planned := func(change func(*access.Plan)) func(*scene, *access.Receipt) {
		return func(s *scene, r *access.Receipt) {
			change(&r.Plan)
			r.Plan = r.Plan.Seal()
			by := r.Decisions[0].By
			r.Decisions = nil
			s.decide(r, "approve", by)
		}
	}
	nobody := func(_ *scene, r *access.Receipt) {
		r.Plan.Approval = access.Approval{Hash: r.Plan.Approval.Hash, Policy: "no approval required"}
		r.Plan, r.Decisions = r.Plan.Seal(), nil
	}
	runForgeries(t, map[string]forgery{
		"nobody was asked": {
			(*scene).granted, nobody,
			"policy: the policy asks for more at 2026-03-03 12:00:40 UTC than was asked for",
		},
		"break-glass that was no emergency": {(*scene).glass, func(_ *scene, r *access.Receipt) {
			r.Plan.Terms.BreakGlass, r.RequestSignature.Request.Terms.BreakGlass = false, false
			r.Plan = r.Plan.Seal()
		}, "policy: the policy asks for more"},
		"somebody else was asked": {(*scene).granted, planned(func(p *access.Plan) {
			p.Approval.Steps[0].People = []string{carol, "mallory@example.com"}
		}), "policy: mallory@example.com was asked for leads, and the policy does not have them there"},
		"another rule for the last role": {(*scene).granted, planned(func(p *access.Plan) {
			p.Rules.LastRole = access.LastRoleDelete
		}), `policy: the plan's rule for the last role is "delete", and the policy's "stop"`},
		"a name nobody signed for": {(*scene).ownTeam, func(_ *scene, r *access.Receipt) {
			r.RequestSignature = nil
		}, "policy: the policy asks nobody because of the requester's name, which nobody has signed for"},
	})
}

// The seal is of the ledger's key, over the ledger of the plan's console.
func TestVerify_ForgedSeal(t *testing.T) {
	t.Parallel()
	runForgeries(t, map[string]forgery{
		"another entry": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			r.LedgerHead.Seq++
		}, "seal: the seal does not hold"},
		"another console": {(*scene).granted, func(s *scene, r *access.Receipt) {
			*r = s.headed(*r, "other.sentinelone.net")
		}, "seal: its head is of the ledger of other.sentinelone.net"},
		"no seal": {(*scene).granted, func(_ *scene, r *access.Receipt) {
			r.LedgerHead.Seal = access.Unsealed
		}, "seal: entry 1204 is not sealed, and the ledger's key is given"},
	})
}

// What a receipt alone does not show is neither a yes nor a no, and the check says how to find out.
func TestVerify_CannotBeChecked(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	noPolicy, noKey, none := s.with, s.with, receipt.Means{}
	noPolicy.Policy, noKey.LedgerKey = nil, nil
	hash := s.with.Policy.Hash()
	same := func(*access.Receipt) {}
	for name, c := range map[string]struct {
		r      access.Receipt
		change func(*access.Receipt)
		with   receipt.Means
		want   string
	}{
		"asked nobody": {s.ownTeam(), same, noPolicy, "policy: whether the policy lets the request be carried out " +
			"although nobody was asked before: pass the policy file with SHA-256 " + hash + " as --policy"},
		"another policy": {s.granted(), func(r *access.Receipt) {
			r.Plan.Approval.Hash = strings.Repeat("0", 64)
		}, s.with, "policy: the plan follows the policy with SHA-256 0000"},
		"no facts": {
			s.granted(), func(r *access.Receipt) { r.Facts = nil }, s.with,
			"policy: the receipt does not hold what",
		},
		"no signers": {s.granted(), same, none, "signed, but not verified"},
		"no key of the ledger": {
			s.granted(), same, noKey,
			"seal: entry 1204 is sealed: pass the ledger's public key as --ledger-key",
		},
		"no head": {
			s.granted(), func(r *access.Receipt) { r.LedgerHead = nil }, s.with,
			"seal: the receipt carries no head",
		},
		"kept by another lease": {s.expired(), func(r *access.Receipt) {
			at := last(r).Writes[0].At
			*last(r) = proof(*r, access.OpRelease, access.StillHeld, at, holding(soc), holding(soc))
			r.Outcome = access.StillHeld
		}, s.with, "state: expired: the lease ended, and the role stays"},
		"replaced another lease's role": {s.granted(), func(r *access.Receipt) {
			h := access.Holding{Level: soc.Level, RoleID: "29", ScopeID: soc.ScopeID}
			last(r).Writes[0].Before = holding(h, other)
		}, s.with, "proof of grant: it replaced role 29 at site 31, which another request's lease may have given"},
		"released late": {s.expired(), func(r *access.Receipt) {
			*last(r) = released(*r, given.Add(5*time.Hour))
			r.FinishedAt = given.Add(6 * time.Hour)
		}, s.with, "end: released at 2026-03-03 17:00:40 UTC, 1h0m0s after its approved end"},
		"cancelled in Temporal": {
			s.ended(), func(r *access.Receipt) { r.State, r.Stop = "cancelled", nil }, s.with,
			"end: released at 2026-03-03 13:00:41 UTC, and it was cancelled in Temporal",
		},
		"extended by an old version": {s.extended(), func(r *access.Receipt) {
			r.Extensions[0].Asked, r.Extensions[0].Decisions = nil, nil
		}, s.with, "extension 1: until 2026-03-03 18:00:41 UTC: moved by bob@example.com, and nobody was asked"},
		"clocks differ": {s.granted(), func(r *access.Receipt) {
			r.Proofs = applied(*r, noon.Add(20*time.Second))
		}, s.with, "first write: it is 10s before the last approval, as far as clocks may differ"},
		"too many writes": {
			s.granted(), func(r *access.Receipt) { last(r).Omitted = 3 }, s.with,
			"proof of grant: 3 writes are left out",
		},
	} {
		c.change(&c.r)
		require.Contains(t, strings.Join(s.verify(c.r, c.with, signing.Unchecked), "\n"), c.want, name)
	}
	unsealed := s.granted()
	unsealed.LedgerHead.Seal = access.Unsealed
	require.Contains(t, s.verify(unsealed, noKey, signing.Unsigned)[0], "seal: the ledger is not sealed")
}
