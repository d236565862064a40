// What the chat does not begin with. It is one file of the bundle, which lazy.js fetches.

export { Bar } from './messages/bar.js';
export { Begin } from './begin/dialog.js';
export { Completion } from './composer/completion.js';
export { upload, whyNever } from './composer/upload.js';
export { makeContact } from './people/contacts.js';
export { MessageResults } from './list/messageResults.js';
export { MessageSheet } from './messages/messageSheet.js';
export { PersonCard } from './people/personCard.js';
export { deleteRoom } from './room/actions.js';
export { RoomPanel } from './room/panel.js';
export { Search } from './search/search.js';
export { share } from './share/share.js';
export { ShortcutList } from './keys/shortcutList.js';
export { viewer } from './messages/viewer.js';
