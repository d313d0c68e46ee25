// Package accounts creates and deletes users and service users for ConductorOne, reads single resources, and offers
// actions that ConductorOne has no word for. It changes nothing itself: each change is a request to a workflow of this
// project, under its policy.
package accounts
