// Package export_runwright_plugin_action is what the generated exports call. Package runwright puts itself here: it
// cannot be imported from here, because it imports the exports.
package export_runwright_plugin_action

import (
	"runwright/internal/bindings/runwright_plugin_action"
	witTypes "runwright/internal/wit/types"
)

// The functions of the exported interface.
var (
	Describe func() runwright_plugin_action.Manifest
	Run      func(runwright_plugin_action.Context, string) witTypes.Result[string, runwright_plugin_action.Failure]
	Rollback func(runwright_plugin_action.Context, string, runwright_plugin_action.Done) witTypes.Result[witTypes.Unit, runwright_plugin_action.Failure]
)
