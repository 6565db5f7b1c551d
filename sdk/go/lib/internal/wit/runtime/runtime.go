package runtime

import (
	"fmt"
	"runtime"
	"unsafe"
)

type Handle struct {
	value int32
}

func (h *Handle) Use() int32 {
	if h.value == 0 {
		panic("nil handle")
	}
	return h.value
}

func (h *Handle) Take() int32 {
	if h.value == 0 {
		panic("nil handle")
	}
	value := h.value
	h.value = 0
	return value
}

func (h *Handle) Set(value int32) {
	if value == 0 {
		panic("nil handle")
	}
	if h.value != 0 {
		panic("handle already set")
	}
	h.value = value
}

func (h *Handle) TakeOrNil() int32 {
	value := h.value
	h.value = 0
	return value
}

func MakeHandle(value int32) *Handle {
	if value == 0 {
		panic("nil handle")
	}
	return &Handle{value}
}

func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	pointer := allocateRaw(size, align)
	pinner.Pin(pointer)
	return pointer
}

func allocateRaw(size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}

	if size%align != 0 {
		panic(fmt.Sprintf("size %v is not compatible with alignment %v", size, align))
	}

	switch align {
	case 1:
		return unsafe.Pointer(unsafe.SliceData(make([]uint8, size)))
	case 2:
		return unsafe.Pointer(unsafe.SliceData(make([]uint16, size/align)))
	case 4:
		return unsafe.Pointer(unsafe.SliceData(make([]uint32, size/align)))
	case 8:
		return unsafe.Pointer(unsafe.SliceData(make([]uint64, size/align)))
	default:
		panic(fmt.Sprintf("unsupported alignment: %v", align))
	}
}

// cabi_realloc gives the host memory to write arguments and answers into. It must not touch Go's heap: it is called before the
// runtime is up, and an allocation may start a collection, which reads the clock; that is an import, and none may be called
// from here. So the memory comes from below Go's allocator, in chunks that are used again after each call (see Reset).

//go:linkname sbrk runtime.sbrk
func sbrk(n uintptr) unsafe.Pointer

type chunk struct {
	start      unsafe.Pointer
	used, size uintptr
}

// Each chunk is at least twice as large as the one before: there are never more than an address space has bits.
var chunks [32]chunk

const firstChunk = 64 << 10

// ready: what came before stays for ever. It is the state of the adapter for WASI.
var ready = false

func init() { ready = true }

// Reset makes the memory of all answers free again. Nothing may point into it any more.
func Reset() {
	for i := range chunks {
		chunks[i].used = 0
	}
}

func offset(ptr, align uintptr) uintptr {
	newptr := (ptr + align - 1) &^ (align - 1)
	return newptr - ptr
}

func fromBelow(size, align uintptr) unsafe.Pointer {
	start := sbrk(size + align)
	return unsafe.Add(start, offset(uintptr(start), align))
}

//nolint:unused
//go:wasmexport cabi_realloc
func cabiRealloc(oldPointer unsafe.Pointer, oldSize, align, newSize uintptr) unsafe.Pointer {
	if oldPointer != nil || oldSize != 0 {
		panic("what was given is not given again")
	}
	if !ready {
		return fromBelow(newSize, align)
	}
	next := uintptr(firstChunk)
	for i := range chunks {
		c := &chunks[i]
		if c.size == 0 {
			c.size = max(next, newSize)
			c.start = fromBelow(c.size, 16)
		}
		begin := c.used + offset(c.used, align)
		if begin+newSize <= c.size {
			c.used = begin + newSize
			return unsafe.Add(c.start, begin)
		}
		next = c.size * 2
	}
	panic("no memory is left")
}

// Unpin is what the generated bindings call when they have read arguments. Nothing is pinned for those.
func Unpin() {}
