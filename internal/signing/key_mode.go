package signing

import (
	"io/fs"
	"os"
)

// ClosedToOthers reports whether only this user may read the file of a private key: its mode is 0600 or less. As for
// OpenSSH, a file of root is also closed if its group may read it, and nobody else (0440, 0640): so Kubernetes
// (fsGroup) and systemd (LoadCredential, whose access list shows as the group's bits) give a secret to a program
// without rights.
func ClosedToOthers(info fs.FileInfo) bool {
	return closedToOthers(info.Mode().Perm(), ownerOf(info), os.Geteuid())
}

// closedToOthers judges a mode by the ids of the file's owner and of this user; below 0: unknown.
func closedToOthers(mode fs.FileMode, owner, user int) bool {
	if owner == 0 && user > 0 {
		return mode&0o037 == 0
	}
	return mode&0o077 == 0
}
