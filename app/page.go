package app

import (
	"cmp"
	"html/template"
	"time"

	"foyer/app/auth"
	"foyer/app/previews"
	"foyer/app/push"
	"foyer/internal/budget"
	"foyer/internal/names"
	"foyer/models"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/template/html/v2"
)

// pages are what all pages have in common: who looks at them, and how they are drawn.
type pages struct {
	*site
	auth        *auth.Service
	chat        Chat
	assets      *assets
	accent      *Accent
	contact     *Contact
	views       *html.Engine
	mark        string // of rooms in pages (discussion.go)
	discussions *discussions
	previews    *previews.Service // nil: links have none
	push        *push.Service
	renders     *budget.KeyedSemaphore // of pages (render.go)
}

// Page is what every template gets.
type Page struct {
	Title         string
	Name          string // of the template, for the navigation
	Path          string
	SiteName      string
	CSRF          string
	Nonce         string      // of the content security policy, for styles
	Me            *Person     // nil for visitors
	ViewerUnknown bool        // nobody can tell who the viewer is: of an error, before that was known
	Chat          *ChatConfig // nil where there is no chat
	Theme         Theme
	Accent        *Accent // nil: the one in tokens.css
	Flash         *Flash
	Signup        bool
	Contact       *Contact      // nil: nobody says
	Demo          []DemoAccount // development only
	Data          any
	Content       template.HTML // the page itself, for the layout
}

// Flash is a message after an action.
type Flash struct {
	Kind    string // ok or error
	Text    string
	Gone    string // address of the account that was deleted, which the browser forgets
	Section string // of the page, by its id, where it is shown; empty: above the page
}

// Person is a member as others see them.
type Person struct {
	User, Name, JID, AvatarURL   string
	Online, Admin, Self          bool
	Known                        bool // to the viewer, who sees whether they are around
	PresenceKnown                bool // the site knows whether they are; else only the viewer's own stream does
	RequestSent, RequestReceived bool // to be a contact: by the viewer, the viewer
}

// DemoAccount is shown on the sign-in page in development.
type DemoAccount struct{ Name, Password string }

// HomePage is the data of "home".
type HomePage struct {
	Asking           []Person // who asks the viewer to be a contact
	Groups           []PeopleGroup
	All              bool // the groups are all people there are
	Find             bool // there are enough to look for one
	Rooms            []RoomRow
	Room             RoomForm // the form for a new one
	RoomsUnavailable bool     // the chat server does not tell which rooms there are
	Open             string   // address of the room to open in the chat
}

// PeopleGroup is a part of the people, with a heading unless it is the only one.
type PeopleGroup struct {
	Title  string
	People []Person
}

// personForm is a person with what a form about them needs.
type personForm struct {
	Person Person
	CSRF   string
}

// confirmForm is what the form needs that comes before something serious.
type confirmForm struct {
	Confirm    ConfirmRow
	Next, CSRF string
}

// searchForm is a form that looks something up by what is typed.
type searchForm struct{ Action, Label, Typed string }

// PeoplePage is the data of "people".
type PeoplePage struct {
	Asking      []Person
	Typed, Next string // Next: whom the next page comes after; empty: there is none
	People      []Person
}

// RoomRow is a room as pages list it.
type RoomRow struct {
	Key, JID, Name, Description string // Key names it in addresses of pages
	Here                        string // how many people are in it
	Private                     bool   // by invitation
	Member, Owner               bool   // what the viewer is there
	Orphan                      bool   // the admin who opens it owns it
}

// RoomsPage is the data of "rooms".
type RoomsPage struct {
	Typed, Next      string
	Rooms            []RoomRow
	Room             RoomForm
	RoomsUnavailable bool
}

// RoomPage is the data of "room".
type RoomPage struct {
	RoomRow
	Typed string // whom to invite
	Found []Person
}

// RoomForm is the form for a new room.
type RoomForm struct {
	formErrors
	Name, About string
	Private     bool
}

// SignInOption is a button of the sign-in page.
type SignInOption struct{ Label, Path string }

// RedirectPage is the data of "leave".
type RedirectPage struct{ Label, URL string }

// ConfirmRow is how somebody confirms something serious.
type ConfirmRow struct {
	Typed bool   // by a password, in the same form
	Label string // else by a redirect to this; empty: there is no way
	Fresh bool   // which they have just made
}

// SettingsPage is the data of "settings".
type SettingsPage struct {
	Files    *FileUsage // nil: nobody sends files here
	Profile  ProfileForm
	Picture  PictureForm
	Password PasswordForm
	App      AppForm
	Delete   DeleteForm
	OwnData  OwnDataForm

	Notifications NotificationsForm
	Sessions      []SessionRow
	Apps          []AppRow
	Native        bool // apps may connect

	Passkey     PasskeyForm
	Passkeys    []PasskeyRow
	MayPasskeys bool // they may add one

	HasPassword, MayHavePassword bool // one of this site
	Confirm                      ConfirmRow
	Identities                   IdentitiesForm

	Notice *Flash // about one of the sections; nil: none
}

// AppRow is an app password.
type AppRow struct {
	ID, Name string
	Created  time.Time
	Used     *time.Time // nil: never
}

