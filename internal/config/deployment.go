package config

import (
	"errors"
	"fmt"
	"strings"
)

// Deployment makes the worker one version of a worker deployment of Temporal (worker
// versioning); without both names the worker is not versioned. The Temporal Worker Controller
// sets these variables.
type Deployment struct {
	Name    string `env:"TEMPORAL_DEPLOYMENT_NAME" help:"worker deployment in Temporal that this worker belongs to (docs/deploy.md); unset: the worker is not versioned"`
	BuildID string `env:"TEMPORAL_WORKER_BUILD_ID" help:"id of this build within the worker deployment, another one for each release; needs TEMPORAL_DEPLOYMENT_NAME"`
}

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
		{"TEMPORAL_DEPLOYMENT_NAME", d.name(), d.build()}, {"TEMPORAL_WORKER_BUILD_ID", d.build(), d.name()},
	} {
		switch {
		case v.value == "" && v.other != "":
			faults = append(faults, fmt.Errorf("%s is not set, but the other variable of worker versioning is: "+
				"set both, or unset both", v.variable))
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
	return errors.Join(faults...)
}
