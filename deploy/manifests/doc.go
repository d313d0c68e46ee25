// Package manifests holds the tests of what deploys the worker: the manifests in deploy/kustomize are built as kubectl
// builds them, and decoded strictly into the types that the cluster decodes them into.
package manifests
