// What we use of Converse 14, its internals included; its own types say `any`
// wherever a plugin looks. A name that is not here is not known to work: look it up
// in node_modules/converse.js/src before it is added, and again at each upgrade.

declare namespace Converse {
    /** window.converse */
    interface Public {
        plugins: { add(name: string, plugin: object): void };
        initialize(settings: object): Promise<unknown>;
        env: Env;
        ROOMSTATUS: { DISCONNECTED: number; BANNED: number };
        MUC: { INFO_CODES: Record<string, string[]> };
    }

    interface Env {
        Strophe: { SASLExternal: unknown; getBareJidFromJid(jid: string): string };
        utils: { mam: { fetchArchivedMessages(chat: Chat, options: ArchiveQuery): Promise<unknown> } };
    }

    /** _converse, which plugins are given. */
    interface Private {
        api: Api;
        __(text: string, ...values: string[]): string;
        state: { chatboxes: Collection<Room>; roster: Collection<Contact> };
        session: Model;
        exports: {
            ChatBox: typeof Chat;
            MUC: typeof Room;
            Message: typeof Message;
            MAMPlaceholderMessage: new (attributes: object) => Model;
        };
    }

    interface Api {
        archive: { query(options?: ArchiveQuery): Promise<ArchivePage> };
        blocklist: { add(jid: string): Promise<unknown> };
        chatboxes: { create(jids: string | string[], attributes: object, model: unknown): Promise<any> };
        chats: { open(jid: string, attributes: object, force: boolean): Promise<unknown> };
        rooms: { get(jid: string): Promise<Room | null>; open(jids: string | string[], ...rest: unknown[]): Promise<any> };
        confirm(title: string, messages: string[]): Promise<unknown>;
        connection: { get(): Connection | undefined; connected(): boolean };
        listen: { on(event: Event, handler: (...args: any[]) => unknown): void };
        send(stanza: Element): void;
        settings: { get(name: Setting): any; set(name: Setting, value: unknown): void };
        user: { login(jid?: string, password?: string, automatic?: boolean): Promise<unknown>; logout(): Promise<unknown> };
        waitUntil(promise: 'chatBoxesFetched'): Promise<unknown>;
    }

    /** Events and hooks; a hook's handler returns what goes on. */
    type Event =
        | 'afterMessagesFetched'
        | 'beforeAttemptNonPreboundSession'
        | 'chatBoxesInitialized'
        | 'connected'
        | 'disconnected'
        | 'getErrorAttributesForMessage'
        | 'getHeadingButtons'
        | 'reconnected'
        | 'rosterContactsFetched'
        | 'send'
        | 'will-reconnect';

    /** Settings that are looked at, or changed, while the chat runs. */
    type Setting = 'bosh_service_url' | 'websocket_url';

    /** Strophe's connection. */
    interface Connection {
        restored?: boolean;
        reconnecting?: boolean;
        service: string;
        setProtocol(): void;
        addHandler(handler: (stanza: Element) => boolean, namespace: string, name: string): unknown;
        _proto?: { socket?: WebSocket; _doDisconnect?(): void };
    }

    interface ArchiveQuery {
        mam?: { with?: string; start?: string };
        rsm?: { before?: string };
    }

    interface ArchivePage {
        messages: Element[];
        rsm?: { result: { first?: string } };
        complete?: boolean;
        error?: unknown;
    }

    class Model {
        get(name: string): any;
        save(attributes: object): void;
        on(events: string, handler: (...args: any[]) => unknown): void;
        once(events: string, handler: (...args: any[]) => unknown): void;
    }

    class Collection<M extends Model> {
        models: M[];
        get(id: string): M | undefined;
        add(model: M): void;
        forEach(each: (model: M) => void): void;
        findWhere(attributes: object): M | undefined;
        on(events: string, handler: (...args: any[]) => unknown): void;
    }

    class Contact extends Model {
        presence?: Model;
        getDisplayName(): string;
    }

    class Chat extends Model {
        messages: Collection<Model>;
        getDisplayName(): string;
        getMostRecentMessage(): Model | undefined;
        isHidden(): boolean;
        clearUnreadMsgCounter(): unknown;
        close(): unknown;
    }

    class Room extends Chat {
        session: Model;
        isEntered(): boolean;
        rejoin(): Promise<unknown>;
    }

    /** <converse-dropdown> */
    interface Dropdown extends HTMLElement {
        hide(): void;
    }

    /** <converse-message-form>, also of rooms. */
    interface MessageForm extends HTMLElement {
        onEscapePressed(event: KeyboardEvent): void;
    }

    /** A message, which may be a file on its way. */
    class Message extends Model {
        sendSlotRequestStanza(): Promise<unknown>;
        getRequestSlotURL(): unknown;
    }
}
