// What Converse has of a conversation, a room's or a person's (its "chat boxes").

/** Whether it is a room's. */
export const isRoom = (box) => box.get('type') === 'chatroom';

/** Whether it is a person's or a room's, and not the list. */
export const isConversation = (box) => ['chatbox', 'chatroom'].includes(box.get('type'));

/** Whether a message was deleted, by its author or a moderator. */
export const isDeleted = (message) => Boolean(message.get('retracted') || message.get('moderated') === 'retracted' || message.get('is_tombstone'));

/** How many of its messages are unread: of a room Converse counts those that name the person apart. @returns {number} */
export const unreadOf = (box) => (isRoom(box) ? box.get('num_unread_general') : box.get('num_unread')) ?? 0;
