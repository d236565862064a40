package uploads

import (
	"errors"
	"net/http"

	"foyer/models"
)

// What people are told when a file is not kept, or not to be had.

// Error is what a client is told about a file, and for the log what was behind it.
type Error struct {
	Status int
	Public string
	Err    error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Public + ": " + e.Err.Error()
	}
	return e.Public
}

func (e *Error) Unwrap() error { return e.Err }

// ErrNoFile is what people are told about a file that is not there, or not theirs.
var ErrNoFile = &Error{Status: http.StatusNotFound, Public: "There is no such file."}

var (
	errSlotUsed = &Error{Status: http.StatusConflict, Public: "This address has already been used or has expired. Ask for a new one."}
	errNoLength = &Error{Status: http.StatusLengthRequired, Public: "Say how long the file is (Content-Length)."}
	errLength   = &Error{Status: http.StatusBadRequest, Public: "The file is not as long as was announced."}
	errTooMany  = &Error{Status: http.StatusTooManyRequests, Public: "Too many files are being sent at once. Please try again in a moment."}
	errType     = &Error{Status: http.StatusUnsupportedMediaType, Public: "The file is not of the type that was announced."}
)

// AsError turns a database's error into one for people.
func AsError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, models.ErrNotFound):
		return ErrNoFile
	}
	return &Error{Status: http.StatusServiceUnavailable, Public: "Files cannot be stored or read right now. Please try again in a moment.", Err: err}
}

// cutOff is the sender's fault, or that of the network between.
func cutOff(err error) error {
	return &Error{Status: http.StatusBadRequest, Public: "The file did not arrive whole.", Err: err}
}
