package manifests

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The types of the Temporal Worker Controller, as far as a person sets them: api/v1alpha1 of
// github.com/temporalio/temporal-worker-controller v1.8.1 (MIT), whose module the proxy does not serve.

type workerDeployment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Replicas                *int32                 `json:"replicas,omitempty"`
		Template                corev1.PodTemplateSpec `json:"template"`
		MinReadySeconds         int32                  `json:"minReadySeconds,omitempty"`
		ProgressDeadlineSeconds *int32                 `json:"progressDeadlineSeconds,omitempty"`
		Rollout                 struct {
			Strategy string `json:"strategy"`
			Steps    []struct {
				RampPercentage int             `json:"rampPercentage"`
				PauseDuration  metav1.Duration `json:"pauseDuration"`
			} `json:"steps,omitempty"`
		} `json:"rollout"`
		Sunset struct {
			ScaledownDelay *metav1.Duration `json:"scaledownDelay"`
			DeleteDelay    *metav1.Duration `json:"deleteDelay"`
		} `json:"sunset"`
		WorkerOptions struct {
			ConnectionRef struct {
				Name string `json:"name"`
			} `json:"connectionRef"`
			TemporalNamespace   string `json:"temporalNamespace"`
			UnsafeCustomBuildID string `json:"unsafeCustomBuildID,omitempty"`
		} `json:"workerOptions"`
	} `json:"spec"`
}

type connection struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		HostPort string `json:"hostPort"`
		TLS      *struct {
			ServerName string `json:"serverName,omitempty"`
		} `json:"tls,omitempty"`
		MutualTLSSecretRef *struct {
			Name string `json:"name"`
		} `json:"mutualTLSSecretRef,omitempty"`
		APIKeySecretRef *corev1.SecretKeySelector `json:"apiKeySecretRef,omitempty"`
	} `json:"spec"`
}
