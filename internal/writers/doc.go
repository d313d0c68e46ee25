// Package writers looks after the writers of principals: workflow Principal, the one that changes a principal's roles.
// Whoever reaches the namespace can start another workflow under a writer's id, or pause it. Such a writer would hold
// up every revoke and release of its principal.
package writers
