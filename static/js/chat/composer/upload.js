// A file's way to where the site keeps files (XEP-0363): a slot is asked for, and the
// file is put there. Converse does it as well, without a way to stop it or to try again.
// It comes with the first file (lazy.js).

import { loadMetadata } from '../lazy.js';
import { formatBytes } from '../size.js';

const UPLOAD = 'urn:xmpp:http:upload:0';
const SLOT_TIMEOUT_MS = 30_000; // ms until it is known where a file goes

/** What went wrong, as people are told. */
class UploadError extends Error {
    /** Whether trying again would fail as well. */
    permanent = false;
    /** Whether what comes after the file goes all the same: not where there is no way through, which may be there again in a moment. */
    refused = false;
}

const FAILED = 'The file could not be sent.';
const REFUSED = 'The server does not accept this file.';

/** What is refused for ever, or else perhaps for now. */
const refusal = (why, permanent = true) => Object.assign(new UploadError(why), { permanent, refused: true });

/** Where files go, and how large they may be. */
async function service(_converse) {
    const [found] = await _converse.api.disco.features.get(UPLOAD, _converse.session.get('domain'));
    if (!found) throw refusal('Files cannot be sent here.', false);
    // After a reload Converse has kept what the service can do, and reads no form again (DiscoEntity.fetchFeatures).
    if (found.dataforms?.length === 0) await new Promise((resolve) => found.dataforms.fetch({ success: resolve, error: resolve }));
    const form = found.dataforms?.models.find((each) => each.get('FORM_TYPE')?.value === UPLOAD);
    return { to: found.id, maxSize: Number.parseInt(form?.get('max-file-size')?.value, 10) || Infinity };
}

const tooLarge = (maxSize) => `It is too large: the limit is ${formatBytes(maxSize)}.`;

/** Whether the browser can read a file: a folder it cannot, nor what was changed or deleted since it was chosen. */
const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);
const UNREADABLE = 'It cannot be read: it is a folder, or it has been changed or deleted.';

/**
 * Whether a file can never be sent, as far as that is known before: why, in words.
 * @param {Converse.Private} _converse
 * @param {File} file
 * @returns {Promise<string>}
 */
export async function whyNever(_converse, file) {
    if (!file.size) return 'It is empty: there is nothing to send.';
    if (!(await isReadable(file))) return UNREADABLE;
    if (!_converse.api.connection.connected()) return '';
    const { maxSize } = await service(_converse).catch(() => ({ maxSize: Infinity })); // said once it is sent
    return file.size > maxSize ? tooLarge(maxSize) : '';
}

/** A photo without what a camera writes into it. @param {File} file */
const bare = (file) => loadMetadata().then(({ withoutMetadata }) => withoutMetadata(file), () => Promise.reject(new UploadError(FAILED)));

/** Why no slot was given, in the service's words if it has any (XEP-0363 §5; RFC 6120 §8.3.2). */
function whyNoSlot(answer) {
    if (!(answer instanceof Element)) return new UploadError(FAILED);
    const maxSize = Number(answer.querySelector('file-too-large > max-file-size')?.textContent);
    if (maxSize) return refusal(tooLarge(maxSize));
    const error = answer.querySelector('error');
    const type = error?.getAttribute('type');
    const isFull = error?.querySelector('resource-constraint'); // until somebody deletes other files
    const why = error?.querySelector('text')?.textContent;
    return type === 'wait' && !isFull ? new UploadError(why || FAILED) : refusal(why || REFUSED, type === 'modify');
}

/** Why a file was not taken where a slot said: of what fails for a while, in the service's words if it has any. @param {XMLHttpRequest} request */
function whyNotTaken(request) {
    const { status, responseText } = request;
    if (status === 413 || status === 415) return refusal(status === 413 ? 'It is too large for the server.' : REFUSED);
    if (status < 500 && ![400, 408, 429].includes(status)) return refusal(REFUSED, false); // another slot may do
    const isForPeople = request.getResponseHeader('Content-Type')?.startsWith('text/plain') && responseText.length < 200;
    const why = (isForPeople && responseText.trim()) || FAILED;
    return status === 507 ? refusal(why, false) : new UploadError(why);
}

