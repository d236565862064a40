package app

import (
	"foyer/app/auth"
	"foyer/app/pictures"
	"foyer/internal/names"
	"foyer/models"
)

// formErrors is what is wrong with a form, by field; "" is the form as a whole.
type formErrors struct{ Errors map[string]string }

// fail notes what is wrong with a field; the first word counts.
func (f *formErrors) fail(field, sentence string) {
	if f.Errors == nil {
		f.Errors = make(map[string]string)
	}
	if f.Errors[field] == "" {
		f.Errors[field] = sentence
	}
}

// SignInForm is what somebody typed to sign in.
type SignInForm struct {
	formErrors
	Username, Next string
	Trusted        bool
	Options        []SignInOption // besides user name and password
	Folded         bool           // few have a password: the form is folded away
	Directory      string         // whose user names and passwords it takes as well; empty: the site's alone
	Passkeys       string         // the host for which passkeys are taken; empty: none are
}

// ChooseNameForm is the user name that somebody chose whom a source has proved.
type ChooseNameForm struct {
	formErrors
	Username, Next string
	Trusted        bool
	Of             string // the pending answer that it is
	Label, Login   string // of the source, and what they are called there
}

// IdentitiesForm is the ways to sign in besides the password.
type IdentitiesForm struct {
	List   []auth.LinkedIdentity
	Others []SignInOption // that could be added
}

// IdentityForm adds or removes a way to sign in.
type IdentityForm struct {
	formErrors
	Action, Label, Login, Name string
	Of                         string // the pending answer that it is
	Confirm                    ConfirmRow
	Typed                      bool // user name and password of the source are typed here
	Username                   string
}

// SignUpForm is what somebody typed to get an account.
type SignUpForm struct {
	formErrors
	Username, Name string
	Trusted        bool
}

// ProfileForm is the name that people see.
type ProfileForm struct {
	formErrors
	Name string
}

// AppForm is the form for a new app password.
type AppForm struct {
	formErrors
	Name string
}

// PasskeyForm is the form for a new passkey, or the one that is to be removed.
type PasskeyForm struct {
	formErrors
	Name    string
	Site    string // the host for which it is
	Options string // what the browser is asked for, as JSON
	Of      string // the question that it answers
	Action  string
}

// DeleteForm is the user name that somebody typed to delete the account.
type DeleteForm struct {
	formErrors
	Confirm string
}

// PasswordForm and PictureForm keep nothing of what was typed.
type (
	PasswordForm struct{ formErrors }
	PictureForm  struct{ formErrors }
)

// formLimits are what the forms allow, in characters (a picture's side: in pixels). Templates ask for them, so
// that a browser refuses what the site would refuse, and nothing else.
type formLimits struct{ Username, Name, Password, AppName, PasskeyName, RoomName, RoomAbout, People, Search, PictureSide int }

func limits() formLimits {
	return formLimits{
		Username: auth.MaxUsername, Name: names.Max, Password: auth.MinPassword, AppName: maxAppName, PasskeyName: maxPasskeyName,
		RoomName: maxRoomName, RoomAbout: maxRoomAbout, People: models.MaxTyped, Search: maxSearchQuery, PictureSide: pictures.Side,
	}
}
