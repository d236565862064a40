/** Bounds of a room's form on the pages (app/rooms.go), in characters. */
export const MAX_LENGTH = { name: 60, about: 200, topic: 200 };
