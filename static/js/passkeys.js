// Passkeys (Web Authentication): signing in by one, also from the suggestions of the user name's field, and making one. The
// sign-in page and that of the settings fetch this, no other does (site.js). It imports nothing, so that no page needs more for it.
// A browser's answer goes to the site as a form, so that all that follows is as after any other form.

/** Bytes of base64url. @param {string} text */
const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

/** Base64url of bytes. @param {ArrayBuffer | null | undefined} raw */
const text = (raw) => (raw ? btoa(String.fromCharCode(...new Uint8Array(raw))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '') : undefined);

/** Options as navigator.credentials takes them; the browser's own parse…OptionsFromJSON is not everywhere. @param {any} options */
const read = ({ challenge, user, ...options }) => ({
    ...options,
    challenge: bytes(challenge),
    ...(user && { user: { ...user, id: bytes(user.id) } }),
    ...(options.excludeCredentials && { excludeCredentials: options.excludeCredentials.map((one) => ({ ...one, id: bytes(one.id) })) }),
});

/** What the site reads of a browser's answer (WebAuthn §5.1). @param {any} credential */
function write({ id, rawId, type, authenticatorAttachment, response }) {
    const answer = {
        clientDataJSON: text(response.clientDataJSON),
        attestationObject: text(response.attestationObject),
        authenticatorData: text(response.authenticatorData),
        signature: text(response.signature),
        userHandle: text(response.userHandle),
    };
    return JSON.stringify({ id, rawId: text(rawId), type, authenticatorAttachment, response: answer, clientExtensionResults: {} });
}

/** @param {HTMLFormElement} form @param {string} name */
const field = (form, name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** Whether this browser has passkeys, and for this page: the site may have several names on loopback. @param {HTMLFormElement} form */
const possible = (form) => 'PublicKeyCredential' in window && form.dataset.site === location.hostname;

/** What is asked of browsers for the moment: there can be one thing only. @type {AbortController | undefined} */
let asking;

/** The signal of what is asked now, instead of what was asked before, which may still be waiting for the site. */
function instead() {
    asking?.abort();
    asking = new AbortController();
    return asking.signal;
}

/** Sends an answer. @param {HTMLFormElement} form @param {Credential | null} credential */
function send(form, credential) {
    field(form, 'answer').value = write(credential);
    const box = document.querySelector('input[type="checkbox"][name="trusted"]');
    const trusted = field(form, 'trusted');
    if (trusted) trusted.value = box instanceof HTMLInputElement && box.checked ? '1' : '';
    form.requestSubmit();
}

/** A new question of the site. @param {HTMLFormElement} form */
async function question(form) {
    const answer = await fetch('/signin/passkey/start', { method: 'POST', body: new URLSearchParams({ csrf: field(form, 'csrf').value }), cache: 'no-store' });
    if (!answer.ok) throw new Error(`the site does not ask for a passkey: ${answer.status}`);
    const { of, options } = await answer.json();
    return { of, publicKey: read(options) };
}

/** @param {HTMLFormElement} form @param {CredentialMediationRequirement} [mediation] */
async function signIn(form, mediation) {
    const signal = instead();
    const { of, publicKey } = await question(form);
    signal.throwIfAborted();
    const credential = await navigator.credentials.get({ publicKey, signal, mediation });
    field(form, 'of').value = of;
    send(form, credential);
}

/** A question is asked again before it is too old to be answered (app/auth/passkey: Lifetime). */
const REFRESH_MS = 4 * 60_000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let refresh;

/** Offers passkeys among the suggestions of the user name's field, where browsers do that. @param {HTMLFormElement} form */
async function suggest(form) {
    const before = asking;
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.()) || asking !== before) return; // or the button was pressed meanwhile
    clearTimeout(refresh);
    refresh = setTimeout(() => suggest(form), REFRESH_MS);
    const quiet = ['AbortError', 'NotSupportedError']; // something else is asked, or the browser has no such suggestions after all
    signIn(form, 'conditional').catch((cause) => quiet.includes(cause.name) || console.warn('No passkeys are suggested.', cause));
}

/** What a person is told of what a browser said. */
const sentences = {
    InvalidStateError: 'There is a passkey for your account on that device already.',
    NotAllowedError: 'Nothing was saved: it was cancelled, or took too long. You can try again.',
    NotSupportedError: 'That device cannot keep passkeys for this site. Try another one.',
};

/** @param {HTMLFormElement} form @param {string} sentence */
function say(form, sentence) {
    const said = form.querySelector('[data-said]');
    if (!(said instanceof HTMLElement)) return;
    said.textContent = sentence;
    said.hidden = !sentence;
}

/** @param {HTMLFormElement} form */
async function make(form) {
    say(form, '');
    try {
        const publicKey = read(JSON.parse(form.dataset.options ?? ''));
        send(form, await navigator.credentials.create({ publicKey, signal: instead() }));
    } catch (/** @type {any} */ cause) {
        if (cause.name === 'AbortError') return;
        say(form, sentences[cause.name] ?? 'That did not work in this browser. Try again, or another browser.');
        if (!sentences[cause.name]) console.warn('No passkey was made.', cause);
    }
}

/** @param {HTMLFormElement} form */
async function ask(form) {
    if (form.dataset.passkey === 'make') return make(form);
    clearTimeout(refresh);
    document.querySelector('form[data-ahead]')?.dispatchEvent(new Event('input', { bubbles: true })); // the next page's files, meanwhile
    return signIn(form).catch((cause) => {
        if (cause.name === 'AbortError') return undefined;
        if (cause.name !== 'NotAllowedError') { // not by the person, who knows
            console.warn('Nobody was signed in by a passkey.', cause);
            say(form, 'That did not work. Try again, or sign in another way.');
        }
        return suggest(form);
    });
}

/** Brings to life what the page has of this. */
function offerPasskeys() {
    for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll('form[data-passkey]:not([data-ready])'))) {
        form.dataset.ready = '';
        const makes = form.dataset.passkey === 'make';
        if (!possible(form)) {
            if (makes) say(form, 'This browser cannot make passkeys for this site.');
            continue;
        }
        form.addEventListener('submit', (event) => {
            if (field(form, 'answer').value) return;
            event.preventDefault();
            event.stopImmediatePropagation(); // Turbo would send it
            ask(form);
        });
        const around = form.closest('[data-passkeys]');
        if (around instanceof HTMLElement) around.hidden = false;
        if (!makes) suggest(form);
        else if (navigator.userActivation?.isActive) make(form); // the press that led here
    }
}

offerPasskeys();
document.addEventListener('foyer:page', offerPasskeys); // the next one of these pages, after the first

// A page that comes back from the browser's memory has given its answer, and may give another.
addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll('form[data-passkey][data-ready]'))) {
        field(form, 'answer').value = '';
        if (form.dataset.passkey !== 'make' && possible(form)) suggest(form);
    }
});

export {}; // it is a module, which has no names for others
