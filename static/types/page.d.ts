// What the page's scripts take for granted of the document: what they look for is
// HTML, and what an event comes from may be an element of it.

interface ParentNode {
    querySelector(selectors: 'details.menu[open]'): HTMLDetailsElement | null;
    querySelector(selectors: 'form[action="/signin"]'): SignInForm | null;
    querySelector(selectors: string): HTMLElement | null;
    querySelectorAll(selectors: 'details.menu[open]'): NodeListOf<HTMLDetailsElement>;
    querySelectorAll(selectors: string): NodeListOf<HTMLElement>;
}

interface SignInForm extends HTMLFormElement {
    elements: HTMLFormControlsCollection & { username: HTMLInputElement; password: HTMLInputElement };
}

interface EventTarget {
    closest?(selectors: 'converse-dropdown'): Converse.Dropdown | null;
    closest?(selectors: 'converse-message-form, converse-muc-message-form'): Converse.MessageForm | null;
    closest?(selectors: string): HTMLElement | null;
}

interface Element {
    closest(selectors: 'converse-dropdown'): Converse.Dropdown | null;
    closest(selectors: 'converse-message-form, converse-muc-message-form'): Converse.MessageForm | null;
    closest(selectors: string): HTMLElement | null;
}

interface WindowEventMap {
    'converse-loaded': CustomEvent<{ converse: Converse.Public }>;
}

interface DocumentEventMap {
    /** The chat came into sight. */
    'foyer:chat-shown': CustomEvent<void>;
    /** Another page is shown; what it says of the chat. */
    'foyer:page': CustomEvent<import('../js/chat/types.js').ChatConfig | null>;
    /** What the person chose for conversations is known, or has changed. */
    'foyer:levels': CustomEvent<void>;
    /** How much is unread in rooms that are not open here. */
    'foyer:unopened': CustomEvent<number>;
    /** The counts of what is unread are those from before the page. */
    'foyer:unread-restored': CustomEvent<void>;
    /** Something was said in a room that is not open here. */
    'foyer:room-said': CustomEvent<{ jid: string; name: string; mentioned: boolean; line: import('../js/chat/list/entries.js').Line }>;
    /** What somebody began to write changed. */
    'foyer:drafts': CustomEvent<void>;
    /** The site told the conversations. */
    'foyer:conversations': CustomEvent<Map<string, import('../js/chat/list/entries.js').Entry>>;
    /** What the site counted as unread is known, or has changed. */
    'foyer:unread': CustomEvent<void>;
    /** A conversation was read on another device: its address. */
    'foyer:read': CustomEvent<string>;
    /** Others deleted something that they had said to the person. */
    'foyer:deleted': CustomEvent<void>;
    /** A room was changed. */
    'foyer:rooms': CustomEvent<void>;
    /** The next conversation is asked for, or the one before. */
    'foyer:step': CustomEvent<{ by: number; unread: boolean }>;
    /** The search is asked for: in one conversation, or for words that are searched at once. */
    'foyer:search': CustomEvent<{ jid?: string; name?: string; words?: string }>;
    /** Somebody's card is asked for. */
    'foyer:person': CustomEvent<{ jid: string; name?: string }>;
    'turbo:frame-missing': CustomEvent<{ response: Response; visit(response: Response): void }>;
    'turbo:before-render': CustomEvent<{ render: (current: HTMLElement, next: HTMLElement) => Promise<void> }>;
}

interface Window {
    converse?: Converse.Public;
}
