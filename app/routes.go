package app

import "foyer/xmppgw"

// handlers are what the website is made of: each has its pages or what the chat of a page asks
// for, with what they use, and registers their addresses.
type handlers struct {
	middleware    *middleware
	accountLimit  *accountLimiter
	install       *installPages
	signIn        *signInPages
	identities    *identityPages
	passkeys      *passkeyPages
	settings      *settingsPages
	ownData       *ownDataPages
	files         *filePages
	notices       *notifications
	people        *peoplePages
	rooms         *roomPages
	home          *homePages
	conversations *conversationLists
	links         *linkPages
	access        *chatAccess
}

// newHandlers makes them of what the site has.
func (s *Server) newHandlers() {
	p := s.pages
	s.middleware = &middleware{site: s.site, bodies: newBodies(s.limits), policy: newContentPolicy(s.cfg.UploadOrigins), timeout: requestTimeout, gateway: s.gateway, limits: s.limits}
	s.accountLimit = newAccountLimiter(s.limits)
	s.install = &installPages{site: s.site, assets: s.assets, themeColors: s.themeColors, views: s.views}
	s.signIn = &signInPages{pages: p, logouts: newLogouts(s.limits), failedReturns: newFailedReturns(s.limits), rated: newRated(s.limits), signIns: newSignIns()}
	s.files = &filePages{pages: p, records: s.db.Uploads, uploads: s.uploads}
	s.notices = &notifications{pages: p, notified: s.db.Notifications, members: s.db.People, lists: newLists(s.limits)}
	s.settings = &settingsPages{
		pages: p, accounts: s.db.Accounts, sessions: s.db.Sessions, tokens: s.db.Tokens, notified: s.db.Notifications,
		signIn: s.signIn, notices: s.notices, files: s.files, pictures: s.pictures, tell: s.tell, nativeServers: s.nativeServers,
	}
	s.signIn.renderSettings = s.settings.renderSettings
	s.ownData = newOwnDataPages(s)
	s.identities = &identityPages{pages: p, signIn: s.signIn, settings: s.settings}
	s.passkeys = &passkeyPages{pages: p, signIn: s.signIn, settings: s.settings, asked: newAskedPasskeys(s.limits)}
	s.people = &peoplePages{pages: p, accounts: s.db.Accounts, members: s.db.People}
	s.rooms = &roomPages{pages: p, members: s.db.People, people: s.people, lists: newRoomLists(s.limits)}
	s.home = &homePages{pages: p, people: s.people, rooms: s.rooms}
	s.conversations = &conversationLists{pages: p, members: s.db.People, lists: newLists(s.limits)}
	s.links = &linkPages{pages: p, kept: s.db.Previews}
	s.access = &chatAccess{site: s.site, auth: s.auth, throttle: s.db.Throttle, gateway: s.gateway}
}

// routes is every address of the site, in the order in which what stands before them
// applies.
func (s *Server) routes() {
	s.plainRoutes()
	s.chatRoutes()
	s.pageRoutes()
}

// plainRoutes are those of programs: figures, files of the site, and files of people,
// whose bodies are read as they arrive.
func (s *Server) plainRoutes() {
	s.web.Use([]string{xmppgw.BOSHPath, "/xmpp/"}, s.gateway.AllowOrigin) // before all that may refuse
	s.web.Use(s.middleware.limitHeader, s.middleware.refuseCompressedBody)
	s.web.Get("/healthz", s.healthz)
	s.web.Get("/readyz", s.readyz)
	s.web.Get("/metrics", s.showMetrics(s.newMetrics()))
	s.web.Get("/.well-known/jwks.json", s.middleware.deadline, s.showKeys)
	s.web.Get("/static/:version/*", s.middleware.fileHeaders, s.assets.handler(s.cfg.Development()))
	s.install.routes(s.web, s.middleware.secureHeaders)

	s.uploads.Mount(s.web) // reads bodies as they arrive
}

// chatRoutes are the chat's own. From here on bodies come whole, and bounded.
func (s *Server) chatRoutes() {
	s.web.Use(xmppgw.BOSHPath, s.middleware.boshBody())
	s.web.Post("/settings/picture", s.middleware.bufferBody(maxPictureBody))
	s.web.Use(s.middleware.bufferBody(maxFormBody))

	s.web.Use(s.middleware.deadline, s.signIn.checkHeader)
	s.gateway.Mount(s.web)

	s.web.Use(s.middleware.secureHeaders, s.middleware.compressed)
	s.signIn.chatRoutes(s.web)
	xmpp := s.web.Group("/xmpp", s.access.ownPages, s.middleware.plainText, s.signIn.loadRequestSession)
	s.access.chatRoutes(xmpp) // these may take long, and have bounds of their own
	s.conversations.searchRoutes(xmpp)
	s.links.chatRoutes(xmpp)
	xmpp.Use(s.accountLimit.limit)
	s.conversations.chatRoutes(xmpp)
	s.people.chatRoutes(xmpp)
	s.rooms.chatRoutes(xmpp)
	s.notices.chatRoutes(xmpp)
}

// pageRoutes are the pages: for everybody, and with requireMember before them for members.
func (s *Server) pageRoutes() {
	s.web.Use(s.signIn.loadRequestSession, s.middleware.plainText, s.protectForms)
	s.signIn.routes(s.web) // bounded by address, and by what waits for a hash
	s.passkeys.signInRoutes(s.web)
	s.web.Use(s.accountLimit.limit)
	s.home.routes(s.web)
	s.people.routes(s.web)
	s.rooms.routes(s.web)
	s.links.routes(s.web)
	s.settings.routes(s.web)
	s.ownData.routes(s.web)
	s.identities.routes(s.web)
	s.passkeys.routes(s.web)
	s.files.routes(s.web)
}
