// What fails in Converse because there is no stream. It takes apart what it has when
// somebody signs out, and when a stream is lost it waits for the next one; whatever was
// under way then asks a server that does not hear it, or looks for what is not there any
// more. Nobody waits for that, and the next stream begins with all of it. So it is a note
// on the console. What fails while there is a stream, and what fails in the site's own
// code, is an error of the page.

/** Where something was thrown, as browsers write it down; Converse also rejects with answers of the server, and with nothing when there was none. */
const origin = (cause) => (cause instanceof Error ? (cause.stack?.split('\n').find((line) => line.includes('://')) ?? '') : null);

/**
 * @param {Converse.Private} _converse
 * @param {import('../signin/loginGuard.js').LoginGuard} guard
 */
// Patch: cut-off
export function logAbortedWork({ api }, guard) {
    const directory = new URL('.', new URL(guard.config.converseJS, location.href)).pathname;
    const isConverses = (cause) => origin(cause)?.includes(directory) ?? true;
    /** @param {Event} event @param {unknown} cause */
    const note = (event, cause) => {
        if ((api.connection.connected() && !guard.closed) || !isConverses(cause)) return;
        event.preventDefault();
        console.debug('Cut off:', cause);
    };
    addEventListener('error', (event) => note(event, event.error));
    addEventListener('unhandledrejection', (event) => note(event, event.reason));
}

/**
 * Lets a request that is not answered, or answered by an error, fail once, and where it is
 * waited for: Converse throws where there is no stream, and lets one that took too long
 * fail a second time.
 * @param {Converse.Private} _converse
 */
// Patch: fail-once
export function failOnce({ api }) {
    const { sendIQ } = api;
    api.sendIQ = async (stanza, timeout, reject = true) => {
        const answer = await sendIQ.call(api, stanza, timeout, false);
        if (reject && (answer === null || answer?.getAttribute('type') === 'error')) throw answer;
        return answer;
    };
}
