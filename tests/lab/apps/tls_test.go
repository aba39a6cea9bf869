// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a self-signed certificate for the name `localhost` and its key, as PEM.
func authority(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	secret, err2 := x509.MarshalECPrivateKey(private)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
}

func TestDatabaseURLIsVerifiedAgainstItsAuthority(t *testing.T) {
	pg := startPostgres(t)
	pg.create("olympus")
	pg.stop()
	cert, key := authority(t)
	other, _ := authority(t)
	settings := "\nssl = on\nssl_cert_file = 'lab.crt'\nssl_key_file = 'lab.key'\n"
	for name, text := range map[string][]byte{"lab.crt": cert, "lab.key": key, "postgresql.auto.conf": []byte(settings)} {
		path := filepath.Join(pg.dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if pg.cred != nil {
			_ = os.Chown(path, int(pg.cred.Uid), int(pg.cred.Gid))
		}
	}
	pg.start()
	said := func(host string, ca []byte) string {
		file := filepath.Join(t.TempDir(), "ca.crt")
		if err := os.WriteFile(file, ca, 0o600); err != nil {
			t.Fatal(err)
		}
		dsn := fmt.Sprintf("postgres://lab@%s:%d/olympus?sslmode=verify-full&sslrootcert=%s", host, pg.port, file)
		app := testApp(t, "athena", func(c *Config) { c.DSN = dsn })
		return ask(app, "POST", "/api/settings", `{"theme":"dark"}`, "Content-Type", "application/json").Body.String()
	}
	if got := said("localhost", cert); !strings.Contains(got, `"theme":"dark"`) {
		t.Error(got)
	}
	if got := said("127.0.0.1", cert); !strings.Contains(got, "x509") { // another name
		t.Error(got)
	}
	if got := said("localhost", other); !strings.Contains(got, "x509") {
		t.Error(got)
	}
	if _, err := newApp(Config{Service: "athena", DSN: "postgres://lab@localhost/x?sslmode=verify-full&sslrootcert=/nowhere"}); err == nil {
		t.Error("a DSN whose authority is missing was taken")
	}
}
