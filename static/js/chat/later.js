// What the chat does not begin with. It is one file of the bundle, which onDemand.js fetches.

export { Bar } from './bar.js';
export { Begin } from './begin/dialog.js';
export { Completion } from './composer/completion.js';
export { makeContact } from './contacts.js';
export { Hits } from './list/hits.js';
export { MessageSheet } from './messageSheet.js';
export { PersonCard } from './personCard.js';
export { deleteRoom } from './room/actions.js';
export { RoomPanel } from './room/panel.js';
export { Search } from './search.js';
export { share } from './share.js';
export { ShortcutList } from './shortcutList.js';
export { viewer } from './viewer.js';
