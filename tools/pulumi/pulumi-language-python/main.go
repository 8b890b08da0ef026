// Command pulumi-language-python lets the Pulumi engine run Python programs and policy packs.
//
// The module of the official host is not served by the Go module proxy, so this is one of our own on the packages of
// Pulumi's SDK. It answers what preview, up, refresh, destroy, about and policy packs need; `pulumi install`,
// code generation and plugins written in Python need the official host and get Unimplemented.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// How often the host asks whether the engine is still there, so that a killed engine leaves no host behind.
const engineCheckInterval = 2 * time.Second

func main() {
	// A shell starts background jobs with interrupts ignored, and the engine would wait 5 s for this to end by one.
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	go func() {
		<-interrupted
		os.Exit(130)
	}()
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

func serve() error {
	flag.String("tracing", "", "accepted for the engine's sake, not used") // -v and -logtostderr are the logger's own
	flag.Parse()
	if flag.NArg() == 0 {
		return errors.New("the Pulumi engine starts this with its own address; there is nothing to run by hand")
	}
	engine := flag.Arg(flag.NArg() - 1)

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := rpcutil.Healthcheck(ctx, engine, engineCheckInterval, stop); err != nil {
		return fmt.Errorf("watching the engine at %s: %w", engine, err)
	}
	cancel := make(chan bool)
	go func() {
		<-ctx.Done()
		close(cancel)
	}()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: cancel,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, &host{engine: engine})
			return nil
		},
		Options: rpcutil.TracingServerInterceptorOptions(nil),
	})
	if err != nil {
		return err
	}
	fmt.Println(handle.Port) // the engine reads the port from the first line
	return <-handle.Done
}
