// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// Command lab-load puts the load of users on the lab's public names and accounts for every request.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"lab/load/config"
	"lab/load/figures"
	"lab/load/run"
)

const usage = `usage: lab-load run -c load.json -o DIR     until SIGTERM or max_seconds
       lab-load figures [--json] DIR        again, from the files alone`

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lab-load:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("what to do?\n%s", usage)
	}
	switch args[0] {
	case "run":
		return load(args[1:])
	case "figures":
		return recompute(args[1:])
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
}

func load(args []string) error {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	file := flags.String("c", "load.json", "configuration")
	dir := flags.String("o", "", "directory of the run; must not hold one yet")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || flags.NArg() > 0 {
		return fmt.Errorf("run needs -o DIR\n%s", usage)
	}
	c, err := config.Read(*file)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	f, err := (&run.Runner{Config: c, Dir: *dir}).Run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

func recompute(args []string) error {
	flags := flag.NewFlagSet("figures", flag.ExitOnError)
	asJSON := flags.Bool("json", false, "one line of JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir := flags.Arg(0)
	if flags.NArg() == 2 && flags.Arg(1) == "--json" { // also after the directory
		*asJSON = true
	} else if flags.NArg() != 1 {
		return fmt.Errorf("figures needs one directory\n%s", usage)
	}
	f, err := run.Figures(dir)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(os.Stdout).Encode(f)
	}
	return figures.Print(os.Stdout, f)
}
