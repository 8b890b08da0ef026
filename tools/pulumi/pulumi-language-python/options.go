package main

import (
	"errors"
	"fmt"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// resolve finds the Python that `runtime.options` in Pulumi.yaml asks for.
func resolve(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	options := info.GetOptions().AsMap()
	resolved := toolchain.PythonOptions{Root: info.GetRootDirectory(), ProgramDir: info.GetProgramDirectory()}
	resolved.Virtualenv, _ = options["virtualenv"].(string)
	switch name := options["toolchain"]; name {
	case nil, "auto":
		resolved.Toolchain = toolchain.Auto
	case "pip":
		resolved.Toolchain = toolchain.Pip
	case "poetry":
		resolved.Toolchain = toolchain.Poetry
	case "uv":
		resolved.Toolchain = toolchain.Uv
	default:
		return nil, fmt.Errorf("the 'toolchain' option in Pulumi.yaml is %q: write auto, pip, poetry or uv", name)
	}
	if name, set := options["typechecker"]; set && name != "none" {
		return nil, errors.New("the 'typechecker' option in Pulumi.yaml needs the official Pulumi CLI: remove it")
	}
	return toolchain.ResolveToolchain(resolved)
}
