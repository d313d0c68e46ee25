package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/ledger"
)

// chain is n entries, chained, with their head.
func chain(t *testing.T, n int) ([]ledger.Entry, ledger.Head) {
	t.Helper()
	var head ledger.Head
	out := make([]ledger.Entry, n)
	for i := range out {
		e, err := ledger.NewEntry{
			Request: "grant/1", Key: fmt.Sprintf("grant/1#%d/cancelled", i),
			Body: ledger.Cancelled{Change: fmt.Sprint(i)},
		}.Entry(console, noon)
		require.NoError(t, err)
		out[i], head = head.Chain(e)
	}
	return out, head
}

func verified(all []ledger.Entry, head, noted ledger.Head) ledger.Report {
	v := ledger.NewVerifier(console, ledger.VerifyOptions{Noted: []ledger.Head{noted}})
	for _, e := range all {
		v.Add(e)
	}
	return v.End(head)
}

// An untouched chain is whole, also by every head that was noted. Of an empty one, and of one that is
// neither sealed nor compared with anything, that cannot be told.
func TestVerifier_Whole(t *testing.T) {
	t.Parallel()
	empty := verified(nil, ledger.Head{}, ledger.Head{})
	require.Len(t, empty.Unchecked, 1)
	require.Contains(t, empty.Unchecked[0], "the ledger is empty, and nothing outside the database says whether it ")
	all, head := chain(t, 7)
	want := ledger.Report{Console: console, Entries: 7, Head: ledger.Head{Seq: 7, Hash: all[6].Hash}}
	alone := verified(all, head, ledger.Head{})
	require.Len(t, alone.Unchecked, 1)
	require.Contains(t, alone.Unchecked[0], "whether the whole ledger was rewritten: it is not sealed")
	alone.Unchecked = nil
	require.Equal(t, want, alone)
	for _, e := range all {
		require.Equal(t, want, verified(all, head, ledger.Head{Seq: e.Seq, Hash: e.Hash}))
	}
}

