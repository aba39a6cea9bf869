// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Config is what the environment says; every field is a plain value.
type Config struct {
	Service, Colour, Version, BuildID, Domain string
	KratosPublic, KratosAdmin, HydraAdmin     string // base URLs without a trailing slash
	DSN                                       string
	Listen, FaultListen                       string
	RefuseStart                               bool
	Fault                                     FaultState
	FaultSeed                                 uint64 // 0: random
	SettingsTTL                               time.Duration
}

// configFromEnv reads the environment through getenv; it fails on an unknown service or a value that can't be read.
func configFromEnv(service string, getenv func(string) string) (Config, error) {
	or := func(name, fallback string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return fallback
	}
	url := func(name string) string { return strings.TrimRight(getenv(name), "/") }
	cfg := Config{
		Service: service, Colour: or("BLUEGREEN_COLOUR", "blue"), Version: or("OLYMPUS_VERSION", "dev"),
		BuildID: or("BUILD_ID", "dev"), Domain: getenv("DOMAIN"),
		KratosPublic: url("KRATOS_PUBLIC_URL"), KratosAdmin: url("KRATOS_ADMIN_URL"), HydraAdmin: url("HYDRA_ADMIN_URL"),
		DSN: getenv("OLYMPUS_DSN"), Listen: or("LISTEN_ADDR", ":3000"), FaultListen: or("FAULT_ADDR", ":9000"),
	}
	if service != "hera" && service != "athena" && service != "site" {
		return cfg, fmt.Errorf("unknown service %q: hera, athena or site", service)
	}
	return cfg, readFaultEnv(&cfg, or)
}

func readFaultEnv(cfg *Config, or func(string, string) string) (err error) {
	bad := func(name string, e error) {
		if e != nil && err == nil {
			err = fmt.Errorf("%s: %w", name, e)
		}
	}
	var e error
	cfg.SettingsTTL, e = time.ParseDuration(or("SETTINGS_TTL", settingsTTL.String()))
	bad("SETTINGS_TTL", e)
	cfg.Fault.Under = or("FAULT_UNDER", "")
	cfg.Fault.ErrorShare, e = strconv.ParseFloat(or("FAULT_ERROR_SHARE", "0"), 64)
	bad("FAULT_ERROR_SHARE", e)
	cfg.Fault.LatencyMS, e = strconv.Atoi(or("FAULT_LATENCY_MS", "0"))
	bad("FAULT_LATENCY_MS", e)
	cfg.Fault.BrokenLogin, e = strconv.ParseBool(or("FAULT_BROKEN_LOGIN", "false"))
	bad("FAULT_BROKEN_LOGIN", e)
	cfg.RefuseStart, e = strconv.ParseBool(or("FAULT_REFUSE_START", "false"))
	bad("FAULT_REFUSE_START", e)
	cfg.FaultSeed, e = strconv.ParseUint(or("FAULT_SEED", "0"), 10, 64)
	bad("FAULT_SEED", e)
	bad("fault", cfg.Fault.check())
	return err
}
