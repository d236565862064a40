// What a page for somebody who is not signed in begins with. It has no chat, and so no
// reason to keep anything across pages: links load the next one.

import './site.js';
import { forgetPeople } from './chat/forget.js';

forgetPeople().catch(() => {}); // the next page tries again
