package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/envvar"
)

// Deployment makes the worker one version of a worker deployment of Temporal (worker
// versioning); without both names the worker is not versioned. The Temporal Worker Controller
// sets these variables.
type Deployment struct {
	Name    string `env:"TEMPORAL_DEPLOYMENT_NAME" help:"worker deployment in Temporal that this worker belongs to (docs/deploy.md); unset: the worker is not versioned"`
	BuildID string `env:"TEMPORAL_WORKER_BUILD_ID" help:"id of this build within the worker deployment, another one for each release; needs TEMPORAL_DEPLOYMENT_NAME"`
	// RollbackTo also serves workers that are not versioned.
	RollbackTo string `env:"ROLLBACK_TO" help:"release, such as 0.6.0, that this worker may have to be replaced by again: workflows take no step that it does not know (docs/deploy.md); unset: they take every step of this release"`
}

const (
	deploymentName = "TEMPORAL_DEPLOYMENT_NAME"
	buildID        = "TEMPORAL_WORKER_BUILD_ID"
)

// oldestRollback is the first release whose workflows a later one can go on like.
const oldestRollback = "0.5.0"

// maxDeploymentName is the limit of Temporal on either name, in bytes.
const maxDeploymentName = 480

// Versioned says whether the worker is a version of a worker deployment. A blank variable is
// unset.
func (d Deployment) Versioned() bool { return d.name() != "" && d.build() != "" }

// Version returns both names without blanks around them: "" for one that is not set.
func (d Deployment) Version() (name, build string) { return d.name(), d.build() }

func (d Deployment) name() string  { return strings.TrimSpace(d.Name) }
func (d Deployment) build() string { return strings.TrimSpace(d.BuildID) }

// Validate returns all faults of the two names, joined: one without the other, and what Temporal
// refuses when the worker first polls.
func (d Deployment) Validate() error {
	var faults []error
	for _, v := range []struct{ variable, value, other string }{
		{deploymentName, d.name(), d.build()}, {buildID, d.build(), d.name()},
	} {
		switch {
		case v.value == "" && v.other != "":
			faults = append(faults, fmt.Errorf("%s is not set, but %s is: set both, or unset both",
				v.variable, strings.TrimPrefix(deploymentName+buildID, v.variable)))
		case strings.HasPrefix(v.value, "__"):
			faults = append(faults, fmt.Errorf("%s begins with __, which Temporal keeps for itself: "+
				"set another name", v.variable))
		case len(v.value) > maxDeploymentName:
			faults = append(faults, fmt.Errorf("%s is %d bytes long: set a name of at most %d",
				v.variable, len(v.value), maxDeploymentName))
		}
	}
	if strings.ContainsAny(d.name(), ".:") {
		faults = append(faults, errors.New("TEMPORAL_DEPLOYMENT_NAME contains a dot or a colon, which Temporal "+
			"refuses: set a name without them"))
	}
	if to := d.rollback(); to != "" && (!release.MatchString(to) || CompareReleases(to, oldestRollback) < 0) {
		faults = append(faults, fmt.Errorf("ROLLBACK_TO is %s: set it to a release from %s on, such as 0.6.0",
			envvar.Shown(to), oldestRollback))
	}
	return errors.Join(faults...)
}

// release is a version such as 0.6.0.
var release = regexp.MustCompile(`^\d{1,6}\.\d{1,6}\.\d{1,6}$`)

// CompareReleases returns -1, 0 or 1 as release a, such as 0.6.0, is before, the same as, or after b.
func CompareReleases(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, _ := strconv.Atoi(x) // Validate has checked it
		n, _ := strconv.Atoi(y)
		return cmp.Compare(m, n)
	})
}

func (d Deployment) rollback() string { return strings.TrimSpace(d.RollbackTo) }

// Takes says whether workflows that this worker runs take a change of their steps that came with a
// release; "" is a change that every release knows.
func (d Deployment) Takes(change string) bool {
	to := d.rollback()
	return to == "" || change == "" || CompareReleases(change, to) <= 0
}
