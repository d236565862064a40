package extauth

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// ejabberd's external authentication: a separate program, which ejabberd starts once
// for each of its processors and asks over a pipe. A question has two bytes of length,
// the higher first, and that many bytes; the answer has the length 2 and the number 1 or 0.
// Answers come in the order of the questions, each as soon as it is known: what waits in
// a buffer hangs ejabberd.

// question is one of ejabberd's.
type question struct {
	op       string
	user     string
	server   string
	password string
}

// parseQuestion reads a question: fields between colons, of which the password, the
// last, may have some itself.
func parseQuestion(text string) question {
	var q question
	for i, field := range strings.SplitN(text, ":", 4) {
		*[]*string{&q.op, &q.user, &q.server, &q.password}[i] = field
	}
	return q
}

// LoginChecker answers questions: a Client, which asks the site. It is safe for concurrent use,
// and bounds its time itself.
type LoginChecker interface {
	Check(ctx context.Context, user, server, password string) bool
	Exists(ctx context.Context, user, server string) bool
}

// questionsAhead is how many questions are under way while earlier ones wait for their
// answers.
const questionsAhead = 32

// ServePipe answers the questions that come in, until in ends and all are answered, or ctx
// ends. A question that makes no sense is answered with no.
func ServePipe(ctx context.Context, logins LoginChecker, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan chan bool, questionsAhead)
	failed := make(chan error, 1)
	go func() {
		failed <- readQuestions(ctx, logins, in, answers)
		close(answers)
	}()
	if err := writeAnswers(ctx, answers, out); err != nil || ctx.Err() != nil {
		return err // the reader may hang in its read
	}
	return <-failed
}

// readQuestions has each question answered as it comes, and lines the answers up.
func readQuestions(ctx context.Context, logins LoginChecker, in io.Reader, answers chan<- chan bool) error {
	r := bufio.NewReader(in)
	for {
		text, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return nil // ejabberd is gone
		}
		if err != nil {
			return err
		}
		answer := make(chan bool, 1)
		select {
		case answers <- answer:
		case <-ctx.Done():
			return nil
		}
		go func() { answer <- answerTo(ctx, logins, parseQuestion(text)) }()
	}
}

// readFrame reads one question. io.EOF: there is no more, or not the whole of one.
func readFrame(r io.Reader) (string, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return "", endOf(err)
	}
	text := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(r, text); err != nil {
		return "", endOf(err)
	}
	return string(text), nil
}

func endOf(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// answerTo decides. The site's accounts are changed on the site alone: to set a
// password, to register and to remove are refused, and certificates prove nothing.
func answerTo(ctx context.Context, logins LoginChecker, q question) bool {
	if q.user == "" || q.server == "" {
		return false
	}
	switch q.op {
	case "auth":
		return q.password != "" && logins.Check(ctx, q.user, q.server, q.password)
	case "isuser":
		return logins.Exists(ctx, q.user, q.server)
	}
	return false
}

// writeAnswers writes the answers in their order, each in one piece and at once.
func writeAnswers(ctx context.Context, answers <-chan chan bool, out io.Writer) error {
	for {
		var yes bool
		select {
		case answer, more := <-answers:
			if !more {
				return nil
			}
			yes = <-answer // within the LoginChecker's timeout, or ctx
		case <-ctx.Done():
			return nil
		}
		frame := [4]byte{0, 2, 0, 0}
		if yes {
			frame[3] = 1
		}
		if _, err := out.Write(frame[:]); err != nil {
			return err
		}
	}
}
