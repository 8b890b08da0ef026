package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// What pulumi-language-python-exec exits with when the user has already been shown what went wrong.
const alreadyReported = 32

// host answers the engine's questions about Python.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engine string
}

// GetPluginInfo says which release of the SDK this host was built on.
func (*host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

// GetRequiredPackages names none: the engine then gets each plugin when the first resource asks for it.
func (*host) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

// Cancel has nothing to do: a cancelled call's context ends the Python process it started.
func (*host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// About says which Python the project uses.
func (*host) About(ctx context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	python, err := resolve(request.GetInfo())
	if err != nil {
		return nil, err
	}
	about, err := python.About(ctx)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{Executable: about.PythonExecutable, Version: about.PythonVersion.String()}, nil
}

// GetProgramDependencies lists the packages in the project's environment.
func (*host) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	python, err := resolve(request.GetInfo())
	if err != nil {
		return nil, err
	}
	packages, err := python.ListPackages(ctx, request.GetTransitiveDependencies())
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetProgramDependenciesResponse{}
	for _, each := range packages {
		response.Dependencies = append(
			response.Dependencies, &pulumirpc.DependencyInfo{Name: each.Name, Version: each.Version})
	}
	return response, nil
}

// Run runs the program; a failing program is an answer, not an error of the call.
func (h *host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	command, err := h.programCommand(ctx, request)
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	exitCode, err := run(command)
	switch {
	case err != nil:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("could not run %s: %v", command.Path, err)}, nil
	case exitCode == alreadyReported:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case exitCode != 0:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("Program exited with non-zero exit code: %d", exitCode)}, nil
	}
	return &pulumirpc.RunResponse{}, nil
}

func (h *host) programCommand(ctx context.Context, request *pulumirpc.RunRequest) (*exec.Cmd, error) {
	python, err := resolve(request.GetInfo())
	if err != nil {
		return nil, err
	}
	if err := python.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(orEmpty(request.GetConfig()))
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(request.GetConfigSecretKeys())
	if err != nil {
		return nil, err
	}
	program := filepath.Join(request.GetInfo().GetProgramDirectory(), request.GetInfo().GetEntryPoint())
	arguments := []string{
		"-u", filepath.Join(filepath.Dir(self), "pulumi-language-python-exec"),
		"--monitor", request.GetMonitorAddress(),
		"--engine", h.engine,
		"--project", request.GetProject(),
		"--stack", request.GetStack(),
		"--pwd", request.GetPwd(),
		"--dry_run", strconv.FormatBool(request.GetDryRun()),
		"--parallel", strconv.Itoa(int(request.GetParallel())),
		"--organization", request.GetOrganization(),
		"--root_directory", request.GetInfo().GetRootDirectory(),
		program,
	}
	command, err := python.Command(ctx, append(arguments, request.GetArgs()...)...)
	if err != nil {
		return nil, err
	}
	if command.Env == nil {
		command.Env = os.Environ()
	}
	command.Env = append(command.Env,
		"PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	return command, nil
}

// orEmpty keeps a stack without configuration from becoming "null", which the SDK does not read.
func orEmpty(config map[string]string) map[string]string {
	if config == nil {
		return map[string]string{}
	}
	return config
}

// RunPlugin runs a policy pack until the engine hangs up, and streams what it prints.
func (h *host) RunPlugin(
	request *pulumirpc.RunPluginRequest, stream grpc.ServerStreamingServer[pulumirpc.RunPluginResponse],
) error {
	if request.GetKind() != "analyzer" {
		return status.Errorf(codes.Unimplemented,
			"this language host runs programs and policy packs; a Python plugin of kind %q needs the official Pulumi CLI",
			request.GetKind())
	}
	python, err := resolve(request.GetInfo())
	if err != nil {
		return err
	}
	arguments := []string{"-u", "-m", "pulumi.policy", h.engine, request.GetInfo().GetProgramDirectory()}
	command, err := python.Command(stream.Context(), arguments...)
	if err != nil {
		return err
	}
	if len(request.GetEnv()) > 0 { // the engine's whole environment, not additions to it
		command.Env = request.GetEnv()
		if directory, err := python.VirtualEnvPath(stream.Context()); err == nil && directory != "" {
			command.Env = toolchain.ActivateVirtualEnv(command.Env, directory)
		}
	}
	command.Dir = request.GetPwd()
	streams, stdout, stderr, err := rpcutil.MakeRunPluginStreams(stream, false)
	if err != nil {
		return err
	}
	defer streams.Close() //nolint:errcheck // nothing is written any more
	command.Stdout, command.Stderr = stdout, stderr
	exitCode, err := run(command)
	if err != nil {
		return err
	}
	return stream.Send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exitCode)},
	})
}

// run returns the command's exit code, and an error only when it could not be run at all.
func run(command *exec.Cmd) (int, error) {
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
