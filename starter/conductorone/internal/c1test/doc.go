// Package c1test is a ConductorOne for tests: its token endpoint and the gRPC service that connectors in service mode
// speak to, over TLS on one port of the loopback interface, with a certificate authority of its own.
//
// In a test:
//
//	c1 := c1test.Start(t)
//	// … start the connector with c1.Env() …
//	sync := c1.Queue(c1test.FullSync())
//	done := sync.Wait(ctx)       // what the connector sent until FinishTask
//	contents := done.Contents(t) // of the uploaded .c1z, read with the SDK
//	ended := c1.RunAction(ctx, "extend", args) // invoked, and its status asked for until it has ended
//
// It is strict: every message is validated as ConductorOne's own protocol files say, the client's JWT is verified
// (signature, issuer, subject, audience, times), and so are the checksums of uploads. What is not as it must be is
// refused, recorded, and fails the test at its end, unless the test expects it ([Server.ExpectFaults]).
//
// Only tests import it.
package c1test
