// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	msgCaptcha = "CAPTCHA verification failed."
	msgLocked  = "Account temporarily locked."
)

// Captcha is Turnstile's part: keys that are missing refuse everybody.
type Captcha struct {
	Enabled            bool
	SiteKey, SecretKey string
}

// Lockout locks an identifier for Duration after Max wrong passwords; Max 0 never does.
type Lockout struct {
	Max      int
	Duration time.Duration
}

// captchaPass is the response that the lab's Turnstile gives out: nobody who only reads the page can know it.
func captchaPass(secret string) string {
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte("turnstile"))
	return hex.EncodeToString(sum.Sum(nil))
}

func (c Captcha) passes(response string) bool {
	return c.SiteKey != "" && c.SecretKey != "" && hmac.Equal([]byte(response), []byte(captchaPass(c.SecretKey)))
}

// guarded says why a login is refused before Kratos is asked: lockout first, then CAPTCHA.
func (a *App) guarded(r *http.Request, email string) string {
	if a.cfg.Lockout.Max > 0 {
		locked, err := a.store.locked(r.Context(), identifier(email))
		if err != nil {
			log.Printf("lockout not checked: %v", err) // fails open, as the real one
		}
		if locked {
			return msgLocked
		}
	}
	if a.cfg.Captcha.Enabled && !a.cfg.Captcha.passes(r.PostFormValue("cf-turnstile-response")) {
		return msgCaptcha
	}
	return ""
}

// counted keeps the account of wrong passwords: only Kratos' own refusal is one.
func (a *App) counted(ctx context.Context, email string, outcome error) {
	if a.cfg.Lockout.Max <= 0 {
		return
	}
	var err error
	switch {
	case outcome == nil:
		err = a.store.clearLockout(ctx, identifier(email))
	case errors.Is(outcome, errCredentials):
		err = a.store.wrongPassword(ctx, identifier(email), a.cfg.Lockout)
	}
	if err != nil {
		log.Printf("lockout not counted: %v", err)
	}
}

func identifier(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func (s *Store) locked(ctx context.Context, who string) (locked bool, err error) {
	if s.pool == nil {
		return false, errNoDatabase
	}
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	err = s.pool.QueryRow(ctx, `SELECT coalesce(locked_until > now(), false) FROM login_lockouts WHERE identifier = $1`, who).Scan(&locked)
	if errors.Is(err, pgx.ErrNoRows) || isUndefinedTable(err) {
		err = nil
	}
	return locked, err
}

// wrongPassword counts one more, from the beginning when an earlier lock has run out.
func (s *Store) wrongPassword(ctx context.Context, who string, rule Lockout) error {
	if s.pool == nil {
		return errNoDatabase
	}
	return s.exec(ctx, `INSERT INTO login_lockouts AS l (identifier, failed, locked_until)
VALUES ($1, 1, CASE WHEN $2::int <= 1 THEN now() + make_interval(secs => $3::float8) END)
ON CONFLICT (identifier) DO UPDATE SET
failed = CASE WHEN l.locked_until <= now() THEN 1 ELSE l.failed + 1 END,
locked_until = CASE WHEN (CASE WHEN l.locked_until <= now() THEN 1 ELSE l.failed + 1 END) >= $2::int
  THEN now() + make_interval(secs => $3::float8) END`, who, rule.Max, rule.Duration.Seconds())
}

func (s *Store) clearLockout(ctx context.Context, who string) error {
	if s.pool == nil {
		return errNoDatabase
	}
	return s.exec(ctx, `DELETE FROM login_lockouts WHERE identifier = $1`, who)
}
