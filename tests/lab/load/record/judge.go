// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package record

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"lab/load/wire"
)

// Headers that say who made an answer.
const (
	edgeColour = "X-Bluegreen-Colour"
	appColour  = "X-Olympus-Colour"
	appVersion = "X-Olympus-Version"
	appFault   = "X-Olympus-Fault"
)

// Expect says "" when the answer is the right one, else the reason why it is a loss.
type Expect func(*wire.Response) string

// Judge tells what became of an exchange. adopted: the edge marks every answer that came from behind it;
// faulty: the versions whose wrong answers are release errors; edge404: a 404 of the edge is what is wanted; from: the
// version whose form is posted, as a form of a faulty release is refused once it was taken back.
type Judge struct {
	Adopted bool
	Faulty  map[string]bool
	Edge404 bool
	From    string
}

// Outcome applies the definitions of lost, release_error and rate_limited to one exchange.
func (j Judge) Outcome(x wire.Exchange, expect Expect) (outcome, reason string) {
	if x.Failure != nil {
		return Lost, x.Failure.Reason
	}
	answer := x.Response
	status := answer.Status
	switch {
	case status == http.StatusTooManyRequests:
		return RateLimited, ""
	case status >= 500 && answer.Header.Get(appFault) != "":
		return ReleaseError, "fault"
	case (status >= 500 || status == http.StatusNotFound && !j.Edge404) && !FromBehind(answer, j.Adopted):
		return Lost, fmt.Sprintf("edge_%d", status)
	}
	why := expect(answer)
	switch {
	case why == "":
		return OK, ""
	case status < 500 && j.Faulty[answer.Header.Get(appVersion)], j.Faulty[j.From]:
		return ReleaseError, why
	}
	return Lost, why
}

// FromBehind tells whether an upstream made the answer. Before adopt the edge doesn't say so itself; then the
// apps' headers, the Via header of a proxied answer or the shape of an Ory error do.
func FromBehind(answer *wire.Response, adopted bool) bool {
	if answer.Header.Get(edgeColour) != "" {
		return true
	}
	if adopted {
		return false
	}
	via := strings.Join(answer.Header.Values("Via"), ",")
	return answer.Header.Get(appColour) != "" || strings.Contains(via, "Caddy") || oryError(answer)
}

func oryError(answer *wire.Response) bool {
	return strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") &&
		bytes.Contains(answer.Body, []byte(`"error`))
}

// Status expects one of the statuses; the reason of a loss is name and what came, e.g. "form_refused_500".
func Status(name string, wanted ...int) Expect {
	return func(answer *wire.Response) string {
		for _, status := range wanted {
			if answer.Status == status {
				return ""
			}
		}
		return fmt.Sprintf("%s_%d", name, answer.Status)
	}
}
