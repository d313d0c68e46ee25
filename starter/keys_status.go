package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/temporalclient"
)

// progressEvery is after how many histories the progress is shown.
const progressEvery = 100

func newKeysStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show which payload keys running workflows still need",
		Long: `Read the histories of all running workflows of TASK_QUEUE, and show which keys of
PAYLOAD_KEYS_FILE they need. Nothing is decrypted. Use the file of the worker. The states of a key:

  encrypts   it is on the first line: what is written from now on needs it
  needed     running workflows need it: keep its line
  unneeded   no running workflow needs it: its line can be removed
  missing    running workflows need it, and the file does not have it: exit code 1
  lost       the file gives it up: what needs it waits until it is terminated`,
		Example: `  starter keys status
  starter keys status -o json | jq '.keys[] | select(.state == "unneeded") | .id'`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return a.keysStatus(ctx) }),
	}
}

// payloadKeyStatus is one key in the output for programs.
type payloadKeyStatus struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Workflows []string  `json:"workflows"` // that need it, the oldest first
	Oldest    time.Time `json:"oldest,omitzero"`
}

// payloadKeysAnswer is the output for programs.
type payloadKeysAnswer struct {
	Workflows   int                `json:"workflows"`   // running ones
	Unencrypted int                `json:"unencrypted"` // of them, with payloads in clear
	Keys        []payloadKeyStatus `json:"keys"`
}

func (p *app) keysStatus(ctx context.Context) error {
	file, err := codec.ReadKeyFile(p.cfg.Worker.KeysFile)
	if err != nil {
		return badConfiguration(err)
	}
	t, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer t.Close()
	used, err := t.PayloadKeysInUse(ctx, func(read, all int) {
		if read%progressEvery == 0 {
			p.remark("read %d of %d histories", read, all)
		}
	})
	if err != nil {
		return err
	}
	out := payloadKeysAnswer{Workflows: used.Read, Unencrypted: used.Plain, Keys: payloadKeyStates(file, used)}
	if p.output.json {
		err = p.emitJSON(out)
	} else {
		p.printPayloadKeys(out)
	}
	if err != nil {
		return err
	}
	for _, k := range out.Keys {
		if k.State == "missing" {
			return fmt.Errorf("the key %q is missing, and %d running workflows need it: add its line to "+
				"PAYLOAD_KEYS_FILE", k.ID, len(k.Workflows))
		}
	}
	return nil
}

// payloadKeyStates lists the keys of the file in its order, and then those that the file does not have.
func payloadKeyStates(file codec.KeyFile, used temporalclient.KeysInUse) []payloadKeyStatus {
	out := []payloadKeyStatus{}
	add := func(id, state string) {
		use := used.Keys[id]
		if use.Workflows == nil {
			use.Workflows = []string{}
		}
		out = append(out, payloadKeyStatus{ID: id, State: state, Workflows: use.Workflows, Oldest: use.Oldest})
	}
	for i, k := range file.Keys {
		switch {
		case i == 0:
			add(k.ID, "encrypts")
		case len(used.Keys[k.ID].Workflows) > 0:
			add(k.ID, "needed")
		default:
			add(k.ID, "unneeded")
		}
	}
	for _, id := range file.Lost {
		add(id, "lost")
	}
	var missing []string
	for id := range used.Keys {
		if !slices.ContainsFunc(out, func(k payloadKeyStatus) bool { return k.ID == id }) {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	for _, id := range missing {
		add(id, "missing")
	}
	return out
}

func (p *app) printPayloadKeys(out payloadKeysAnswer) {
	rows := make([][]string, len(out.Keys))
	for i, k := range out.Keys {
		oldest, first := "", ""
		if len(k.Workflows) > 0 {
			oldest, first = describe.Second(k.Oldest), k.Workflows[0]
		}
		rows[i] = []string{k.ID, k.State, strconv.Itoa(len(k.Workflows)), oldest, first}
	}
	if len(rows) > 0 {
		p.emitTable([]string{"key", "state", "running workflows", "oldest since", "oldest"}, rows)
	}
	p.remark("%d running workflows, %d of them with payloads that no key has encrypted", out.Workflows, out.Unencrypted)
}
