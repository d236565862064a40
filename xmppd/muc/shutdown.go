package muc

// Shutdown tells everybody that they are out of their rooms, since the server
// stops: 332 (XEP-0045 §11.2, S-87). It is called right before the streams end.
// Rooms stay as they are until then: what is on its way still arrives, nobody is
// told that the others go, and temporary rooms are there when people come back.
// Converse says why the room is away, and enters it again when it is connected.
func (s *Service) Shutdown() {
	for _, r := range s.loadedRooms() {
		select {
		case <-r.loaded:
			r.sayShutdown()
		default: // nobody is in it yet
		}
	}
}

func (r *room) sayShutdown() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.occupants.members {
		raw := m.occupant.unavailableLocked(departure{codes: []string{codeShutdown}}, m.client.JID())
		m.deliverLocked("<presence", raw, appendCodes(nil, codeSelf), endOfPresence)
	}
}
