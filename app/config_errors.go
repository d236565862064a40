package app

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// urlPassword is the password in a URL, up to the last @.
var urlPassword = regexp.MustCompile(`(://[^/\s":@]*):[^\s"]*@`)

// withoutPasswords is an error of the settings as logs may keep it: it repeats values, and a URL among them
// may have a password.
type withoutPasswords struct{ error }

func (e withoutPasswords) Error() string {
	return urlPassword.ReplaceAllString(e.error.Error(), "$1:xxxxx@")
}

func (e withoutPasswords) Unwrap() error { return e.error }

// hidePasswords is err without the passwords of URLs.
func hidePasswords(err error) error {
	if err == nil {
		return nil
	}
	return withoutPasswords{err}
}

// settingErrors says of values that could not be read which settings they are of
// and what is wrong with them: people know SIGNUP, not a Go field.
func settingErrors(err error, kind reflect.Type, options env.Options) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	list := make([]error, len(all.Errors))
	for i, e := range all.Errors {
		list[i] = settingError(e, kind, options)
	}
	return errors.Join(list...)
}

func settingError(err error, kind reflect.Type, options env.Options) error {
	var wrong env.ParseError
	if !errors.As(err, &wrong) {
		return err
	}
	fields := settingFields(kind)
	i := slices.IndexFunc(fields, func(f reflect.StructField) bool { return f.Name == wrong.Name && f.Type == wrong.Type })
	if i < 0 {
		return err
	}
	field := fields[i]
	setting, _, _ := strings.Cut(field.Tag.Get("env"), ",")
	setting = options.Prefix + setting
	kindOf := wrong.Type
	if kindOf.Kind() == reflect.Pointer {
		kindOf = kindOf.Elem()
	}
	switch kindOf.Kind() {
	case reflect.Bool:
		return fmt.Errorf("%s=%q must be true or false", setting, options.Environment[setting])
	case reflect.Int:
		return fmt.Errorf("%s=%q must be a whole number, at most %d", setting, options.Environment[setting], math.MaxInt32) // as it is read
	case reflect.Float64:
		return fmt.Errorf("%s=%q must be a number", setting, options.Environment[setting])
	}
	return fmt.Errorf("%s: %w", setting, wrong.Err) // which repeats the value
}
