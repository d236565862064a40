// Who of the person's contacts is around, and on which devices (RFC 6121 §4), where
// Converse loses some of it.

/** @param {Converse.Private} _converse */
export function keepContactPresence(_converse) {
    const { Presences, RosterContacts } = _converse.exports;
    fetchDevices(_converse.api, Presences.prototype);
    keepEarly(_converse, awaitContacts(RosterContacts.prototype));
}

const fetched = (fetch) => new Promise((resolve) => fetch({ success: resolve, error: resolve }));

/**
 * After a page load Converse knows who was around, but not on which devices, so that
 * whoever leaves would stay around. A stream that goes on tells only what changes; a new
 * one tells of everybody who is around, and of nobody else.
 */
// Patch: devices-fetched
function fetchDevices(api, presences) {
    const { fetch } = presences;
    presences.fetch = async function ({ success }) {
        await fetched((options) => fetch.call(this, options));
        await Promise.all(this.map(({ resources }) => fetched((options) => resources.fetch(options))));
        for (const presence of this.models) {
            const { resources } = presence;
            // What the account itself can do is kept under the same name (XEP-0030).
            resources.remove(resources.filter((device) => !device.get('presence')));
            if (!api.connection.get().restored) for (const device of [...resources.models]) device.destroy();
            presence.onResourcesChanged();
        }
        success(this);
    };
}

/**
 * A contact is made in several steps. Presence that comes in the same answer of BOSH as
 * the contact would meet one without a place for it: Converse throws, and Strophe never
 * calls a handler again that has thrown. Returns which presence Converse has taken.
 */
// Patch: contact-first
function awaitContacts(roster) {
    const { Strophe } = window.converse.env;
    const { presenceHandler } = roster;
    const made = new WeakSet();
    const taken = new WeakSet();

    roster.presenceHandler = function (presence) {
        const contact = this.get(Strophe.getBareJidFromJid(presence.getAttribute('from') ?? ''));
        const type = presence.getAttribute('type');
        if (contact || (type && type !== 'unavailable')) taken.add(presence);
        if (!contact || made.has(contact)) return presenceHandler.call(this, presence);
        contact.initialized.then(() => {
            made.add(contact);
            presenceHandler.call(this, presence);
        });
    };
    return taken;
}

/**
 * On a stream that goes on after a page load (XEP-0198 §5) the server sends what came meanwhile at once, before
 * Converse listens and has read its contacts: presence is kept until then.
 * @param {Converse.Private} _converse
 * @param {WeakSet<Element>} taken
 */
// Patch: early-presence
function keepEarly({ api, state }, taken) {
    api.listen.on('connected', () => {
        /** @type {Element[] | null} */
        let early = [];
        api.connection.get().addHandler((presence) => Boolean(early?.push(presence)), null, 'presence');
        api.waitUntil('rosterContactsFetched').then(() => {
            for (const presence of early ?? []) if (!taken.has(presence)) state.roster.presenceHandler(presence);
            early = null;
        });
    });
}
