// What is kept with the account (PEP, XEP-0163), such as bookmarks and what was read.

/** The option that a server names in a refusal; who may see it is never left out. @param {unknown} cause */
const unknownOption = (cause) =>
    /pubsub#((?!access_model)\w+)/.exec(/** @type {Element | null} */ (cause)?.querySelector?.('error[type="wait"] > text')?.textContent ?? '')?.[1];

/**
 * Publishes once more without an option that the server has as a setting of its own alone: ejabberd 23.01 takes the
 * number of items, and when the last one is sent, for faults (XEP-0060 §7.1.5).
 * @param {Converse.Private} _converse
 */
// Patch: published-anyway
export function retryWithoutOption({ api }) {
    const { publish } = api.pubsub;
    api.pubsub.publish = async (jid, node, item, /** @type {Record<string, string> | undefined} */ options, strict) => {
        try {
            return await publish.call(api.pubsub, jid, node, item, options, strict);
        } catch (cause) {
            const { [unknownOption(cause) ?? '']: unknown, ...others } = options ?? {};
            if (!unknown) throw cause;
            return api.pubsub.publish(jid, node, item, others, strict);
        }
    };
}
