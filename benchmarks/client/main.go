// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// Command bench-client is both ends of the cutover bench: the backends of a colour, and the strict client that puts
// load on an edge in front of them. Both end when their standard input does.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

const usage = `usage: bench-client backend -colour blue -listen ADDRESS,... -control ADDRESS
       bench-client load -c load.json        marks come on stdin, progress and figures go to stdout`

func main() {
	// Two cores are shared with the proxy under test: memory is cheaper than time here.
	debug.SetGCPercent(400)
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench-client:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("what to do?\n%s", usage)
	}
	switch args[0] {
	case "backend":
		flags := flag.NewFlagSet("backend", flag.ExitOnError)
		colour := flags.String("colour", "", "what the answers say")
		listen := flags.String("listen", "", "addresses, with commas between")
		control := flags.String("control", "", "where the bench asks what was seen")
		_ = flags.Parse(args[1:])
		if err := serve(*colour, *listen, *control); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	case "load":
		flags := flag.NewFlagSet("load", flag.ExitOnError)
		file := flags.String("c", "load.json", "configuration")
		_ = flags.Parse(args[1:])
		c, err := readConfig(*file)
		if err != nil {
			return err
		}
		return run(c, os.Stdin, json.NewEncoder(os.Stdout))
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
}
