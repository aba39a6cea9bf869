// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const usage = "hera, athena, site or pgadmin"

// Config is what the environment says; every field is a plain value.
type Config struct {
	Service, Colour, Version, BuildID, Domain          string
	KratosPublic, KratosAdmin, HydraAdmin, HydraPublic string // base URLs without a trailing slash
	DefaultClient                                      string
	Remember, ConsentForm                              bool
	Captcha                                            Captcha
	Lockout                                            Lockout
	DSN, SettingsTable                                 string
	Neighbours                                         []Neighbour
	CounterDir                                         string
	Listen, FaultListen                                string
	RefuseStart                                        bool
	Fault                                              FaultState
	FaultSeed                                          uint64 // 0: random
	SettingsTTL                                        time.Duration
}

// environment reads variables and keeps the first value that can't be read.
type environment struct {
	getenv func(string) string
	err    error
}

// or is the first of the names that is set, else fallback.
func (e *environment) or(fallback string, names ...string) string {
	for _, name := range names {
		if v := e.getenv(name); v != "" {
			return v
		}
	}
	return fallback
}

func (e *environment) url(name string) string { return strings.TrimRight(e.getenv(name), "/") }

func parsed[T any](e *environment, name, fallback string, parse func(string) (T, error)) T {
	value, err := parse(e.or(fallback, name))
	if err != nil && e.err == nil {
		e.err = fmt.Errorf("%s can't be read", name)
	}
	return value
}

// configFromEnv reads the environment through getenv; it fails on an unknown service or a value that can't be read.
func configFromEnv(service string, getenv func(string) string) (Config, error) {
	e := &environment{getenv: getenv}
	if service == "console" {
		service = "pgadmin"
	}
	port, colour := "3000", "blue"
	if service == "pgadmin" { // shared: it belongs to no colour
		port, colour = "80", ""
	}
	cfg := Config{
		Service: service, Colour: e.or(colour, "BLUEGREEN_COLOUR"), Version: e.or("dev", "OLYMPUS_VERSION"),
		BuildID: e.or("dev", "BUILD_ID"), Domain: strings.ToLower(e.or("", "DOMAIN", "APP_INSTANCE")),
		KratosPublic: e.url("KRATOS_PUBLIC_URL"), KratosAdmin: e.url("KRATOS_ADMIN_URL"),
		HydraAdmin: e.url("HYDRA_ADMIN_URL"), HydraPublic: e.url("HYDRA_PUBLIC_URL"),
		DefaultClient: getenv("DEFAULT_OAUTH2_CLIENT_ID"), DSN: e.or("", "DATABASE_URL", "OLYMPUS_DSN"),
		Listen: e.or(":"+e.or(port, "PORT"), "LISTEN_ADDR"), FaultListen: e.or(":9000", "FAULT_ADDR"),
		SettingsTable: parsed(e, "SETTINGS_TABLE", "settings", tableName), Neighbours: neighbours(getenv),
		CounterDir: e.or("/var/lib/pgadmin", "CONSOLE_DIR"),
	}
	cfg.login(e)
	cfg.fault(e)
	if service != "hera" && service != "athena" && service != "site" && service != "pgadmin" {
		return cfg, fmt.Errorf("unknown service %q: %s", service, usage)
	}
	return cfg, e.err
}

func (cfg *Config) login(e *environment) {
	cfg.Remember = parsed(e, "LOGIN_REMEMBER", "true", strconv.ParseBool)
	cfg.ConsentForm = parsed(e, "CONSENT_FORM", "true", strconv.ParseBool)
	cfg.Captcha = Captcha{parsed(e, "CAPTCHA_ENABLED", "false", strconv.ParseBool), e.getenv("CAPTCHA_SITE_KEY"), e.getenv("CAPTCHA_SECRET_KEY")}
	cfg.Lockout = Lockout{parsed(e, "LOCKOUT_MAX_ATTEMPTS", "0", strconv.Atoi), parsed(e, "LOCKOUT_DURATION", "900", seconds)}
}

func (cfg *Config) fault(e *environment) {
	cfg.SettingsTTL = parsed(e, "SETTINGS_TTL", settingsTTL.String(), time.ParseDuration)
	cfg.Fault.Under = e.getenv("FAULT_UNDER")
	cfg.Fault.ErrorShare = parsed(e, "FAULT_ERROR_SHARE", "0", func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	cfg.Fault.LatencyMS = parsed(e, "FAULT_LATENCY_MS", "0", strconv.Atoi)
	cfg.Fault.BrokenLogin = parsed(e, "FAULT_BROKEN_LOGIN", "false", strconv.ParseBool)
	cfg.RefuseStart = parsed(e, "FAULT_REFUSE_START", "false", strconv.ParseBool)
	cfg.FaultSeed = parsed(e, "FAULT_SEED", "0", func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) })
	if err := cfg.Fault.check(); err != nil && e.err == nil {
		e.err = err
	}
}

// seconds reads whole seconds or a duration with a unit.
func seconds(text string) (time.Duration, error) {
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	return time.ParseDuration(text)
}

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

func tableName(text string) (string, error) {
	if !plainName.MatchString(text) {
		return "", fmt.Errorf("not a plain name")
	}
	return text, nil
}