// PasskeyRow is a passkey.
type PasskeyRow struct {
	ID, Name, Elsewhere string // the host that it is for, if that is another one
	Synced              bool
	Created             time.Time
	Used                *time.Time // nil: never
}

// AppPasswordPage is the data of "app-password".
type AppPasswordPage struct {
	Name, Password, Address string
	Servers                 []NativeServer
}

// NativeServer is where an app connects.
type NativeServer struct{ Host, Port, How string }

// SessionRow is a device that is signed in.
type SessionRow struct {
	ID, Device, Address string
	Created, LastUsed   time.Time
	Current, Trusted    bool
}

// ErrorPage is the data of "error".
type ErrorPage struct {
	Status int
	Text   string
	Again  bool   // what was asked for may work the next time
	Back   string // where the form is that was sent; empty: unknown
}

// ChatConfig is what the page's scripts need to start the chat. It holds no
// secret.
type ChatConfig struct {
	JID            string   `json:"jid"` // bare
	User           string   `json:"user"`
	Name           string   `json:"name"`
	Picture        string   `json:"picture,omitempty"` // its address
	Domain         string   `json:"domain"`
	RoomsDomain    string   `json:"roomsDomain"`
	Login          Login    `json:"login"`
	Roster         string   `json:"roster"`
	Search         bool     `json:"search"`   // messages can be searched
	Rooms          bool     `json:"rooms"`    // the site lists rooms and makes them
	Previews       bool     `json:"previews"` // links have previews
	Follow         bool     `json:"follow"`   // the server tells of one's rooms, which need not be entered
	CountsUnread   bool     `json:"countsUnread"`
	Watch          bool     `json:"watch"`    // the server tells of people who are on no roster
	Befriend       bool     `json:"befriend"` // it knows nothing of the site's people: those who talk become contacts
	WebSocketURL   string   `json:"websocketURL"`
	BOSHURL        string   `json:"boshURL"`
	PrebindURL     string   `json:"prebindURL"`
	CredentialsURL string   `json:"credentialsURL"`
	MeURL          string   `json:"meURL"`
	AssetsPath     string   `json:"assetsPath"`
	ConverseJS     string   `json:"converseJS"`
	ChatStyles     []string `json:"chatStyles"` // in this order
	Icon           string   `json:"icon"`
	Trusted        bool     `json:"trusted"`
	PushKey        string   `json:"pushKey"` // of the site, for subscriptions (RFC 8292); empty: no notifications while no page is open

	FileHosts []string `json:"fileHosts"` // where files are that pages show, besides the site's own
}

// page starts a page for the person behind the request.
func (s *pages) page(c *fiber.Ctx, name, title string) *Page {
	p := &Page{Title: title, Name: name, Path: c.Path(), SiteName: s.cfg.SiteName, Signup: s.cfg.localSignup(), Theme: themeOf(c), Accent: s.accent, Contact: s.contact}
	if s.cfg.Development() {
		p.Demo = demoAccounts()
	}
	p.Nonce, _ = c.Locals(nonceKey).(string)
	p.CSRF = s.csrfToken(c)
	p.Flash = s.takeFlash(c)
	v := viewer(c)
	if v == nil {
		return p
	}
	me := s.person(v.account)
	me.Self = true
	p.Me = &me
	p.Chat = s.chatConfig(v)
	p.Chat.Picture = me.AvatarURL
	return p
}

// person shows an account.
func (s *site) person(a models.Account) Person {
	p := Person{User: a.Username, Name: a.Name, JID: a.Username + "@" + s.cfg.Domain, Admin: a.Admin}
	if a.AvatarHash != "" {
		p.AvatarURL = "/avatars/" + a.AvatarHash
	}
	return p
}

func (s *pages) chatConfig(v *requestSession) *ChatConfig {
	var pushKey string
	if s.chat.SupportsPush() {
		pushKey = s.push.PublicKey()
	}
	return &ChatConfig{
		JID:            v.account.Username + "@" + s.cfg.Domain,
		User:           v.account.Username,
		Name:           cmp.Or(names.Clean(v.account.Name), v.account.Username), // one kept before the rule for names may be no nickname
		Domain:         s.cfg.Domain,
		RoomsDomain:    s.cfg.RoomsDomain(),
		Login:          s.cfg.Login,
		Roster:         string(s.cfg.Roster),
		Watch:          s.chat.Abilities().Presence,
		Search:         s.chat.Abilities().Search,
		Rooms:          s.chat.Abilities().Rooms,
		Previews:       s.previews != nil,
		Follow:         s.chat.Abilities().Follow,
		CountsUnread:   s.chat.Abilities().Unread,
		Befriend:       !s.chat.Abilities().Contacts && s.cfg.Roster != models.RosterNone,
		WebSocketURL:   "/xmpp-websocket",
		BOSHURL:        "/http-bind",
		PrebindURL:     "/xmpp/prebind",
		CredentialsURL: "/xmpp/credentials",
		MeURL:          "/xmpp/me",
		AssetsPath:     s.assets.url("converse") + "/",
		ConverseJS:     s.assets.url("converse/converse.min.js"),
		ChatStyles:     s.assets.chatStyles,
		Icon:           s.assets.url("img/icon.svg"),
		Trusted:        v.session.Trusted,
		PushKey:        pushKey,
		FileHosts:      s.cfg.UploadOrigins.hosts(),
	}
}
