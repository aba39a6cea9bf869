// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"bytes"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Form is a form of a page with the fields that are already filled in.
type Form struct {
	Action    string // absolute
	Fields    url.Values
	Multipart bool
	From      string // version that served the page
}

// forms reads every form of a page.
func forms(address string, page []byte) []Form {
	base, err := url.Parse(address)
	root, perr := html.Parse(bytes.NewReader(page))
	if err != nil || perr != nil {
		return nil
	}
	var found []Form
	for node := range root.Descendants() {
		if node.Type != html.ElementNode || node.Data != "form" {
			continue
		}
		action, err := base.Parse(attribute(node, "action"))
		if err != nil {
			continue
		}
		form := Form{Action: action.String(), Fields: url.Values{},
			Multipart: strings.EqualFold(attribute(node, "enctype"), "multipart/form-data")}
		for child := range node.Descendants() {
			if name := attribute(child, "name"); child.Data == "input" && name != "" {
				form.Fields.Set(name, attribute(child, "value"))
			}
		}
		found = append(found, form)
	}
	return found
}

// form finds the form of a page that has all the fields.
func form(address string, page []byte, fields ...string) (Form, bool) {
	for _, candidate := range forms(address, page) {
		if !slices.ContainsFunc(fields, func(name string) bool { return !candidate.Fields.Has(name) }) {
			return candidate, true
		}
	}
	return Form{}, false
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

var chunkName = regexp.MustCompile(`/_next/static/chunks/[A-Za-z0-9._-]+`)

// chunks are the assets that a page names.
func chunks(page []byte) []string {
	var out []string
	for _, name := range chunkName.FindAll(page, -1) {
		out = append(out, string(name))
	}
	return out
}
