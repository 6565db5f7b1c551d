package runwright

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// schemaOf is the JSON Schema of a Go type, in the subset that the engine reads.
//
// A field is called what its json tag says, is described by its tag desc, and is required unless it is a pointer or has
// omitempty or omitzero. Further tags: enum ("a,b"), min and max (of a number, a text's length, a list's length),
// pattern, default (JSON).
func schemaOf(t reflect.Type) (map[string]any, error) {
	if t == reflect.TypeFor[json.RawMessage]() {
		return map[string]any{}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}, nil
	case reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}, nil
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}, nil
	case reflect.Interface:
		return map[string]any{}, nil
	case reflect.Slice, reflect.Array:
		return listSchema(t)
	case reflect.Map:
		values, err := schemaOf(t.Elem())
		return map[string]any{"type": "object", "additionalProperties": values}, err
	case reflect.Struct:
		return structSchema(t)
	default:
		return nil, fmt.Errorf("%s has no form in JSON: use a struct, map, list, text, number, bool or any", t)
	}
}

func listSchema(t reflect.Type) (map[string]any, error) {
	if t.Elem().Kind() == reflect.Uint8 {
		return map[string]any{"type": "string"}, nil
	}
	items, err := schemaOf(t.Elem())
	return map[string]any{"type": "array", "items": items}, err
}

func structSchema(t reflect.Type) (map[string]any, error) {
	properties, required := map[string]any{}, []string{}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" || field.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		property, err := schemaOf(field.Type)
		if err == nil {
			err = annotate(property, field)
		}
		if err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", field.Name, t, err)
		}
		properties[name] = property
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		if !optional && field.Type.Kind() != reflect.Pointer {
			required = append(required, name)
		}
	}
	schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema, nil
}

func annotate(property map[string]any, field reflect.StructField) error {
	if text := field.Tag.Get("desc"); text != "" {
		property["description"] = text
	}
	if text := field.Tag.Get("enum"); text != "" {
		property["enum"] = strings.Split(text, ",")
	}
	if text := field.Tag.Get("pattern"); text != "" {
		property["pattern"] = text
	}
	if text := field.Tag.Get("default"); text != "" {
		if !json.Valid([]byte(text)) {
			return fmt.Errorf("its default %q is no JSON; a text needs quotes", text)
		}
		property["default"] = json.RawMessage(text)
	}
	for tag, keyword := range bounds(property["type"]) {
		text := field.Tag.Get(tag)
		if text == "" {
			continue
		}
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("its %s %q is no number", tag, text)
		}
		property[keyword] = json.RawMessage(text)
	}
	return nil
}

func bounds(kind any) map[string]string {
	switch kind {
	case "string":
		return map[string]string{"min": "minLength", "max": "maxLength"}
	case "array":
		return map[string]string{"min": "minItems", "max": "maxItems"}
	default:
		return map[string]string{"min": "minimum", "max": "maximum"}
	}
}
