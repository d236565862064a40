// What a page for somebody who is not signed in begins with. It has no chat, and so no
// reason to keep anything across pages: links load the next one.

import './site.js';
import { forgetGone, forgetPeople } from './chat/forget.js';
import { around } from './dom.js';

if (document.body.dataset.gone) forgetGone(document.body.dataset.gone);
forgetPeople().catch(() => {}); // the next page tries again

// What the page after the sign-in loads is fetched while somebody types their password.
document.addEventListener('input', (event) => {
    const form = around(event, 'form[data-ahead]');
    if (!form?.dataset.ahead) return;
    // Not by <link rel=prefetch>, which Firefox allows by default-src alone.
    for (const address of form.dataset.ahead.trim().split(' ')) fetch(address, { priority: 'low' }).catch(() => {}); // the next page tries again
    delete form.dataset.ahead;
});
