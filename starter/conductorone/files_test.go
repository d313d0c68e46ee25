package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/field"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

var update = flag.Bool("update", false, "write the files instead of comparing them: make connector-files")

// program runs the connector that make has built, without settings of its own.
func program(t *testing.T, args ...string) []byte {
	t.Helper()
	bin := os.Getenv("BIN")
	require.NotEmpty(t, bin, "BIN is the folder of the built programs: run `make conductorone`, or use make")
	command := exec.CommandContext(t.Context(), filepath.Join(bin, settings.Name), args...)
	command.Stderr = t.Output()
	out, err := command.Output()
	require.NoError(t, err)
	return out
}

// What the connector prints of itself is what its repository says of it.
func TestFiles(t *testing.T) {
	t.Parallel()
	for file, command := range map[string]string{
		"baton_capabilities.json": "capabilities", "config_schema.json": "config",
	} {
		var tidy bytes.Buffer // the library that prints capabilities varies its blanks
		var value any
		require.NoError(t, json.Unmarshal(program(t, command), &value))
		encoder := json.NewEncoder(&tidy)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		require.NoError(t, encoder.Encode(value))
		compare(t, file, tidy.String())
	}
	page, err := os.ReadFile("docs/connector.mdx")
	require.NoError(t, err)
	page = between(t, page, "capabilities", capabilityTable(t))
	page = between(t, page, "settings", settingTable())
	compare(t, "docs/connector.mdx", string(page))
}

// compare compares a file with what it must be, or writes it.
func compare(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o600))
		return
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "%s differs from what the connector says: run `make connector-files`", file)
}

// between replaces what a page has between two comments.
func between(t *testing.T, page []byte, name, text string) []byte {
	t.Helper()
	part := regexp.MustCompile(`(?s)(\{/\* ` + name + ` \*/\}\n).*?(\n\{/\* end \*/\})`)
	require.True(t, part.Match(page), "the page has no part %q", name)
	return part.ReplaceAllFunc(page, func(old []byte) []byte {
		groups := part.FindSubmatch(old)
		return slices.Concat(groups[1], []byte("\n"+text+"\n"), groups[2])
	})
}

type capabilities struct {
	Types []struct {
		Type struct {
			Name string `json:"displayName"`
			Text string `json:"description"`
		} `json:"resourceType"`
		Capabilities []string `json:"capabilities"`
	} `json:"resourceTypeCapabilities"`
}

func capabilityTable(t *testing.T) string {
	t.Helper()
	var c capabilities
	require.NoError(t, json.Unmarshal(program(t, "capabilities"), &c))
	require.NotEmpty(t, c.Types)
	check := func(is bool) string {
		if is {
			return `<Icon icon="square-check" iconType="solid" color="#c937ae"/>`
		}
		return ""
	}
	rows := []string{"| Resource | Sync | Provision |", "| :--- | :--- | :--- |"}
	for _, r := range c.Types {
		provisions := slices.ContainsFunc(r.Capabilities, func(name string) bool {
			return name != "CAPABILITY_SYNC" && name != "CAPABILITY_TARGETED_SYNC"
		})
		rows = append(rows, fmt.Sprintf("| %s: %s | %s | %s |", r.Type.Name,
			strings.ToLower(r.Type.Text[:1])+r.Type.Text[1:],
			check(slices.Contains(r.Capabilities, "CAPABILITY_SYNC")), check(provisions)))
	}
	return strings.Join(rows, "\n")
}

func settingTable() string {
	rows := []string{"| Setting | Variable | Default | Meaning |", "| :--- | :--- | :--- | :--- |"}
	for _, f := range settings.Schema.Fields {
		fallback := ""
		if value := fmt.Sprint(f.DefaultValue); value != "" && value != "false" {
			fallback = "`" + value + "`"
		}
		rows = append(rows, fmt.Sprintf("| `--%s` | `%s` | %s | %s |", f.FieldName, variable(f.FieldName), fallback,
			strings.ReplaceAll(f.Description, "|", `\|`)))
	}
	return strings.Join(rows, "\n")
}

