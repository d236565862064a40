package app

import (
	"foyer/xmppgw"

	"github.com/gofiber/fiber/v2/middleware/etag"
)

// routes is every address of the site, in the order in which what stands before them
// applies.
func (s *Server) routes() {
	s.plainRoutes()
	s.chatRoutes()
	s.pageRoutes()
	s.memberRoutes()
}

// plainRoutes are those of programs: figures, files of the site, and files of people,
// whose bodies are read as they arrive.
func (s *Server) plainRoutes() {
	s.web.Use([]string{xmppgw.BOSHPath, "/xmpp/"}, s.gateway.AllowOrigin) // before all that may refuse
	s.web.Use(s.smallHeader, s.plainBody)
	s.web.Get("/healthz", s.healthz)
	s.web.Get("/readyz", s.readyz)
	s.web.Get("/metrics", s.showMetrics(s.newMetrics()))
	s.web.Get("/.well-known/jwks.json", s.deadline, s.showKeys)
	s.web.Get("/static/:version/*", s.fileHeaders, s.assets.serve)

	s.web.Get("/sw.js", s.secureHeaders, s.serviceWorker)
	s.web.Get("/manifest.webmanifest", s.secureHeaders, s.showManifest)
	s.web.Get("/offline", s.secureHeaders, s.showOffline)
	s.web.Post("/share", s.secureHeaders, s.share) // the service worker's; its body is not read here

	s.uploads.Mount(s.web) // reads bodies as they arrive
}

// chatRoutes are the chat's own. From here on bodies come whole, and bounded.
func (s *Server) chatRoutes() {
	s.web.Use(xmppgw.BOSHPath, s.wholeBody(s.gateway.MaxBody()))
	s.web.Post("/settings/picture", s.wholeBody(maxPictureBody))
	s.web.Use(s.wholeBody(maxFormBody))

	s.web.Use(s.deadline, s.checkHeader)
	s.gateway.Mount(s.web)

	s.web.Use(s.secureHeaders, s.compressed)
	s.web.Post("/signin/with/:name/logout", s.logOutByProvider) // from the provider itself: no browser, and no form of ours
	s.web.Post("/signin/with/:name/start", s.startAtProvider)   // from one of its pages
	xmpp := s.web.Group("/xmpp", s.ownPages, s.loadVisit)
	xmpp.Get("/search", s.searchMessages)
	xmpp.Get("/me", s.me)
	xmpp.Get("/conversations", etag.New(), s.conversations) // pages ask often, and most of the time nothing is new
	xmpp.Get("/find", s.findConversations)
	xmpp.Get("/people/:user", s.personCard)
	xmpp.Get("/rooms/:name/people", s.roomPeople)
	xmpp.Post("/rooms/:name/invite", s.inviteFromChat)
	xmpp.Get("/conversations/settings", s.showConversationSettings)
	xmpp.Post("/conversations/settings", s.saveConversationSettings)
	xmpp.Post("/previews", s.linkPreviews)
	xmpp.Post("/push", s.subscribePush)
	xmpp.Delete("/push", s.unsubscribePush)
	xmpp.Get("/credentials", s.credentials)
	xmpp.Get("/prebind", s.prebind)
	xmpp.Post("/prebind", s.prebind)
}

// pageRoutes are the pages for everybody.
func (s *Server) pageRoutes() {
	s.web.Use(s.loadVisit, s.plainText, s.protectForms)
	s.web.Get("/", s.index)
	s.web.Get("/articles/garden", s.article)
	s.web.Get("/signup", s.showSignUp)
	s.web.Post("/signup", s.signUp)
	s.web.Get("/signin", s.showSignIn)
	s.web.Post("/signin", s.signIn)
	s.web.Get("/signin/name", s.showChooseName)
	s.web.Post("/signin/name", s.chooseName)
	s.web.Get("/signin/with/:name", s.signInWith)
	s.web.Get("/signin/with/:name/back", s.backFrom)
	s.web.Get("/signin/with/:name/start", s.startAtProvider)
	s.web.Post("/signout", s.signOut)
	s.web.Post("/theme", s.setTheme)
}

// memberRoutes are the pages for members: signedIn stands before each.
func (s *Server) memberRoutes() {
	s.web.Get("/chat", s.signedIn, s.chatPage)
	s.web.Get("/chat/with/:user", s.signedIn, s.chatWith)
	s.web.Get("/chat/room/:name", s.signedIn, s.chatInRoom)
	s.web.Get("/people", s.signedIn, s.showPeople)
	s.web.Post("/people/:user/contact", s.signedIn, s.askContact)
	s.web.Post("/people/:user/answer", s.signedIn, s.answerContact)
	s.web.Get("/rooms", s.signedIn, s.showRooms)
	s.web.Post("/rooms", s.signedIn, s.makeRoom)
	s.web.Get("/rooms/:name", s.signedIn, s.showRoom)
	s.web.Post("/rooms/:name/invite", s.signedIn, s.invite)
	s.web.Post("/rooms/:name/delete", s.signedIn, s.deleteRoom)
	s.web.Get("/avatars/:hash", s.signedIn, s.showAvatar)
	s.web.Get("/previews/:id", s.signedIn, s.showPreviewPicture)
	s.web.Get("/settings", s.signedIn, s.showSettings)
	s.web.Post("/settings/profile", s.signedIn, s.saveProfile)
	s.web.Post("/settings/picture", s.signedIn, s.savePicture)
	s.web.Post("/settings/picture/remove", s.signedIn, s.removePicture)
	s.web.Post("/settings/notifications", s.signedIn, s.saveNotifications)
	s.web.Post("/settings/confirm", s.signedIn, s.startConfirmation)
	s.web.Post("/settings/password", s.signedIn, s.savePassword)
	s.web.Get("/settings/ways/add/:name", s.signedIn, s.showAddWay)
	s.web.Post("/settings/ways/add/:name", s.signedIn, s.addWay)
	s.web.Get("/settings/ways/join", s.signedIn, s.showJoinWay)
	s.web.Post("/settings/ways/join", s.signedIn, s.joinWay)
	s.web.Get("/settings/ways/:id/remove", s.signedIn, s.showRemoveWay)
	s.web.Post("/settings/ways/:id/remove", s.signedIn, s.removeWay)
	s.web.Post("/settings/sessions/others/end", s.signedIn, s.endOtherSessions)
	s.web.Post("/settings/sessions/:id/end", s.signedIn, s.endOneSession)
	s.web.Get("/settings/apps", s.signedIn, s.showAppPassword)
	s.web.Post("/settings/apps", s.signedIn, s.createAppPassword)
	s.web.Post("/settings/apps/:id/revoke", s.signedIn, s.revokeAppPassword)
	s.web.Get("/settings/files", s.signedIn, s.showFiles)
	s.web.Post("/settings/files/delete", s.signedIn, s.deleteOwnFiles)
	s.web.Get("/settings/files/:id", s.signedIn, s.saveOwnFile)
	s.web.Post("/settings/files/:id/delete", s.signedIn, s.deleteOwnFile)
	s.web.Post("/settings/delete", s.signedIn, s.deleteAccount)
}
