package manifests

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const root = "../.."

// objects are those of one overlay, by kind.
type objects struct {
	settings    corev1.ConfigMap
	account     corev1.ServiceAccount
	deployment  *appsv1.Deployment // nil under the Worker Controller
	controlled  *workerDeployment  // nil without it
	connection  *connection
	service     corev1.Service
	disruptions policyv1.PodDisruptionBudget
	network     networkingv1.NetworkPolicy
	monitor     *monitoringv1.ServiceMonitor
}

// template is the pod of the overlay.
func (o objects) template() corev1.PodTemplateSpec {
	if o.deployment != nil {
		return o.deployment.Spec.Template
	}
	return o.controlled.Spec.Template
}

// buildFolder builds a folder of deploy/kustomize as `kubectl kustomize` does, and decodes each object strictly.
func buildFolder(t *testing.T, dir string) objects {
	t.Helper()
	return decode(t, filesys.MakeFsOnDisk(), filepath.Join("..", "kustomize", dir))
}

func decode(t *testing.T, files filesys.FileSystem, dir string) (o objects) {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, dir)
	require.NoError(t, err)
	for _, r := range built.Resources() {
		text, err := r.MarshalJSON()
		require.NoError(t, err)
		var into any
		switch kind := r.GetApiVersion() + " " + r.GetKind(); kind {
		case "v1 ConfigMap":
			into = &o.settings
		case "v1 ServiceAccount":
			into = &o.account
		case "apps/v1 Deployment":
			o.deployment = &appsv1.Deployment{}
			into = o.deployment
		case "temporal.io/v1alpha1 WorkerDeployment":
			o.controlled = &workerDeployment{}
			into = o.controlled
		case "temporal.io/v1alpha1 Connection":
			o.connection = &connection{}
			into = o.connection
		case "v1 Service":
			into = &o.service
		case "policy/v1 PodDisruptionBudget":
			into = &o.disruptions
		case "networking.k8s.io/v1 NetworkPolicy":
			into = &o.network
		case "monitoring.coreos.com/v1 ServiceMonitor":
			o.monitor = &monitoringv1.ServiceMonitor{}
			into = o.monitor
		default:
			t.Fatalf("no type for %s", kind)
		}
		unknown, err := json.UnmarshalStrict(text, into) // as the cluster: names of another case are unknown
		require.NoError(t, err)
		require.Empty(t, unknown)
	}
	return o
}

var row = regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\|")

// knownVariables are those that the README describes, which is what the worker reads.
func knownVariables(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	known := map[string]bool{}
	for _, m := range row.FindAllSubmatch(text, -1) {
		known[string(m[1])] = true
	}
	require.Greater(t, len(known), 40)
	return known
}
