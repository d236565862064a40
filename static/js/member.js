// What a page for a member begins with: page changes by Turbo, so that the chat stays,
// and the chat.

import './backButton.js'; // first
import '../lib/turbo.js';
import './site.js';
import { keepChatAcrossPages } from './pages.js';
import { startChat } from './chat/boot.js';
import { forgetPeople } from './chat/signin/forget.js';
import { offerPush, registration } from './push.js';
import { byId } from './dom.js';

keepChatAcrossPages();

/** @type {import('./chat/types.js').ChatConfig} */
const config = JSON.parse(byId('chat-config').textContent ?? '');
startChat(config); // first: what it asks of the site is under way while the rest reads what the browser keeps
forgetPeople(config.jid).catch(() => {}); // the next page tries again
offerPush(config);

// The page for while the site cannot be reached, and what is shared with it, are the worker's.
if ('serviceWorker' in navigator) addEventListener('load', () => registration().catch((cause) => console.warn('There is no service worker.', cause)));
