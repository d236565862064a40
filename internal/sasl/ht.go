package sasl

import (
	"bytes"
	"context"
	"crypto/hmac"
	"slices"
	"time"

	"foyer/internal/stream"
)

// Hashed tokens (draft-schmaus-kitten-sasl-ht): one message proves that the client
// has a token, and the answer that the server has it too. XEP-0484 uses them.

// The mechanisms, by the channel binding that they need.
const (
	HTPlain    = "HT-SHA-256-NONE"
	HTEndpoint = "HT-SHA-256-ENDP"
	HTExporter = "HT-SHA-256-EXPR"
)

// HTNames returns those for a connection, the best first.
func HTNames(b stream.Binding) []string {
	var names []string
	if b.Exporter != nil {
		names = append(names, HTExporter)
	}
	if b.Endpoint != nil {
		names = append(names, HTEndpoint)
	}
	return append(names, HTPlain)
}

// Token is a secret that a client was given, to sign in with.
type Token struct {
	Identity  stream.Identity // whom it proves
	Mechanism string          // the only one that it is good for
	Secret    string
	Expires   time.Time
}

// TokenVerifier knows tokens. Errors are as those of a Verifier.
type TokenVerifier interface {
	// Tokens returns those that may sign a user in here, expired ones included.
	Tokens(ctx context.Context, user string) ([]Token, error)

	// Used is told which of them was proved, by its place among those that Tokens
	// returned last, and may still refuse.
	Used(ctx context.Context, i int) error
}

// NewHT begins an exchange. One that the connection does not have is
// InvalidMechanism.
func NewHT(name string, o Options, tokens TokenVerifier) (Mechanism, error) {
	if !slices.Contains(HTNames(o.Binding), name) {
		return nil, InvalidMechanism
	}
	return &htExchange{o, name, tokens}, nil
}

type htExchange struct {
	Options
	name   string
	tokens TokenVerifier
}

// Next takes the name and the proof.
func (x *htExchange) Next(ctx context.Context, message []byte) (Step, error) {
	name, proof, ok := bytes.Cut(message, []byte{0})
	if !ok {
		return Step{}, MalformedRequest
	}
	user, err := x.prepareName(string(name))
	if err != nil {
		return Step{}, err
	}
	tokens, err := x.tokens.Tokens(ctx, user)
	if err != nil {
		return Step{}, err
	}
	i := x.find(tokens, proof)
	switch {
	case i < 0:
		return Step{}, NotAuthorized
	case time.Now().After(tokens[i].Expires):
		return Step{}, CredentialsExpired
	}
	if err := x.tokens.Used(ctx, i); err != nil {
		return Step{}, err
	}
	return Step{Reply: x.mac(tokens[i], "Responder"), Done: true, Identity: tokens[i].Identity}, nil
}

// find returns which token the proof is of; -1: none. All are tried, and one that
// nobody has where there is none.
func (x *htExchange) find(tokens []Token, proof []byte) int {
	if len(tokens) == 0 {
		tokens = []Token{{}}
	}
	found := -1
	for i, t := range tokens {
		// XEP-0484 §3.4: only with the mechanism that it was issued for.
		if hmac.Equal(x.mac(t, "Initiator"), proof) && t.Secret != "" && t.Mechanism == x.name {
			found = i
		}
	}
	return found
}

func (x *htExchange) mac(t Token, who string) []byte {
	message := []byte(who)
	switch x.name {
	case HTExporter:
		message = append(message, x.Binding.Exporter...)
	case HTEndpoint:
		message = append(message, x.Binding.Endpoint...)
	}
	return mac(SHA256, []byte(t.Secret), message)
}
