// The chat's frame: open or closed, and what it says about the connection.

const OPEN = 'foyer-chat-open';

const chat = () => document.getElementById('chat');
const toggle = () => document.getElementById('chat-toggle');

function show(open) {
    chat().dataset.state = open ? 'open' : 'closed';
    toggle().setAttribute('aria-expanded', String(open));
    toggle().hidden = open;
    sessionStorage.setItem(OPEN, open ? '1' : '');
}

export const frame = {
    prepare() {
        // On a phone the open chat would cover the page that was asked for.
        show(sessionStorage.getItem(OPEN) === '1' && matchMedia('(min-width: 40.01rem)').matches);
        document.addEventListener('click', (event) => {
            if (event.target.closest?.('[data-chat-toggle]')) frame.open();
            if (event.target.closest?.('[data-chat-close]')) frame.close();
        });
    },

    open() {
        show(true);
        chat().querySelector('.chat-textarea, [data-chat-close]')?.focus();
    },

    close() {
        show(false);
        toggle().focus();
    },

    /** Whether the chat is in sight. */
    visible() {
        return document.body.dataset.page === 'chat' || chat().dataset.state === 'open';
    },

    /**
     * Says something about the connection; nothing takes it away.
     * @param {string} [text]
     * @param {{href: string, label: string}} [link]
     */
    notice(text, link) {
        const element = document.getElementById('chat-notice');
        element.replaceChildren(text ?? '');
        if (link) {
            const a = Object.assign(document.createElement('a'), { href: link.href, textContent: link.label });
            a.dataset.turbo = 'false';
            element.append(' ', a);
        }
        element.hidden = !text;
    },
};
