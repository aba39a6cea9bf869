module bench/client

go 1.26

require (
	github.com/quic-go/quic-go v0.59.1
	lab/load v0.0.0
)

require (
	github.com/quic-go/qpack v0.6.0 // indirect
	golang.org/x/crypto v0.50.0 // indirect
	golang.org/x/net v0.53.0 // indirect
	golang.org/x/sys v0.43.0 // indirect
	golang.org/x/text v0.36.0 // indirect
)

replace lab/load => ../../tests/lab/load
