// Package signing makes and verifies SSH signatures over requests, decisions and delegations,
// in the format of `ssh-keygen -Y`, so that a name in one of them is proven instead of claimed.
// An allowed_signers file, as OpenSSH has it, lists which key may sign for whom.
//
// docs/signing.md explains how to make and verify such a signature by hand. The formats are
// OpenSSH's: PROTOCOL.sshsig, and ALLOWED SIGNERS in ssh-keygen(1).
package signing
