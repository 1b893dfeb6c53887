package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// Source says where settings come from, beside the defaults.
type Source struct {
	File  string            // a YAML file; empty: none
	Flags map[string]string // key to value, for flags that were given
}

// Load returns defaults < file < environment < flags, validated. An unknown
// key in the file is an error that names it. Errors are one line.
func Load(s Source) (Config, error) {
	c, err := load(s)
	if err != nil {
		return Config{}, sentence{err}
	}
	return c, nil
}

func load(s Source) (Config, error) {
	v := viper.New()
	// Viper asks the environment only for keys that it knows.
	known := map[string]bool{}
	walk(Default(), func(f field) {
		known[f.key] = true
		v.SetDefault(f.key, f.value.Interface())
	})
	v.SetEnvPrefix("FIELDCAST")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	if s.File != "" {
		if err := readFile(v, s.File, known); err != nil {
			return Config{}, err
		}
	}
	for key, value := range s.Flags {
		v.Set(key, value)
	}
	var c Config
	hook := mapstructure.ComposeDecodeHookFunc(
		mapstructure.TextUnmarshallerHookFunc(),
		mapstructure.StringToTimeDurationHookFunc(),
		mapstructure.StringToSliceHookFunc(","),
	)
	err := v.UnmarshalExact(&c, viper.DecodeHook(hook), func(d *mapstructure.DecoderConfig) { d.TagName = "key" })
	if err != nil {
		return Config{}, fmt.Errorf("settings: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, fmt.Errorf("settings: %w", err)
	}
	return c, nil
}

func readFile(v *viper.Viper, path string, known map[string]bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("config file %s does not exist", path)
	}
	if err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	defer f.Close() // only read
	file := viper.New()
	file.SetConfigType("yaml")
	if err := file.ReadConfig(f); err != nil {
		return fmt.Errorf("config file %s: %w", path, err)
	}
	var unknown []string
	for _, key := range file.AllKeys() {
		if !known[key] {
			unknown = append(unknown, describeUnknown(key, known))
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return fmt.Errorf("config file %s: %s", path, strings.Join(unknown, "; "))
	}
	return v.MergeConfigMap(file.AllSettings())
}

func describeUnknown(key string, known map[string]bool) string {
	message := fmt.Sprintf("unknown key %q", key)
	best, distance := "", 4
	for k := range known {
		if d := editDistance(key, k); d < distance || d == distance && k < best {
			best, distance = k, d
		}
	}
	if best != "" {
		message += fmt.Sprintf(" (did you mean %q?)", best)
	}
	return message
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// field is one setting of a Config, or the head of a group.
type field struct {
	key    string // dotted
	name   string // last part of key
	doc    string
	secret bool
	group  bool
	value  reflect.Value
}

// walk calls visit for every setting, in the order of the struct.
func walk(c Config, visit func(field)) {
	walkAll(c, func(f field) {
		if !f.group {
			visit(f)
		}
	})
}

func walkAll(c Config, visit func(field)) { walkStruct(reflect.ValueOf(c), nil, visit) }

func walkStruct(v reflect.Value, path []string, visit func(field)) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		at := append(slices.Clone(path), tag.Get("key"))
		f := field{
			key: strings.Join(at, "."), name: tag.Get("key"), doc: tag.Get("doc"),
			secret: tag.Get("secret") != "", value: v.Field(i),
		}
		f.group = f.value.Kind() == reflect.Struct
		visit(f)
		if f.group {
			walkStruct(f.value, at, visit)
		}
	}
}
