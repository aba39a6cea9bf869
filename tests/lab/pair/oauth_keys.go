// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

const keySet = "hydra.openid.id-token"

var base64URL = base64.RawURLEncoding

// sealed is what a flow carries from step to step, for this program alone; kind is the step.
func sealed(kind string, given any) string {
	plain, _ := json.Marshal(given)
	box := sealing()
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce)
	return base64URL.EncodeToString(box.Seal(nonce, nonce, plain, form(kind)))
}

// unsealed says whether it is a text of this step and of this program's form.
func unsealed(kind, text string, into any) bool {
	raw, err := base64URL.DecodeString(text)
	box := sealing()
	if err != nil || len(raw) < box.NonceSize() {
		return false
	}
	plain, err := box.Open(nil, raw[:box.NonceSize()], raw[box.NonceSize():], form(kind))
	return err == nil && json.Unmarshal(plain, into) == nil
}

func sealing() cipher.AEAD {
	secret := sha256.Sum256([]byte(os.Getenv("SECRETS_SYSTEM")))
	block, _ := aes.NewCipher(secret[:])
	box, _ := cipher.NewGCM(block)
	return box
}

// form is another one in v2-flight, so neither program reads what the other sealed.
func form(kind string) []byte {
	if version == "v2-flight" {
		return []byte("2 " + kind)
	}
	return []byte(kind)
}

// key is the one key of this database, made by whichever program needs it first.
func (a *ask) key() (key *rsa.PrivateKey, kid string) {
	var raw []byte
	find := func() error {
		return a.db.QueryRow(a.Context(), `SELECT keydata, kid FROM hydra_jwk WHERE sid = $1`, keySet).Scan(&raw, &kid)
	}
	if a.err != nil {
		return &rsa.PrivateKey{}, ""
	}
	err := find()
	if errors.Is(err, pgx.ErrNoRows) {
		made, _ := rsa.GenerateKey(rand.Reader, 2048)
		der, _ := x509.MarshalPKCS8PrivateKey(made)
		a.exec(`INSERT INTO hydra_jwk (sid, kid, keydata) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, keySet, rand.Text(), der)
		err = find()
	}
	a.fail(err)
	parsed, _ := x509.ParsePKCS8PrivateKey(raw)
	key, _ = parsed.(*rsa.PrivateKey)
	return key, kid
}

func jwks(a *ask) (int, any) {
	key, kid := a.key()
	if a.err != nil {
		return 0, nil
	}
	n, e := base64URL.EncodeToString(key.N.Bytes()), base64URL.EncodeToString(big.NewInt(int64(key.E)).Bytes())
	return 200, object{"keys": []object{{"kid": kid, "kty": "RSA", "use": "sig", "alg": "RS256", "n": n, "e": e}}}
}

// signed is a JWT.
func (a *ask) signed(claims object) string {
	key, kid := a.key()
	if a.err != nil {
		return ""
	}
	head, _ := json.Marshal(object{"alg": "RS256", "typ": "JWT", "kid": kid})
	body, _ := json.Marshal(claims)
	text := base64URL.EncodeToString(head) + "." + base64URL.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	a.fail(err)
	return text + "." + base64URL.EncodeToString(signature)
}

// claims are those of a JWT that was signed here.
func (a *ask) claims(token string) (found object) {
	parts := strings.Split(token, ".")
	key, _ := a.key()
	if a.err != nil {
		return nil
	}
	if len(parts) == 3 {
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		signature, _ := base64URL.DecodeString(parts[2])
		body, _ := base64URL.DecodeString(parts[1])
		if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) == nil && json.Unmarshal(body, &found) == nil {
			return found
		}
	}
	a.fail(refusal{400, 0, "invalid_request"})
	return nil
}
