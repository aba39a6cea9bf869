// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

// Command olympus-app stands in for Hera, Athena, Site or pgAdmin in the lab. README.md lists what each one offers.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	log.SetFlags(log.LUTC | log.Ldate | log.Ltime)
	if err := run(os.Args[1:]); err != nil {
		log.Printf("olympus-app: %v", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	service := os.Getenv("APP")
	if len(args) == 1 {
		service = args[0]
	}
	if service == "" || len(args) > 1 {
		return fmt.Errorf("usage: olympus-app SERVICE, or APP=SERVICE: %s", usage)
	}
	cfg, err := configFromEnv(service, os.Getenv)
	if err != nil {
		return err
	}
	if cfg.RefuseStart {
		return fmt.Errorf("FAULT_REFUSE_START is set")
	}
	debug.SetMemoryLimit(64 << 20) // many of these share one machine
	app, err := newApp(cfg)
	if err != nil {
		return err
	}
	defer app.close()
	main, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return err
	}
	fault, err := net.Listen("tcp", cfg.FaultListen)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	log.Printf("%s %s build %s (%s) on %s", cfg.Service, cfg.Version, cfg.BuildID, cfg.Colour, main.Addr())
	return app.serve(ctx, main, fault)
}
