// What a page for somebody who is not signed in begins with. It has no chat, and so no
// reason to keep anything across pages: links load the next one.

import './site.js';
import { forgetGone, forgetPeople, whoWasHere } from './chat/signin/forget.js';
import { around } from './dom.js';

/** Forgets of whom nothing is to stay: who deleted their account, and who was in the chat here and is signed out, however that came. */
async function forget() {
    const { gone } = document.body.dataset;
    const left = whoWasHere();
    if (gone) await forgetGone(gone);
    // The page does not say that nobody is signed in: an error may be told before that is known.
    const answer = left && left !== gone && (await fetch('/xmpp/me', { cache: 'no-store' }).catch(() => null));
    if (left && answer && answer.status === 401) await forgetGone(left);
    await forgetPeople();
}

forget().catch(() => {}); // the next page tries again

// What the page after the sign-in loads is fetched while somebody types their password.
document.addEventListener('input', (event) => {
    const form = around(event, 'form[data-ahead]');
    if (!form?.dataset.ahead) return;
    // Not by <link rel=prefetch>, which Firefox allows by default-src alone.
    for (const address of form.dataset.ahead.trim().split(' ')) fetch(address, { priority: 'low' }).catch(() => {}); // the next page tries again
    delete form.dataset.ahead;
});
