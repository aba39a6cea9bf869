// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/jackc/pgx/v5"
)

// freePorts gives n loopback ports that nobody listens on at the moment.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		ln := listen(t)
		defer ln.Close()
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// eventually asks until check succeeds; it fails the test when d is over.
func eventually(t *testing.T, d time.Duration, what string, check func() error) {
	t.Helper()
	end := time.Now().Add(d)
	err := check()
	for ; err != nil && time.Now().Before(end); err = check() {
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("%s: not within %s: %v", what, d, err)
	}
}

// child is a process of ours; its output goes to a log that a failed test prints.
type child struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func start(t *testing.T, cred *syscall.Credential, env []string, name string, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(name, args...)}
	c.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "SQA_OPT_OUT=true"}, env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	c.cmd.Dir = "/"
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred, Pdeathsig: syscall.SIGQUIT}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.stop(syscall.SIGINT)
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(name), tail(c.out.Bytes()))
		}
	})
	return c
}

func tail(b []byte) []byte { return b[max(0, len(b)-4000):] }

func (c *child) stop(sig syscall.Signal) {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Signal(sig)
		_ = c.cmd.Wait()
	}
}

// postgres is a server of the test's own on loopback; stop and start it to make an outage.
type postgres struct {
	t    *testing.T
	bin  string
	dir  string
	port int
	cred *syscall.Credential
	proc *child
}

func startPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{t: t, bin: os.Getenv("OLYMPUS_LAB_PG_BIN"), port: freePorts(t, 1)[0]}
	if p.bin == "" {
		p.bin = "/usr/lib/postgresql/15/bin"
	}
	if _, err := os.Stat(filepath.Join(p.bin, "initdb")); err != nil {
		t.Skipf("no PostgreSQL in %s: set OLYMPUS_LAB_PG_BIN", p.bin)
	}
	dir, err := os.MkdirTemp("", "olympus-apps-pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p.dir = dir
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		p.cred = postgresUser(t)
		if err := os.Chown(dir, int(p.cred.Uid), int(p.cred.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	initdb := start(t, p.cred, nil, filepath.Join(p.bin, "initdb"), "-D", dir, "-U", "lab", "-A", "trust", "--no-sync")
	if err := initdb.cmd.Wait(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, initdb.out.Bytes())
	}
	p.start()
	return p
}

func postgresUser(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("root needs a user postgres to run PostgreSQL as")
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (p *postgres) start() {
	p.t.Helper()
	p.proc = start(p.t, p.cred, nil, filepath.Join(p.bin, "postgres"), "-D", p.dir, "-p", strconv.Itoa(p.port), "-F",
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	eventually(p.t, 20*time.Second, "PostgreSQL", func() error { return p.run("postgres", "SELECT 1") })
}

func (p *postgres) stop() { p.proc.stop(syscall.SIGINT) }

func (p *postgres) dsn(db string) string {
	return fmt.Sprintf("postgres://lab@127.0.0.1:%d/%s?sslmode=disable", p.port, db)
}

func (p *postgres) run(db, sql string) error { return p.query(db, sql) }

// query scans the first row of an answer into dest.
func (p *postgres) query(db, sql string, dest ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.dsn(db))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if len(dest) == 0 {
		_, err = conn.Exec(ctx, sql)
		return err
	}
	return conn.QueryRow(ctx, sql).Scan(dest...)
}

func (p *postgres) create(db string) string {
	p.t.Helper()
	if err := p.run("postgres", "CREATE DATABASE "+db); err != nil {
		p.t.Fatal(err)
	}
	return p.dsn(db)
}

func ready(t *testing.T, base string) {
	t.Helper()
	eventually(t, 30*time.Second, base, func() error {
		resp, err := http.Get(base + "/health/ready")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 {
			return errors.New(resp.Status)
		}
		return nil
	})
}

// startKratos migrates and starts one; login is the public URL that its cookies and redirects are for.
func startKratos(t *testing.T, bin, dsn, login string) (public, admin string, proc *child) {
	t.Helper()
	ports := freePorts(t, 2)
	schema, err := filepath.Abs("testdata/identity.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	err = template.Must(template.ParseFiles("testdata/kratos.yml.tmpl")).Execute(&text, map[string]any{
		"Login": login, "Schema": schema, "PublicPort": ports[0], "AdminPort": ports[1],
	})
	file := filepath.Join(t.TempDir(), "kratos.yml")
	if err := errors.Join(err, os.WriteFile(file, text.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	env := []string{"DSN=" + dsn, "SECRETS_COOKIE=only-for-this-test-0123456789abc", "SECRETS_CIPHER=0123456789abcdef0123456789abcdef"}
	migrate := start(t, nil, env, bin, "-c", file, "migrate", "sql", "-e", "--yes")
	if err := migrate.cmd.Wait(); err != nil {
		t.Fatalf("kratos migrate: %v\n%s", err, tail(migrate.out.Bytes()))
	}
	proc = start(t, nil, env, bin, "serve", "-c", file)
	public, admin = fmt.Sprintf("http://127.0.0.1:%d", ports[0]), fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	ready(t, public)
	return public, admin, proc
}

// startHydra migrates and starts one for the given issuer and Hera's public URL.
func startHydra(t *testing.T, bin, dsn, issuer, login string) (public, admin string) {
	t.Helper()
	ports := freePorts(t, 2)
	env := []string{
		"DSN=" + dsn, "SECRETS_SYSTEM=only-for-this-test-0123456789abc", "URLS_SELF_ISSUER=" + issuer, "LOG_LEVEL=warn",
		"URLS_LOGIN=" + login + "/login", "URLS_CONSENT=" + login + "/consent", "URLS_LOGOUT=" + login + "/logout",
		"URLS_POST_LOGOUT_REDIRECT=" + login + "/",
		"SERVE_PUBLIC_HOST=127.0.0.1", "SERVE_ADMIN_HOST=127.0.0.1",
		fmt.Sprintf("SERVE_PUBLIC_PORT=%d", ports[0]), fmt.Sprintf("SERVE_ADMIN_PORT=%d", ports[1]),
	}
	migrate := start(t, nil, env, bin, "migrate", "sql", "up", "-e", "--yes")
	if err := migrate.cmd.Wait(); err != nil {
		t.Fatalf("hydra migrate: %v\n%s", err, tail(migrate.out.Bytes()))
	}
	start(t, nil, env, bin, "serve", "all")
	public, admin = fmt.Sprintf("http://127.0.0.1:%d", ports[0]), fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	ready(t, admin)
	return public, admin
}
