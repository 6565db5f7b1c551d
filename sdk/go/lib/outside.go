//go:build !wasip1

package runwright

func outside() World {
	panic("there is no engine here: give the context a world, as runwrighttest.New does")
}
