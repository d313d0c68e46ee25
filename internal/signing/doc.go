// Package signing makes and checks SSH signatures over what people ask and decide, in
// the format of `ssh-keygen -Y`, so that a name in a request or a decision is more than
// a claim. Who may sign for whom stands in an allowed_signers file, as in OpenSSH.
//
// docs/signing.md says how to make and check such a signature by hand. The formats are
// OpenSSH's: PROTOCOL.sshsig, and ALLOWED SIGNERS in ssh-keygen(1).
package signing
