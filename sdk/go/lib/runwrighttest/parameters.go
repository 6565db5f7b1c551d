package runwrighttest

import (
	"fmt"
	"slices"
	"strings"

	"runwright"
)

func parameterRequest(function string, fields form) any {
	return form{"parameters": form{function: fields}}
}

// SetParameter puts a parameter there. A secure one reads as its placeholder.
func (w *World) SetParameter(name string, kind runwright.ParameterType, value string) {
	w.put(name, kind, runwright.Given(value))
}

func (w *World) put(name string, kind runwright.ParameterType, value runwright.NewValue) runwright.Parameter {
	version := uint64(len(w.parameters[name]) + 1)
	text := value.Text
	if value.Random > 0 {
		text = strings.Repeat("x", int(value.Random))
	}
	if kind == runwright.Secure {
		w.secrets[fmt.Sprintf("((secret:%s:%d))", name, version)] = text
		text = fmt.Sprintf("((secret:%s:%d))", name, version)
	}
	p := runwright.Parameter{Name: name, Type: kind, Value: text, Version: version, Modified: w.Clock}
	w.parameters[name] = append(w.parameters[name], p)
	return p
}

// Parameter reads a parameter.
func (w *World) Parameter(name string) (runwright.Parameter, error) {
	asked := parameterRequest("get", form{"name": name})
	return call(w, "parameters.get", asked, func() (runwright.Parameter, error) {
		base, selector, selected := strings.Cut(name, ":")
		versions := w.parameters[base]
		for i := len(versions) - 1; i >= 0; i-- {
			p := versions[i]
			if !selected || selector == fmt.Sprint(p.Version) || slices.Contains(p.Labels, selector) {
				return p, nil
			}
		}
		return runwright.Parameter{}, notFound("there is no parameter `%s`", name)
	})
}

// ParametersByPath reads what stands under a path.
func (w *World) ParametersByPath(path string, recursive bool) ([]runwright.Parameter, error) {
	asked := parameterRequest("get-by-path", form{"path": path, "recursive": recursive})
	return call(w, "parameters.get-by-path", asked, func() ([]runwright.Parameter, error) {
		found := []runwright.Parameter{}
		for name, versions := range w.parameters {
			rest, below := strings.CutPrefix(name, strings.TrimSuffix(path, "/")+"/")
			if below && (recursive || !strings.Contains(rest, "/")) {
				found = append(found, versions[len(versions)-1])
			}
		}
		slices.SortFunc(found, func(a, b runwright.Parameter) int { return strings.Compare(a.Name, b.Name) })
		return found, nil
	})
}

// PutParameter writes a version.
func (w *World) PutParameter(name string, kind runwright.ParameterType, value runwright.NewValue, overwrite bool) (runwright.Parameter, error) {
	given := any(form{"given": value.Text})
	if value.Random > 0 {
		given = form{"generated": value.Random}
	}
	asked := parameterRequest("put", form{
		"name": name, "parameter_type": parameterTypes[kind], "value": given, "overwrite": overwrite,
	})
	return call(w, "parameters.put", asked, func() (runwright.Parameter, error) {
		if !overwrite && len(w.parameters[name]) > 0 {
			return runwright.Parameter{}, invalid("the parameter `%s` exists", name)
		}
		return w.put(name, kind, value), nil
	})
}

// DeleteParameter deletes all versions.
func (w *World) DeleteParameter(name string) error {
	return do(w, "parameters.delete", parameterRequest("delete", form{"name": name}), func() error {
		delete(w.parameters, name)
		return nil
	})
}

// ParameterHistory is all versions.
func (w *World) ParameterHistory(name string) ([]runwright.Parameter, error) {
	asked := parameterRequest("history", form{"name": name})
	return call(w, "parameters.history", asked, func() ([]runwright.Parameter, error) {
		versions, is := w.parameters[name]
		if !is {
			return nil, notFound("there is no parameter `%s`", name)
		}
		return slices.Clone(versions), nil
	})
}

// LabelParameter moves a label.
func (w *World) LabelParameter(name string, version uint64, label string) error {
	asked := parameterRequest("label", form{"name": name, "version": version, "label": label})
	return do(w, "parameters.label", asked, func() error {
		versions := w.parameters[name]
		if version == 0 || version > uint64(len(versions)) {
			return notFound("there is no parameter `%s:%d`", name, version)
		}
		for i := range versions {
			versions[i].Labels = slices.DeleteFunc(slices.Clone(versions[i].Labels), func(l string) bool { return l == label })
		}
		versions[version-1].Labels = append(versions[version-1].Labels, label)
		return nil
	})
}

// Reveal is the value behind a placeholder.
func (w *World) Reveal(placeholder string) (string, error) {
	asked := parameterRequest("reveal", form{"placeholder": placeholder})
	return call(w, "parameters.reveal", asked, func() (string, error) {
		value, is := w.secrets[placeholder]
		if !is {
			return "", notFound("`%s` stands for no secret", placeholder)
		}
		return value, nil
	})
}