// Each kind of tampering is told in a sentence that names the entry.
func TestVerifier_Faults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper func(all []ledger.Entry, head *ledger.Head) []ledger.Entry
		want   []ledger.Fault
	}{
		"altered": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry { all[2].Body = []byte("{}"); return all },
			[]ledger.Fault{{3, "entry 3 is not as it was written: its hash does not fit what it says"}},
		},
		"one removed": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry { return slices.Delete(all, 2, 3) },
			[]ledger.Fault{{3, "entry 3 is missing before entry 4"}},
		},
		"the first removed": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry { return all[2:] },
			[]ledger.Fault{{1, "entries 1 to 2 are missing before entry 3"}},
		},
		"the last removed": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry { return all[:4] },
			[]ledger.Fault{{5, "entries 5 to 6 are missing at the end: the head says that 6 is the last"}},
		},
		"all removed": {
			func([]ledger.Entry, *ledger.Head) []ledger.Entry { return nil },
			[]ledger.Fault{{1, "entries 1 to 6 are missing at the end: the head says that 6 is the last"}},
		},
		"inserted": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry { return slices.Insert(all, 3, all[2]) },
			[]ledger.Fault{{3, "an entry 3 should not be there: the number is there already, or is below 1"}},
		},
		"reordered": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry {
				all[2].Seq, all[3].Seq = 4, 3
				all[2], all[3] = all[3], all[2]
				return all
			},
			[]ledger.Fault{
				{3, "entry 3 does not follow entry 2: it names another hash than that one has"},
				{3, "entry 3 is not as it was written: its hash does not fit what it says"},
				{4, "entry 4 does not follow entry 3: it names another hash than that one has"},
				{4, "entry 4 is not as it was written: its hash does not fit what it says"},
				{5, "entry 5 does not follow entry 4: it names another hash than that one has"},
			},
		},
		"the head removed": {
			func(all []ledger.Entry, head *ledger.Head) []ledger.Entry { *head = ledger.Head{}; return all },
			[]ledger.Fault{{
				6, "the head is missing: entry 6 is the last there is, and more may have been removed",
			}},
		},
		"the head moved back": {
			func(all []ledger.Entry, head *ledger.Head) []ledger.Entry { head.Seq = 5; return all },
			[]ledger.Fault{{6, "entry 6 is not written by this program: the head says that 5 is the last"}},
		},
		"the head altered": {
			func(all []ledger.Entry, head *ledger.Head) []ledger.Entry { head.Hash = "x"; return all },
			[]ledger.Fault{{6, "entry 6 is not the one that was written last: the head has another hash"}},
		},
		"a copy at the end": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry {
				e := all[5]
				e.Seq = 7
				return append(all, e)
			},
			[]ledger.Fault{
				{7, "entry 7 does not follow entry 6: it names another hash than that one has"},
				{7, "entry 7 is not as it was written: its hash does not fit what it says"},
				{7, "entry 7 is not written by this program: the head says that 6 is the last"},
			},
		},
		"a copy in front": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry {
				e := all[0]
				e.Seq = 0
				return slices.Insert(all, 0, e)
			},
			[]ledger.Fault{
				{0, "an entry 0 should not be there: the number is there already, or is below 1"},
				{0, "entry 0 is not as it was written: its hash does not fit what it says"},
			},
		},
		"another predecessor": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry { all[0].Prev = all[0].Hash; return all },
			[]ledger.Fault{
				{1, "entry 1 names an entry before it, and there is none"},
				{1, "entry 1 is not as it was written: its hash does not fit what it says"},
			},
		},
		"another hash": {
			func(all []ledger.Entry, _ *ledger.Head) []ledger.Entry { all[1].Hash = "x"; return all },
			[]ledger.Fault{
				{2, "entry 2 is not as it was written: its hash does not fit what it says"},
				{3, "entry 3 does not follow entry 2: it names another hash than that one has"},
			},
		},
	} {
		all, head := chain(t, 6)
		all = c.tamper(all, &head)
		require.Equal(t, c.want, verified(all, head, ledger.Head{}).Faults, name)
	}
}

// A whole chain written anew, with its head, fits together. The head that was noted
// elsewhere does not.
func TestVerifier_Rewritten(t *testing.T) {
	t.Parallel()
	all, head := chain(t, 5)
	noted := ledger.Head{Seq: 3, Hash: "x"}
	require.Equal(t, []ledger.Fault{{
		3, "entry 3 is not the one noted earlier, whose hash is x: this entry or one before it was rewritten",
	}}, verified(all, head, noted).Faults)
	all, head = chain(t, 2)
	require.Equal(t, []ledger.Fault{{3, "entry 3 is missing at the end: entry 3 was noted earlier"}},
		verified(all, head, noted).Faults)
}

// A chain without any hash is reported with a bounded list.
func TestVerifier_ManyFaults(t *testing.T) {
	t.Parallel()
	all, head := chain(t, 300)
	for i := range all {
		all[i].Request = "grant/2"
	}
	faults := verified(all, head, ledger.Head{}).Faults
	require.Len(t, faults, 101)
	require.Equal(t, ledger.Fault{Seq: 300, Text: "200 more faults are not listed"}, faults[100])
}

// Whatever one change to a chain is, it is found.
func TestVerifier_Property(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 8))
		all, head := chain(t, 2+r.IntN(6))
		i, j := r.IntN(len(all)), r.IntN(len(all))
		switch r.IntN(5) {
		case 0:
			all = slices.Delete(all, i, i+1)
		case 1:
			all = slices.Insert(all, j, all[i])
		case 2:
			if i == j {
				continue
			}
			all[i], all[j] = all[j], all[i]
		case 3:
			all[i].Key += "0"
		case 4:
			all[i].At = all[i].At.Add(time.Duration(1+r.IntN(1e6)) * time.Microsecond)
		}
		require.NotEmpty(t, verified(all, head, ledger.Head{}).Faults, "seed %d", seed)
	}
}
