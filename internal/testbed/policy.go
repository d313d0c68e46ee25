package testbed

import (
	"os"
	"path/filepath"
)

// AutoApprove is a policy under which nobody is asked, for whatever is not about consent.
const AutoApprove = "rules:\n  - {name: all, permanent: true, autoApprove: true}\n"

// PolicyFile writes a policy into a folder, and returns the setting that has a worker
// follow it.
func PolicyFile(dir, text string) (setting string, err error) {
	file := filepath.Join(dir, "policy.yaml")
	return "POLICY_FILE=" + file, os.WriteFile(file, []byte(text), 0o600)
}
