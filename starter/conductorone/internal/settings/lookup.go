package settings

import "reflect"

// The SDK asks for settings by the name of their flag when it checks them against the schema.

// GetString returns a setting that is text.
func (s *Settings) GetString(name string) string {
	if secret := lookup[Secret](s, name); secret != "" {
		return string(secret)
	}
	return lookup[string](s, name)
}

// GetBool returns a setting that is true or false.
func (s *Settings) GetBool(name string) bool { return lookup[bool](s, name) }

// GetInt returns a setting that is a number.
func (s *Settings) GetInt(name string) int { return lookup[int](s, name) }

// GetStringSlice returns a setting that is a list.
func (s *Settings) GetStringSlice(name string) []string { return lookup[[]string](s, name) }

// GetStringMap returns a setting that is a map.
func (s *Settings) GetStringMap(name string) map[string]any { return lookup[map[string]any](s, name) }

// lookup returns the field that the flag sets, or the zero value if there is none of that type.
func lookup[T any](s *Settings, name string) (out T) {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("mapstructure") == name {
			out, _ = reflect.TypeAssert[T](v.Field(i))
		}
	}
	return out
}
