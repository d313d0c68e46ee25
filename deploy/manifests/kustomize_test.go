package manifests

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Every folder that a person may apply holds together: selectors find the pod, settings are known, their files mounted.
func TestKustomize_Overlays(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"base", "overlays/production", "overlays/worker-controller"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			o := buildFolder(t, dir)
			requireTogether(t, o)
			requireHardened(t, o.template().Spec)
			requireSettings(t, o)
			requireNetwork(t, o)
		})
	}
}

// requireTogether checks that what names the pod by labels and ports means it.
func requireTogether(t *testing.T, o objects) {
	t.Helper()
	pod := o.template()
	selectors := map[string]*metav1.LabelSelector{
		"service":     {MatchLabels: o.service.Spec.Selector},
		"disruptions": o.disruptions.Spec.Selector,
		"network":     &o.network.Spec.PodSelector,
		"spread":      pod.Spec.TopologySpreadConstraints[0].LabelSelector,
	}
	if o.deployment != nil {
		selectors["deployment"] = o.deployment.Spec.Selector
		require.Equal(t, int32(2), *o.deployment.Spec.Replicas)
	}
	for name, s := range selectors {
		require.NotEmpty(t, s.MatchLabels, name)
		selector, err := metav1.LabelSelectorAsSelector(s)
		require.NoError(t, err)
		require.True(t, selector.Matches(labels.Set(pod.Labels)), "%s: %v of %v", name, s, pod.Labels)
	}
	if o.monitor != nil {
		selector, err := metav1.LabelSelectorAsSelector(&o.monitor.Spec.Selector)
		require.NoError(t, err)
		require.True(t, selector.Matches(labels.Set(o.service.Labels)), "monitor: %v", o.service.Labels)
		require.Equal(t, o.service.Spec.Ports[0].Name, o.monitor.Spec.Endpoints[0].Port)
	}
	require.Equal(t, o.account.Name, pod.Spec.ServiceAccountName)
	c := pod.Spec.Containers[0]
	port := c.Ports[0]
	require.True(t, strings.HasSuffix(o.settings.Data["METRICS_ADDRESS"], ":9464"))
	require.Equal(t, int32(9464), port.ContainerPort)
	require.Equal(t, port.Name, o.service.Spec.Ports[0].TargetPort.StrVal)
	require.Equal(t, c.LivenessProbe.HTTPGet, c.StartupProbe.HTTPGet)
	for path, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		require.NotNil(t, probe)
		require.Equal(t, path, probe.HTTPGet.Path)
		require.Equal(t, port.Name, probe.HTTPGet.Port.StrVal)
	}
}

// requireHardened checks that the pod has no rights beyond its own files.
func requireHardened(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	require.False(t, *pod.AutomountServiceAccountToken)
	require.False(t, pod.HostNetwork || pod.HostPID || pod.HostIPC)
	require.True(t, *pod.SecurityContext.RunAsNonRoot)
	require.Equal(t, int64(65532), *pod.SecurityContext.RunAsUser)
	require.Equal(t, int64(65532), *pod.SecurityContext.FSGroup)
	require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
	require.Greater(t, *pod.TerminationGracePeriodSeconds, int64(75), "a worker hands over within 75 seconds")
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]
	require.False(t, *c.SecurityContext.AllowPrivilegeEscalation)
	require.False(t, *c.SecurityContext.Privileged)
	require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem)
	require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop)
	require.Empty(t, c.SecurityContext.Capabilities.Add)
	require.False(t, c.Resources.Limits.Memory().IsZero())
	require.Empty(t, c.Env, "settings are in the ConfigMap, secrets in files")
}

// requireSettings checks that the worker knows each setting, that none is a secret, and that each file is mounted.
func requireSettings(t *testing.T, o objects) {
	t.Helper()
	known, pod := knownVariables(t), o.template().Spec
	require.Equal(t, o.settings.Name, pod.Containers[0].EnvFrom[0].ConfigMapRef.Name)
	mounts, volumes := map[string]string{}, map[string]corev1.Volume{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = v
		if v.Secret != nil {
			require.Equal(t, int32(0o440), *v.Secret.DefaultMode, "as signing.ClosedToOthers wants it")
		}
	}
	for _, m := range pod.Containers[0].VolumeMounts {
		require.Contains(t, volumes, m.Name)
		require.Empty(t, m.SubPath, "a file that is mounted alone does not follow its Secret")
		require.True(t, m.ReadOnly || volumes[m.Name].EmptyDir != nil, m.Name)
		mounts[m.MountPath] = m.Name
	}
	for name, value := range o.settings.Data {
		require.True(t, known[name], "the worker reads no variable %s", name)
		for _, secret := range []string{"SENTINELONE_API_TOKEN", "TEMPORAL_API_KEY", "NOTIFY_WEBHOOK_SECRET"} {
			require.NotEqual(t, secret, name)
		}
		if _, file, found := strings.Cut(value, "passfile="); found {
			value = file
		}
		if strings.HasPrefix(value, "/") {
			require.Contains(t, mounts, filepath.Dir(value), "%s=%s", name, value)
			secret := volumes[mounts[filepath.Dir(value)]].Secret != nil
			require.Equal(t, name != "POLICY_FILE" && name != "ALLOWED_SIGNERS", secret, name)
		}
	}
	require.NotRegexp(t, `://[^@/]*:[^@/]*@`, o.settings.Data["DATABASE_URL"], "it holds a password")
	require.Equal(t, "required", o.settings.Data["SIGNATURES"])
}

