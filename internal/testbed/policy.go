package testbed

import (
	"os"
	"path/filepath"
)

// AutoApprove is a policy without approvals, for tests and benchmarks of other things.
const AutoApprove = "rules:\n  - {name: all, permanent: true, autoApprove: true}\n"

// PolicyFile writes a policy into a folder, and returns the setting POLICY_FILE=… for a worker.
func PolicyFile(dir, text string) (setting string, err error) {
	file := filepath.Join(dir, "policy.yaml")
	return "POLICY_FILE=" + file, os.WriteFile(file, []byte(text), 0o600)
}
