package main

import (
	"errors"
	"fmt"
	"io/fs"

	"fieldcast/enrol"
)

// explain adds what to do to the errors that people meet at the command line.
func explain(err error) error {
	var missing *enrol.MissingError
	var taken *enrol.TakenError
	switch {
	case errors.As(err, &missing) && missing.Employee == "":
		return fmt.Errorf("%w; add it with: fieldcast company add %s", err, missing.Company)
	case errors.As(err, &missing):
		return fmt.Errorf("%w; fieldcast employee list %s shows who does", err, missing.Company)
	case errors.As(err, &taken) && taken.Employee != "":
		return fmt.Errorf("%w, so nobody was added; new credentials for the phone: fieldcast employee revoke %s %s --reissue", err, taken.Company, taken.Employee)
	case errors.Is(err, enrol.ErrNoCredentials):
		return fmt.Errorf("%w; issue them later with: fieldcast employee revoke COMPANY EMPLOYEE --reissue", err)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w; its credentials cannot be had again, so choose another name", err)
	}
	return err
}
