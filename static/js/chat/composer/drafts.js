// What somebody began to write in each conversation. It is kept in the browser, so that
// it is there on the next page, in the next tab and after a restart; on a device that
// is not trusted it goes with the rest when they sign out (forget.js).

const MAX_DRAFTS = 100; // conversations, the latest ones
const MAX_LENGTH = 20_000; // characters

/** Where a person's drafts are. */
export const draftsKey = (jid) => `foyer-drafts-${jid}`;

class Drafts {
    /** @type {Map<string, string>} */
    #texts = new Map();
    #key = '';

    /** @param {string} jid whose they are */
    open(jid) {
        this.#key = draftsKey(jid);
        this.#read();
        window.addEventListener('storage', ({ key }) => {
            if (key !== null && key !== this.#key) return; // null: all was removed
            this.#read();
            document.dispatchEvent(new CustomEvent('foyer:drafts'));
        });
    }

    #read() {
        this.#texts = new Map(Object.entries(JSON.parse(localStorage.getItem(this.#key) ?? '{}')));
    }

    /** Forgets them, and keeps none from now on. */
    forget() {
        localStorage.removeItem(this.#key);
        this.#key = '';
        this.#texts = new Map();
    }

    /** What was begun in a conversation. @param {string} jid */
    of(jid) {
        return this.#texts.get(jid) ?? '';
    }

    /**
     * @param {string} jid
     * @param {string} text
     */
    set(jid, text) {
        if (!this.#key || this.of(jid) === text) return;
        this.#read(); // another tab may have written
        this.#texts.delete(jid);
        if (text.trim()) this.#texts.set(jid, text.slice(0, MAX_LENGTH));
        const kept = [...this.#texts].slice(-MAX_DRAFTS);
        this.#texts = new Map(kept);
        try {
            if (kept.length) localStorage.setItem(this.#key, JSON.stringify(Object.fromEntries(kept)));
            else localStorage.removeItem(this.#key);
        } catch {
            // no room in the browser: the draft lives as long as the page
        }
        document.dispatchEvent(new CustomEvent('foyer:drafts'));
    }
}

export const drafts = new Drafts();