/** Asks for a slot. @returns {Promise<{get: string, put: string, headers: [string, string][]}>} */
async function slotFor(_converse, file, to) {
    const { api } = _converse;
    const { stx, u } = window.converse.env;
    const asked = stx`<iq type="get" to="${to}" id="${u.getUniqueId('slot')}" xmlns="jabber:client">
        <request xmlns="${UPLOAD}" filename="${file.name}" size="${file.size}" content-type="${file.type || 'application/octet-stream'}"/></iq>`;
    const answer = await api.sendIQ(asked, SLOT_TIMEOUT_MS).catch((cause) => Promise.reject(whyNoSlot(cause)));
    const [put, get] = ['put', 'get'].map((name) => answer?.querySelector(`slot > ${name}`));
    if (!put || !get) throw whyNoSlot(answer);
    const headers = Array.from(put.querySelectorAll('header'), (header) => /** @type {[string, string]} */ ([header.getAttribute('name') ?? '', header.textContent]));
    return { get: get.getAttribute('url') ?? '', put: put.getAttribute('url') ?? '', headers: headers.filter(([name]) => ['Authorization', 'Expires'].includes(name)) };
}

/** Sends the bytes. @returns {Promise<void>} */
function put(file, slot, onProgress, signal) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        const fail = async () => reject((await isReadable(file)) ? new UploadError(FAILED) : refusal(UNREADABLE));
        signal.addEventListener('abort', () => request.abort(), { once: true });
        request.upload.addEventListener('progress', ({ loaded, total, lengthComputable }) => lengthComputable && onProgress(loaded / total));
        request.addEventListener('abort', fail);
        request.addEventListener('error', fail);
        request.addEventListener('load', () => {
            if (request.status === 200 || request.status === 201) resolve();
            else reject(whyNotTaken(request));
        });
        request.open('PUT', slot.put);
        request.setRequestHeader('Content-Type', file.type || 'application/octet-stream'); // as the slot was asked for
        for (const [name, value] of slot.headers) request.setRequestHeader(name, value);
        request.send(file);
    });
}

/**
 * Sends a file to where files are kept.
 * @param {Converse.Private} _converse
 * @param {Converse.Chat} chat in which it will be
 * @param {File} file
 * @param {(part: number) => void} onProgress
 * @param {AbortSignal} signal stops it
 * @returns {Promise<{body: string, oob_url: string | null}>} of the message that shows it
 * @throws {UploadError} with a sentence for people
 */
export async function upload(_converse, chat, file, onProgress, signal) {
    const { api } = _converse;
    const ready = async () => {
        const why = await whyNever(_converse, file);
        if (why) throw refusal(why);
        const { to } = await service(_converse);
        const shown = file.type === 'image/jpeg' ? await bare(file) : file;
        const sent = await api.hook('beforeFileUpload', chat, shown); // encrypted, where the conversation is
        return { sent, slot: await slotFor(_converse, sent, to) };
    };
    // Strophe forgets who waits for an answer when a stream is lost; what comes after the file would wait for ever.
    const { sent, slot } = await new Promise((resolve, reject) => {
        const stop = () => reject(new UploadError(FAILED));
        signal.addEventListener('abort', stop);
        api.listen.once('will-reconnect', stop);
        setTimeout(stop, SLOT_TIMEOUT_MS);
        ready().then(resolve, reject);
    });
    signal.throwIfAborted();
    await put(sent, slot, onProgress, signal);
    const { body, oob_url } = await api.hook('afterFileUploaded', { file: sent }, { body: slot.get, message: slot.get, oob_url: slot.get });
    return { body, oob_url };
}
