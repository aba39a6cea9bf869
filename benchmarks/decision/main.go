// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

// A backend and a client of the least cost that HTTP/1.1 allows, so that what is measured is the proxy between them.
//
//	decision serve ADDRESS CONTENT-TYPE     answers every request with 200 and a short body
//	decision ask ADDRESS HOST PATH CONNECTIONS SECONDS     prints {"requests": N, "bad": N}
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		serve(os.Args[2], os.Args[3])
	} else if len(os.Args) == 7 && os.Args[1] == "ask" {
		ask(os.Args[2], os.Args[3], os.Args[4], number(os.Args[5]), number(os.Args[6]))
	} else {
		fail(fmt.Errorf("serve ADDRESS CONTENT-TYPE | ask ADDRESS HOST PATH CONNECTIONS SECONDS"))
	}
}

func serve(address, kind string) {
	listener, err := net.Listen("tcp", address)
	fail(err)
	body := strings.Repeat("x", 512)
	answer := []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body))
	for {
		connection, err := listener.Accept()
		fail(err)
		go func() {
			defer connection.Close()
			reader := bufio.NewReader(connection)
			for {
				line, err := reader.ReadSlice('\n')
				if err != nil {
					return
				}
				if len(bytes.TrimSpace(line)) == 0 {
					if _, err := connection.Write(answer); err != nil {
						return
					}
				}
			}
		}()
	}
}

func ask(address, host, path string, connections, seconds int) {
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" +
		"Accept-Encoding: gzip, deflate\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n")
	var requests, bad atomic.Int64
	var group sync.WaitGroup
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	for range make([]struct{}, connections) {
		group.Add(1)
		go func() {
			defer group.Done()
			connection, err := net.Dial("tcp", address)
			fail(err)
			defer connection.Close()
			reader := bufio.NewReader(connection)
			for time.Now().Before(end) {
				_, err := connection.Write(request)
				fail(err)
				if !answered(reader) {
					bad.Add(1)
				}
				requests.Add(1)
			}
		}()
	}
	group.Wait()
	fmt.Printf("{\"requests\": %d, \"bad\": %d}\n", requests.Load(), bad.Load())
}

// answered reads one answer and says whether it was a 200.
func answered(reader *bufio.Reader) bool {
	length, status := 0, ""
	for {
		line, err := reader.ReadSlice('\n')
		fail(err)
		text := string(bytes.TrimSpace(line))
		if status == "" {
			status = text
		} else if text == "" {
			break
		} else if name, value, _ := strings.Cut(text, ":"); strings.EqualFold(name, "Content-Length") {
			length = number(strings.TrimSpace(value))
		}
	}
	_, err := io.CopyN(io.Discard, reader, int64(length))
	fail(err)
	return strings.Contains(status, " 200 ")
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	fail(err)
	return value
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
