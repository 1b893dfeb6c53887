// Package binary runs the built program as its users do, for tests and for
// trials from outside: processes that are started, killed and stopped, the
// command line, REST, metrics. It is no part of the program.
//
//	program, remove, err := binary.Program()
//	defer remove()
//	s, err := binary.New(program, dir, "")
//	err = s.Start(ctx)
//	phones, err := s.Enrol("acme", "e", 100)
//	defer s.Kill()
package binary
