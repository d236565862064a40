package app

import (
	"context"
	"errors"
	"html/template"
	"slices"
	"strings"
	"text/template/parse"

	"foyer/internal/names"
	"foyer/internal/stanza"
	"foyer/models"
)

// Rooms that templates name. What is said in them stands on pages of the site, so that the
// operator makes them (foyer room add): whoever makes a room decides who may read it, and
// anybody can make one by entering it with an app.

// templateRoom is a room that a template names in so many words.
type templateRoom struct{ name, file string }

// templateRooms are the rooms that templates name, by name and file. A name that is only known
// when a page is rendered is not among them.
func templateRooms(set *template.Template) []templateRoom {
	var found []templateRoom
	for _, t := range set.Templates() {
		if t.Tree == nil || t.Tree.Root == nil {
			continue
		}
		for _, name := range roomsIn(t.Tree.Root) {
			found = append(found, templateRoom{name, "views/" + t.Tree.ParseName + ".html"})
		}
	}
	slices.SortFunc(found, func(x, y templateRoom) int { return strings.Compare(x.name+"\x00"+x.file, y.name+"\x00"+y.file) })
	return slices.Compact(found)
}

// roomsIn are the rooms that a part of a template names.
func roomsIn(node parse.Node) (rooms []string) {
	add := func(more ...parse.Node) {
		for _, n := range more {
			rooms = append(rooms, roomsIn(n)...)
		}
	}
	branch := func(b parse.BranchNode) {
		add(b.Pipe, b.List)
		if b.ElseList != nil {
			add(b.ElseList)
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		add(n.Nodes...)
	case *parse.IfNode:
		branch(n.BranchNode)
	case *parse.RangeNode:
		branch(n.BranchNode)
	case *parse.WithNode:
		branch(n.BranchNode)
	case *parse.ActionNode:
		add(n.Pipe)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			add(n.Pipe)
		}
	case *parse.PipeNode:
		for i, c := range n.Cmds {
			if args := c.Args; isRoomFunction(args[0]) {
				if i > 0 && len(args) == 1 {
					args = append(slices.Clone(args), n.Cmds[i-1].Args...) // {{"garden" | room}}
				}
				if text, ok := args[len(args)-1].(*parse.StringNode); ok && len(args) == 2 {
					rooms = append(rooms, text.Text)
				}
			}
			add(c.Args...)
		}
	}
	return rooms
}

func isRoomFunction(node parse.Node) bool {
	function, ok := node.(*parse.IdentifierNode)
	return ok && function.Ident == "room"
}

// shownRooms are the rooms that templates of pages name which this site has.
func (s *Server) shownRooms() []templateRoom {
	return slices.DeleteFunc(templateRooms(s.views.Templates), func(r templateRoom) bool {
		return r.file == "views/"+exampleArticle+".html" && !s.cfg.showsExample()
	})
}

// isReserved reports whether members cannot make a room of that name.
func (s *Server) isReserved(name string) bool {
	return slices.ContainsFunc(s.templateRooms, func(r templateRoom) bool {
		prepared, err := RoomName(s.cfg, r.name)
		return r.name == name || err == nil && prepared == name
	})
}

// RoomName returns a room's name, what stands before the @ in its address, as rooms are found by it.
func RoomName(cfg Config, typed string) (string, error) {
	address, err := stanza.ParseAddress(typed + "@" + cfg.RoomsDomain())
	if err != nil || address.User == "" || address.Resource != "" || address.Domain != cfg.RoomsDomain() {
		return "", errors.New(`"` + typed + `" cannot be a room's name`)
	}
	return address.User, nil
}

// noteTemplateRooms says which pages name a room that is not there, and how to make it.
func (s *Server) noteTemplateRooms(ctx context.Context) {
	rooms := s.templateRooms
	if len(rooms) == 0 {
		return
	}
	if s.cfg.External() {
		if !s.cfg.Development() {
			s.log.Warn("pages show no discussions: the rooms are those of the chat server behind XMPP_UPSTREAM", "template", rooms[0].file, "room", rooms[0].name)
		}
		return
	}
	var wanted []string
	for _, r := range rooms {
		wanted = append(wanted, r.name)
	}
	creators, err := s.db.SiteRooms.Creators(ctx, wanted)
	if err != nil {
		s.log.Error("it was not looked whether the rooms that pages name are there", "err", err)
		return
	}
	for _, r := range rooms {
		prepared, err := RoomName(s.cfg, r.name)
		creator, there := creators[r.name]
		switch {
		case err != nil:
			s.log.Warn("a page names a room that cannot be", "template", r.file, "room", r.name)
		case prepared != r.name:
			s.log.Warn("a page names a room as none is called", "template", r.file, "room", r.name, "mend", "write "+prepared)
		case !there:
			s.log.Warn("a page names a room that is not there", "template", r.file, "room", r.name, "mend", "foyer room add "+r.name+" --title … --on-pages")
		case creator != "" && !s.cfg.Development(): // before the template had its name
			s.log.Info("a page names a room that a member made: its owners decide what stands there", "template", r.file, "room", r.name, "user", creator)
		}
	}
}

// AddSiteRoom makes a room on the operator's word. Errors are sentences for the person at the terminal.
func AddSiteRoom(ctx context.Context, db *models.DB, r models.NewSiteRoom) error {
	form := RoomForm{Name: strings.TrimSpace(r.Title), About: strings.TrimSpace(r.About)}
	form.check()
	for _, wrong := range form.Errors {
		return errors.New(wrong)
	}
	r.Title, r.About = names.Line(form.Name), names.Line(form.About)
	err := db.SiteRooms.Add(ctx, r)
	if errors.Is(err, models.ErrTaken) {
		return errors.New("there is a room " + r.Name + " already; its owners change it in its settings in the chat")
	}
	return err
}
