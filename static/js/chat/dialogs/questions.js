// Questions say what will be done, by a verb on the button, instead of "Confirm".

/**
 * What Converse asks, by the words it asks with, and what the button says; of those
 * that only have a title here, the question stays.
 * @type {{asked: string, title: string, text?: string, verb: string, destroys?: boolean}[]}
 */
const QUESTIONS = [
    { asked: 'Are you sure you want to retract this message?', title: 'Delete this message?', text: 'Everybody sees that you deleted it, and no longer what it said.', verb: 'Delete', destroys: true },
    { asked: 'You are about to retract this message.', title: 'Delete this message for everybody?', verb: 'Delete', destroys: true },
    { asked: 'You have an unsent message which will be lost if you continue. Are you sure?', title: 'Stop editing the other message?', text: 'What you changed there is not kept.', verb: 'Stop editing' },
    { asked: 'Are you sure you want to unblock this user?', title: 'Unblock this person?', verb: 'Unblock' },
    { asked: 'Are you sure you want to clear the messages from this conversation?', title: 'Clear this conversation?', verb: 'Clear', destroys: true },
];

/** By the title of the site's own questions. @type {Map<string, {verb: string, destroys?: boolean}>} */
const own = new Map();

/**
 * Asks a question of the site's own. @returns {Promise<boolean>} whether the answer is yes
 * @param {Converse.Api} api
 * @param {{title: string, text: string | string[], verb: string, destroys?: boolean}} question
 */
export async function ask(api, { title, text, verb, destroys }) {
    own.set(title, { verb, destroys });
    return Boolean(await api.confirm(title, [text].flat()));
}

/**
 * Escape says no wherever the focus is, which may come to a question a moment after that is in sight; and while the question
 * still comes, when nothing closes it, as soon as it is there.
 * @param {KeyboardEvent} event
 */
function closeByKey(event) {
    const question = event.key === 'Escape' && document.querySelector('#chat .modal.show');
    if (!question) return;
    event.stopPropagation();
    const no = /** @type {HTMLElement | null} */ (question.querySelector('[data-bs-dismiss="modal"]'));
    no?.click();
    if (question.classList.contains('show')) question.addEventListener('shown.bs.modal', () => no?.click(), { once: true });
}

/** @param {Converse.Private} _converse */
// Patch: questions
export function askWithVerbs(_converse) {
    document.addEventListener('keydown', closeByKey, { capture: true });
    const { api, __ } = _converse;
    const { html } = window.converse.env;
    const { prototype } = api.elements.registry['converse-confirm-modal']; // Converse makes them of this very class

    /** What is asked: its title, what is said below, and the button. */
    const understood = ({ title, messages }) => {
        const [first, ...others] = [messages ?? []].flat();
        const known = QUESTIONS.find(({ asked }) => first === __(asked));
        if (known) {
            const english = /^en/.test(window.converse.env.i18n.getLocale());
            return { ...known, title: english ? known.title : first, texts: english && known.text ? [known.text, ...others] : others };
        }
        return { title, texts: [first, ...others], verb: __('Confirm'), ...own.get(title) };
    };

    const { initialize } = prototype;
    // Patch: question-keys
    prototype.initialize = function () {
        initialize.call(this);
        const { onKeyDown } = this;
        this.onKeyDown = (event) => event.target === this && onKeyDown(event); // its buttons and fields do by themselves what they are for
    };
    prototype.getModalTitle = function () {
        return understood(this.state.toJSON()).title;
    };
    prototype.renderModal = function () {
        const { texts, verb, destroys } = understood(this.state.toJSON());
        const fields = this.state.get('fields') ?? [];
        return html`<form class="confirm" action="#" @submit=${(event) => this.onConfirmation(event)}>
            ${texts.map((text) => html`<p>${text}</p>`)}
            ${fields.map(({ name, label, placeholder, required }) => html`<label>${label || placeholder}<input class="form-control" name=${name} ?required=${required}></label>`)}
            <div class="question__buttons">
                <button type="button" class="btn btn-secondary" data-bs-dismiss="modal">${__('Cancel')}</button>
                <button type="submit" class="btn btn-primary ${destroys ? 'question__destroys' : ''}">${verb}</button>
            </div>
        </form>`;
    };
}
