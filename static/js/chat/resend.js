// Messages that were sent but not acknowledged when the server was restarted:
// Converse drops them when a stream cannot be resumed. They are sent again,
// marked as delayed; the server knows those it has by their ids.

const isMessage = (raw) => raw.startsWith('<message') && raw.includes('<body');

export function resendUnacknowledged(_converse) {
    const { api } = _converse;
    let pending = [];
    let lost = [];

    const watch = () => {
        const { session } = _converse;
        pending = session.get('unacked_stanzas') ?? [];
        session.on('change:unacked_stanzas', () => {
            const now = session.get('unacked_stanzas') ?? [];
            if (now.length === 0 && !session.get('smacks_enabled')) lost = lost.concat(pending.filter(isMessage));
            pending = now;
        });
    };
    const resend = () => {
        const again = lost;
        lost = [];
        for (const raw of again) {
            const stanza = new DOMParser().parseFromString(raw, 'text/xml').documentElement;
            const delay = stanza.ownerDocument.createElementNS('urn:xmpp:delay', 'delay');
            delay.setAttribute('from', _converse.session.get('bare_jid'));
            delay.setAttribute('stamp', new Date().toISOString());
            stanza.append(delay);
            api.send(stanza);
        }
    };
    api.listen.on('beforeResourceBinding', () => {
        if (_converse.session && !_converse.session.foyerWatched) {
            _converse.session.foyerWatched = true;
            watch();
        }
    });
    api.listen.on('reconnected', resend);
    api.listen.on('connected', resend);
}