// requireNetwork checks that the worker reaches what it needs, and only Prometheus the worker.
func requireNetwork(t *testing.T, o objects) {
	t.Helper()
	spec := o.network.Spec
	require.Len(t, spec.PolicyTypes, 2)
	require.Len(t, spec.Ingress, 1)
	require.Len(t, spec.Ingress[0].From, 1)
	require.Equal(t, "metrics", spec.Ingress[0].Ports[0].Port.StrVal)
	open := map[int32]bool{}
	for _, rule := range spec.Egress {
		require.NotEmpty(t, rule.To)
		require.NotEmpty(t, rule.Ports)
		for _, p := range rule.Ports {
			open[p.Port.IntVal] = true
		}
	}
	require.Equal(t, map[int32]bool{53: true, 443: true, 5432: true, 7233: true}, open)
}

// The overlay of production names an image by its digest.
func TestKustomize_Production(t *testing.T) {
	t.Parallel()
	o := buildFolder(t, "overlays/production")
	require.Regexp(t, `^registry\.example\.com/sentinelone-provisioner@sha256:[0-9a-f]{64}$`,
		o.template().Spec.Containers[0].Image)
	require.NotNil(t, o.monitor)
}

// The Worker Controller gets what its types want, keeps old workers for as long as writers need them, and finds none of
// the variables that it sets itself.
func TestKustomize_WorkerController(t *testing.T) {
	t.Parallel()
	o := buildFolder(t, "overlays/worker-controller")
	require.Nil(t, o.deployment)
	require.NotNil(t, o.controlled)
	spec := o.controlled.Spec
	require.Contains(t, spec.Template.Spec.Containers[0].Image, "@sha256:")
	require.Equal(t, o.connection.Name, spec.WorkerOptions.ConnectionRef.Name)
	require.NotEmpty(t, spec.WorkerOptions.TemporalNamespace)
	require.Greater(t, spec.Sunset.ScaledownDelay.Duration, 6*time.Hour)
	require.Greater(t, spec.Sunset.DeleteDelay.Duration, spec.Sunset.ScaledownDelay.Duration)
	require.Equal(t, "Progressive", spec.Rollout.Strategy)
	for _, s := range spec.Rollout.Steps {
		require.GreaterOrEqual(t, s.PauseDuration.Duration, 30*time.Second)
		require.True(t, s.RampPercentage > 0 && s.RampPercentage < 100)
	}
	for name := range o.settings.Data {
		require.False(t, strings.HasPrefix(name, "TEMPORAL_"), name)
	}
}

// Each way to Temporal Cloud mounts its Secret and reads it by file.
func TestKustomize_TemporalCloud(t *testing.T) {
	t.Parallel()
	for component, variables := range map[string][]string{
		"temporal-api-key": {"TEMPORAL_CONFIG_FILE"},
		"temporal-mtls": {
			"TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH", "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
		},
	} {
		t.Run(component, func(t *testing.T) {
			t.Parallel()
			o := decode(t, withComponent(t, component), "/cloud")
			requireHardened(t, o.template().Spec)
			requireSettings(t, o)
			for _, name := range variables {
				require.Equal(t, "/run/secrets/temporal", filepath.Dir(o.settings.Data[name]))
			}
			_, address := o.settings.Data["TEMPORAL_ADDRESS"]
			require.Equal(t, component == "temporal-mtls", address, "a variable would come before the file")
		})
	}
}

// withComponent is a folder /cloud with the base and one component, on files in memory.
func withComponent(t *testing.T, component string) filesys.FileSystem {
	t.Helper()
	files := filesys.MakeFsInMemory()
	disk := filesys.MakeFsOnDisk()
	for _, dir := range []string{"base", "components/" + component} {
		source := filepath.Join("..", "kustomize", dir)
		names, err := disk.ReadDir(source)
		require.NoError(t, err)
		for _, name := range names {
			text, err := disk.ReadFile(filepath.Join(source, name))
			require.NoError(t, err)
			require.NoError(t, files.WriteFile("/"+dir+"/"+name, text))
		}
	}
	require.NoError(t, files.WriteFile("/cloud/kustomization.yaml", []byte("kind: Kustomization\n"+
		"resources: [../base]\ncomponents: [../components/"+component+"]\n")))
	return files
}
