package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"
)

// fileVariable names the settings file. Without it, the SDK reads .baton.yaml in the folder where it runs, if that is
// there.
const fileVariable = "BATON_CONFIG_PATH"

// yamlLine finds the line in a message about YAML, whose other words may repeat a secret.
var yamlLine = regexp.MustCompile(`line [0-9]+`)

// CheckFile fails if the settings file is missing, cannot be read, or has a name that is no setting. The SDK ignores
// all of that without a word, and reads a file with another ending, such as .json, in place of the one named.
func CheckFile(values *viper.Viper, command *cobra.Command) error {
	path := os.Getenv(fileVariable)
	err := values.ReadInConfig()
	if _, missing := errors.AsType[viper.ConfigFileNotFoundError](err); missing {
		if path == "" {
			return nil
		}
		return fmt.Errorf("there is no settings file %q: correct %s, or unset it", path, fileVariable)
	}
	used := values.ConfigFileUsed()
	_, denied := errors.AsType[*os.PathError](err)
	switch {
	case path != "" && filepath.Base(path) != filepath.Base(used):
		return fmt.Errorf("%s is %q, and the SDK reads %q in its place: leave one of them there",
			fileVariable, path, used)
	case denied:
		return fmt.Errorf("cannot read the settings file: %w", err)
	case err != nil:
		return fmt.Errorf("the settings file %q has no lines `setting: value` (YAML%s): correct it", used,
			strings.TrimRight(" "+yamlLine.FindString(err.Error()), " "))
	}
	return unknown(values, command, used)
}

// unknown fails if the file has names that are no settings.
func unknown(values *viper.Viper, command *cobra.Command, file string) error {
	var names []string
	for _, key := range values.AllKeys() {
		name, _, _ := strings.Cut(key, ".")
		if values.InConfig(name) && command.Flags().Lookup(name) == nil {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("the settings file %q has %q, which are no settings: write them as the flags, without the "+
		"dashes in front", file, slices.Compact(names))
}
