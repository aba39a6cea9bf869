// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"lab/load/wire"
)

// Mails writes mails.jsonl: whom the courier must write to, once each. Open it before the first registration.
type Mails struct {
	lock sync.Mutex
	file *os.File
}

// OpenMails makes the file.
func OpenMails(path string) (*Mails, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	return &Mails{file: file}, err
}

// Expect notes a registration that was confirmed. One that was refused, or met an injected fault, did not happen;
// any other one may have happened or not: it is written as uncertain.
func (m *Mails) Expect(to string, confirmed bool, answer *wire.Response) {
	refused := answer != nil && (answer.Status < 500 && answer.Status != http.StatusSeeOther ||
		answer.Header.Get("X-Olympus-Fault") != "")
	if !confirmed && refused {
		return
	}
	line, _ := json.Marshal(struct {
		To        string `json:"to"`
		At        int64  `json:"at"`
		Uncertain bool   `json:"uncertain,omitempty"`
	}{to, time.Now().UnixNano(), !confirmed})
	m.lock.Lock()
	defer m.lock.Unlock()
	_, _ = m.file.Write(append(line, '\n'))
}

// Close closes the file.
func (m *Mails) Close() error { return m.file.Close() }

var (
	newcomers atomic.Int64
	runName   = strconv.FormatInt(time.Now().Unix(), 36)
)

// newPerson is somebody not yet registered: lab-<run><number>@domain, so that mails can be counted by recipient.
func (w *World) newPerson() Person {
	n := newcomers.Add(1)
	return Person{Email: fmt.Sprintf("lab-%s-%d@%s", runName, n, w.Config.MailDomain),
		Password: "Lab!" + strconv.FormatUint(rand.Uint64(), 36) + strconv.FormatUint(rand.Uint64(), 36)}
}

// formAge is how long a form is kept: evenly between the two bounds of the configuration.
func (w *World) formAge() time.Duration {
	low, high := w.Config.FormAgeS[0], w.Config.FormAgeS[1]
	return time.Duration((low + rand.Float64()*(high-low)) * float64(time.Second))
}

// wait keeps a form or page open; it ends early when the run does.
func (w *World) wait(d time.Duration) {
	select {
	case <-w.Stop:
	case <-time.After(d):
	}
}

// parameter is one query parameter of an address.
func parameter(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

// values makes form fields of pairs.
func values(pairs ...string) url.Values {
	out := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out.Set(pairs[i], pairs[i+1])
	}
	return out
}
