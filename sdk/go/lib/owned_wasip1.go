package runwright

import (
	"bytes"
	"reflect"
	"strings"
	"unsafe"

	"runwright/internal/wit/runtime"
)

// pending is how many calls have answers that are not copied yet. Goroutines take turns, and only where one waits.
var pending int

// enter begins a call of the host, and gives what ends it: then the memory of the answers is free again. What is to stay
// must be owned before.
func enter() func() {
	pending++
	return func() {
		pending--
		if pending == 0 {
			runtime.Reset()
		}
	}
}

// owned is the value with all its texts and bytes copied out of the memory that the host wrote them into. It does not look
// into interfaces.
func owned[T any](value T) T {
	own(reflect.ValueOf(&value).Elem())
	return value
}

func own(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Clone(v.String()))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(bytes.Clone(v.Bytes()))
			return
		}
		for i := range v.Len() {
			own(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			// The fields of options are not exported.
			field := v.Field(i)
			own(reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem())
		}
	}
}