// variable is the name of a flag's variable.
func variable(name string) string {
	return "BATON_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// knownVariables are those of all flags, and one that the SDK reads without a flag.
func knownVariables() map[string]bool {
	known := map[string]bool{"BATON_HOST_ID": true}
	for _, f := range slices.Concat(settings.Schema.Fields, field.DefaultFields) {
		known[variable(f.FieldName)] = true
	}
	return known
}

// deployment is what the test looks at in deploy/kubernetes.yaml.
type deployment struct {
	Kind       string
	StringData map[string]string `yaml:"stringData"`
	Spec       struct {
		Replicas int
		Strategy struct{ Type string }
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				SecurityContext struct {
					RunAsNonRoot bool `yaml:"runAsNonRoot"`
					RunAsUser    int  `yaml:"runAsUser"`
				} `yaml:"securityContext"`
				Containers []struct {
					Env             []struct{ Name, Value string }
					SecurityContext struct {
						AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
						ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
						Capabilities             struct{ Drop []string }
					} `yaml:"securityContext"`
					VolumeMounts []struct {
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct {
					Secret struct {
						SecretName  string `yaml:"secretName"`
						DefaultMode int    `yaml:"defaultMode"`
					}
				}
			}
		}
	}
}

// The example for Kubernetes runs one process without rights, and names settings that there are.
func TestDeploy_Kubernetes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("deploy/kubernetes.yaml")
	require.NoError(t, err)
	secret, d := decodeDeployment(t, string(text))

	known, given := knownVariables(), map[string]bool{}
	for name := range secret.StringData {
		given[name] = true
	}
	require.Equal(t, 1, d.Spec.Replicas)
	require.Equal(t, "Recreate", d.Spec.Strategy.Type)
	pod := d.Spec.Template.Spec
	require.Subset(t, d.Spec.Template.Metadata.Labels, d.Spec.Selector.MatchLabels)
	require.True(t, pod.SecurityContext.RunAsNonRoot)
	require.Equal(t, 65532, pod.SecurityContext.RunAsUser)
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]
	require.NotNil(t, c.SecurityContext.AllowPrivilegeEscalation)
	require.False(t, *c.SecurityContext.AllowPrivilegeEscalation)
	require.True(t, c.SecurityContext.ReadOnlyRootFilesystem)
	require.Equal(t, []string{"ALL"}, c.SecurityContext.Capabilities.Drop)
	require.Len(t, c.VolumeMounts, 1)
	require.Equal(t, "/tmp", c.VolumeMounts[0].MountPath)
	for _, e := range c.Env {
		given[e.Name] = true
	}
	for name := range given {
		require.True(t, known[name], "the connector reads no variable %s", name)
	}
	requireSecretsApart(t, secret.StringData, given)
}

// decodeDeployment decodes the objects of the example for Kubernetes.
func decodeDeployment(t *testing.T, text string) (secret, d deployment) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	require.NoError(t, decoder.Decode(&secret))
	require.NoError(t, decoder.Decode(&d))
	require.Equal(t, []string{"Secret", "Deployment"}, []string{secret.Kind, d.Kind})
	return secret, d
}

// What is commented out for signed requests mounts the key and names it, and changes nothing else.
func TestDeploy_KubernetesSigning(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("deploy/kubernetes.yaml")
	require.NoError(t, err)
	_, plain := decodeDeployment(t, string(text))
	_, signing := decodeDeployment(t, strings.ReplaceAll(string(text), "#signing ", ""))
	c, before := &signing.Spec.Template.Spec.Containers[0], plain.Spec.Template.Spec.Containers[0]
	key, mount := c.Env[len(c.Env)-1], c.VolumeMounts[len(c.VolumeMounts)-1]
	require.Equal(t, variable("signing-key"), key.Name)
	require.Equal(t, mount.MountPath+"/key", key.Value)
	volumes := signing.Spec.Template.Spec.Volumes
	require.Len(t, volumes, 2)
	require.Equal(t, "baton-signing-key", volumes[1].Secret.SecretName)
	require.Equal(t, 0o440, volumes[1].Secret.DefaultMode)
	c.Env, c.VolumeMounts = c.Env[:len(c.Env)-1], c.VolumeMounts[:len(c.VolumeMounts)-1]
	require.Equal(t, before, *c)
}

// requireSecretsApart checks that what is secret is in the Secret only.
func requireSecretsApart(t *testing.T, secret map[string]string, given map[string]bool) {
	t.Helper()
	for _, f := range slices.Concat(settings.Schema.Fields, field.DefaultFields) {
		name := variable(f.FieldName)
		if f.Secret && given[name] {
			require.Contains(t, secret, name)
		}
	}
	require.Contains(t, secret, "BATON_CLIENT_SECRET")
	require.Contains(t, secret, "BATON_DATABASE_URL")
}

// The example for systemd has no key twice, takes its rights away, and names settings that there are.
func TestDeploy_Systemd(t *testing.T) {
	t.Parallel()
	unit := assignments(t, "deploy/"+settings.Name+".service")
	for key, want := range map[string]string{
		"ExecStart": "/usr/local/bin/" + settings.Name, "EnvironmentFile": "/etc/" + settings.Name + ".env",
		"DynamicUser": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes", "NoNewPrivileges": "yes",
		"CapabilityBoundingSet": "", "Restart": "always", "WantedBy": "multi-user.target",
	} {
		require.Contains(t, unit, key)
		require.Equal(t, want, unit[key], key)
	}
	known := knownVariables()
	variables := assignments(t, "deploy/"+settings.Name+".env")
	require.NotEmpty(t, variables)
	for name := range variables {
		require.True(t, known[name], "the connector reads no variable %s", name)
	}
}

// assignments are the lines "key=value" of a file; sections and comments aside, it has no other lines.
func assignments(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '[' {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		require.True(t, found, line)
		require.NotContains(t, out, key)
		out[key] = value
	}
	return out
}

// The image has the program alone, runs it without rights, and writes below /tmp.
func TestDeploy_Dockerfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	_, stage, found := strings.Cut(string(text), "FROM scratch AS connector\n")
	require.True(t, found)
	stage, _, found = strings.Cut(stage, "\nFROM ")
	require.True(t, found, "the connector's is not the image that is built without --target")
	for _, line := range []string{
		"COPY --from=build-connector /out/connector /usr/local/bin", "USER 65532:65532", "WORKDIR /tmp",
		`ENTRYPOINT ["` + settings.Name + `"]`,
	} {
		require.Contains(t, stage, line+"\n")
	}
	require.NotContains(t, stage, "VOLUME")
}
