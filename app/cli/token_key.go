package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"foyer/app/auth"
	"foyer/models"
	"foyer/token"
)

// tokenKeyCmd manages the keys of the tokens with which the site signs people in to an
// external chat server.
type tokenKeyCmd struct {
	List    tokenKeyListCmd    `cmd:"" help:"List the keys that are in use."`
	Print   tokenKeyPrintCmd   `cmd:"" help:"Print a key as a JWK, such as ejabberd's jwt_key wants it."`
	Prepare tokenKeyPrepareCmd `cmd:"" help:"Make the next key and publish it; give it to the server, then switch."`
	Switch  tokenKeySwitchCmd  `cmd:"" help:"Let the next key sign; the former one is good for as long as its tokens live."`
	Drop    tokenKeyDropCmd    `cmd:"" help:"Take back a key that does not sign, and its tokens with it."`
}

type tokenKeyListCmd struct{}

// Run lists the keys, the newest first.
func (tokenKeyListCmd) Run(e *env) error {
	return e.withAuth(func(_ *models.DB, s *auth.Service) error {
		keys, err := s.TokenKeys().List(e.ctx)
		for _, k := range keys {
			fmt.Fprintf(e.out, "%s\t%s\t%s\tmade %s", k.ID, k.Algorithm, k.State, k.CreatedAt.Local().Format(time.DateTime))
			if k.ExpiresAt != nil {
				fmt.Fprintf(e.out, "\tuntil %s", k.ExpiresAt.Local().Format(time.DateTime))
			}
			if k.Stale {
				fmt.Fprint(e.out, "\tunusable: TOKEN_KEY was another one")
			}
			fmt.Fprintln(e.out)
		}
		return err
	})
}

type tokenKeyPrintCmd struct {
	Next   bool `help:"The next key, instead of the one that signs."`
	Set    bool `help:"As a set of one key."`
	Secret bool `help:"Print it although it is a secret (HS256)."`
	Raw    bool `help:"Print nothing but the bytes of the secret, as MongooseIM wants them in a file."`
}

// Run prints one key.
func (c tokenKeyPrintCmd) Run(e *env) error {
	return e.withAuth(func(_ *models.DB, s *auth.Service) error {
		key, err := c.find(e, s)
		if err != nil {
			return err
		}
		if !key.Public() && !c.Secret {
			return errors.New("this key is a secret that the site and the server share (HS256); say --secret to print it, and keep it from everybody else")
		}
		if c.Raw {
			return printRaw(e, key)
		}
		out := json.NewEncoder(e.out)
		if c.Set {
			return out.Encode(token.JWKSet{Keys: []token.JWK{key}})
		}
		return out.Encode(key)
	})
}

// printRaw prints the secret itself.
func printRaw(e *env, key token.JWK) error {
	if key.Public() {
		return errors.New("this key is a public one, of which servers want the JWK; say --raw for a shared secret (HS256)")
	}
	raw, err := base64.RawURLEncoding.DecodeString(key.K)
	if err == nil {
		_, err = e.out.Write(raw)
	}
	return err
}

// find returns the key that signs, or the next one.
func (c tokenKeyPrintCmd) find(e *env, s *auth.Service) (token.JWK, error) {
	want, missing := models.KeySigning, "there is no key"
	if c.Next {
		want, missing = models.KeyNext, "no key was prepared; `foyer token key prepare` makes one"
	}
	keys, err := s.TokenKeys().List(e.ctx)
	for _, k := range keys {
		switch {
		case k.State != want:
		case k.Stale:
			return token.JWK{}, auth.ErrOtherTokenKey
		default:
			return k.JWK, nil
		}
	}
	return token.JWK{}, errors.Join(errors.New(missing), err)
}

type tokenKeyPrepareCmd struct {
	Alg string `enum:"EdDSA,HS256," default:"" placeholder:"ALG" help:"EdDSA, or HS256 for servers that know nothing better; as TOKEN_ALG unless you say so."`
}

// Run makes the next key.
func (c tokenKeyPrepareCmd) Run(e *env) error {
	return e.withAuth(func(_ *models.DB, s *auth.Service) error {
		err := s.TokenKeys().Prepare(e.ctx, c.Alg)
		if errors.Is(err, models.ErrTaken) {
			return errors.New("a next key is there already; `foyer token key switch` lets it sign")
		}
		if err == nil {
			e.say("The next key is published. Give it to the server (`foyer token key print --next`) unless it reads /.well-known/jwks.json; then `foyer token key switch`.")
		}
		return err
	})
}

type tokenKeySwitchCmd struct{}

// Run lets the next key sign.
func (tokenKeySwitchCmd) Run(e *env) error {
	return e.withAuth(func(_ *models.DB, s *auth.Service) error {
		err := s.TokenKeys().Switch(e.ctx)
		if errors.Is(err, models.ErrNotFound) {
			return errors.New("no key was prepared; `foyer token key prepare` makes one")
		}
		if err == nil {
			e.say("The new key signs from now on, and the former one is good for five minutes more.")
		}
		return err
	})
}

type tokenKeyDropCmd struct {
	ID string `arg:"" help:"The key's id, as in the list."`
}

// Run takes a key back.
func (c tokenKeyDropCmd) Run(e *env) error {
	return e.withAuth(func(_ *models.DB, s *auth.Service) error {
		err := s.TokenKeys().Drop(e.ctx, c.ID)
		if errors.Is(err, models.ErrNotFound) {
			return fmt.Errorf("there is no key %s, or it signs; if it is not safe any more, prepare another one, switch, and drop it then", c.ID)
		}
		if err == nil {
			e.say("The key is gone. A server that has it keeps it until it is given another one.")
		}
		return err
	})
}
