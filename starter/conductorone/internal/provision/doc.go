// Package provision grants and revokes roles for ConductorOne, through the requests of this project: it looks
// before it asks, joins the request that runs, waits for its end within a bound, and puts how it ended into what
// ConductorOne understands.
//
// ConductorOne tells a connector neither who requested or approved something nor for how long, gives a task about five
// minutes, and runs few tasks at once. So a request goes on in Temporal when the connector stops waiting, and what
// ConductorOne sends again finds it.
package provision
