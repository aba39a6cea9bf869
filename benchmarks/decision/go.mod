module bench/decision

go 1.21
