// What we use of Converse 14, its internals included; its own types say `any`
// wherever a plugin looks. A name that is not here is not known to work: look it up
// in node_modules/converse.js/src before it is added, and again at each upgrade.

declare namespace Converse {
    /** window.converse */
    interface Public {
        plugins: { add(name: string, plugin: object): void };
        initialize(settings: object): Promise<unknown>;
        env: Env;
        ROOMSTATUS: Record<'BANNED' | 'CLOSING' | 'CONNECTED' | 'CONNECTING' | 'DESTROYED' | 'DISCONNECTED' | 'ENTERED' | 'NICKNAME_REQUIRED', number>;
        MUC: { INFO_CODES: Record<string, string[]> };
        emojis: { initialized: boolean; toned?: unknown[]; list: { sn: string; cp?: string }[] };
    }

    interface Env {
        nothing: symbol;
        $iq(attributes: object): Builder;
        $pres(attributes: object): Builder;
        errors: { ItemNotFoundError: new () => Error };
        Strophe: {
            SASLExternal: unknown;
            NS: Record<string, string>;
            getBareJidFromJid(jid: string): string;
            getDomainFromJid(jid: string): string;
            serialize(element: Element): string;
            Connection: typeof Connection;
            Websocket: { prototype: Websocket };
            Bosh: { prototype: { _conn: Connection; _throttledRequestHandler(): void } };
            Status: Record<'AUTHFAIL' | 'CONNECTED' | 'CONNFAIL', number>;
            ErrorCondition: { NO_AUTH_MECH: string };
        };
        Stanza: typeof Stanza;
        stx(parts: TemplateStringsArray, ...values: unknown[]): Stanza;
        html(parts: TemplateStringsArray, ...values: unknown[]): unknown;
        render(template: unknown, into: HTMLElement): void;
        Model: { prototype: Synced };
        Collection: { prototype: Synced };
        i18n: { translate(text: string, args: unknown[]): string; getLocale(): string };
        u: {
            getUniqueId(suffix?: string): string;
            prefixMentions(message: Synced): string;
            emojis: { getEmojisByAttribute(attribute: string): Record<string, object> };
            reactions: { getOwnReactionJID(chat: Chat): string };
            muc: { setAffiliation(affiliation: string, room: string, people: { jid: string; reason: string }[]): Promise<unknown> };
        };
        utils: { mam: { fetchArchivedMessages(chat: Chat, options: ArchiveQuery): Promise<unknown> } };
    }

    /** How a model or a collection is saved and loaded. */
    interface Synced {
        sync(method: string, object: any, options: any): Promise<unknown> | undefined;
    }

    /** Strophe's builder of stanzas. */
    interface Builder {
        c(name: string, attributes: object): Builder;
        up(): Builder;
        tree(): Element;
    }

    /** _converse, which plugins are given. */
    interface Private {
        api: Api;
        __(text: string, ...values: string[]): string;
        state: {
            chatboxes: Collection<Room>;
            /** Nothing once the session is over. */
            disco_entities?: Collection<Model>;
            bookmarks?: Collection<any>;
            chatboxviews: { get(id: string): { setModel(): void } | undefined };
            roster: Collection<Contact> & { data: Model; presenceHandler(presence: Element): void; sendContactAddIQ(contact: { jid: string; name: string; groups: string[] }): Promise<unknown> };
            profile: Model & { vcard?: Model; getDisplayName(): string };
            vcards: Collection<Model>;
            presences: Collection<Model>;
            /** Once there is a session. */
            popular_emojis?: { getPopularEmojis(): Promise<Record<string, unknown>> };
            config: Model & { storage: Storage };
        };
        storage: { persistent: unknown };
        session: Model;
        exports: {
            ChatBox: typeof Chat;
            MUC: typeof Room;
            Message: typeof Message;
            MUCMessage: typeof Message;
            MUCOccupant: typeof Occupant;
            MUCOccupants: { prototype: { chatroom: Room; fetchMembers(): Promise<unknown> } };
            RosterContact: typeof Contact;
            RosterContacts: { prototype: { get(jid: string): Contact | undefined; handleIncomingSubscription(presence: Element): void; presenceHandler(presence: Element): void } };
            Presences: { prototype: { fetch(options: { success(presences: unknown): void }): void } };
            Bookmarks: { prototype: { openBookmarkedRoom(bookmark: Model): Promise<Model> } };
            DiscoEntity: { prototype: { onDiscoItems(answer: Element): void } };
            /** Of OMEMO; only where it is in use. */
            Device?: { prototype: Model & { getRandomPreKey(): { id: number; key: string } } };
            VCard: typeof Contact;
            MAMPlaceholderMessage: new (attributes: object) => Model;
            handleMAMResult(chat: Chat, result: ArchivePage, query: ArchiveQuery, options: ArchiveQuery): Promise<void>;
            ControlBox: new (attributes: object) => Room;
        };
    }

    interface Api {
        archive: { query(options?: ArchiveQuery): Promise<ArchivePage> };
        alert(type: string, title: string, messages: string[]): void;
        blocklist: { get(): Promise<Collection<Model>>; add(jid: string): Promise<unknown>; remove(jid: string): Promise<unknown> };
        bookmarks: { set(attributes: object, create?: boolean, options?: object): Promise<unknown> };
        chatboxes: { create(jids: string | string[], attributes: object, model: unknown): Promise<any> };
        chats: { get(jid: string, attributes?: object, create?: boolean): Promise<unknown>; open(jid: string, attributes: object, force: boolean): Promise<unknown> };
        contacts: { add(contact: { jid: string; name: string; groups: string[] }): Promise<unknown> };
        /** Only on a device that is one's own. */
        omemo?: { session: { restore(): Promise<unknown> } };
        promises: { add(name: 'bookmarksInitialized'): void };
        pubsub: { publish(jid: string | null, node: string, item: unknown, options: object, strict?: boolean): Promise<unknown> };
        rooms: {
            get(jid: string): Promise<Room | null>;
            create(jid: string, attributes: object): Promise<Room>;
            open(jids: string | string[], ...rest: unknown[]): Promise<any>;
            affiliations: { get(affiliation: string, room: string): Promise<{ jid: string }[] | Error> };
        };
        confirm(title: string, messages: string[]): Promise<unknown>;
        hook(name: Event, context: unknown, data: unknown): Promise<any>;
        emojis: { initialize(): Promise<unknown> };
        connection: { get(): Connection | undefined; authenticated(): boolean; connected(): boolean; reconnect(): Promise<unknown> };
        disco: { own: { features: { add(feature: string): void } }; features: { get(feature: string, jid: string): Promise<any[]> }; supports(feature: string, jid: string): Promise<boolean>; entities: { get(jid: string, create?: boolean): Promise<unknown> }; getIdentity(...asked: string[]): Promise<unknown>; info(jid: string, node: string, options: { timeout: number }): Promise<Element> };
        elements: { registry: Record<string, any>; define(name: string, type: unknown): void };
        listen: Record<'on' | 'once', (event: Event, handler: (...args: any[]) => unknown) => void>;
        modal: { show(name: string, properties?: object, event?: Event | UIEvent): unknown };
        send(stanza: Element | Stanza | Builder): unknown;
        sendIQ(stanza: Element | Stanza | Builder, timeout?: number, reject?: boolean): Promise<Element | null>;
        settings: { get(name: Setting): any; set(name: Setting, value: unknown): void };
        user: { login(jid?: string, password?: string, automatic?: boolean): Promise<unknown>; logout(): Promise<unknown>; settings: { clear(): Promise<unknown> } };
        vcard: { get(of: string, force?: boolean): Promise<{ fullname?: string; nickname?: string } | null>; update(jid: string, force: boolean): Promise<unknown> };
        waitUntil(promise: 'chatBoxesFetched' | 'rosterContactsFetched' | 'VCardsInitialized'): Promise<unknown>;
    }

    /** Events and hooks; a hook's handler returns what goes on. */
    type Event =
        | 'addClientFeatures'
        | 'afterMessageBodyTransformed'
        | 'beforeMessageBodyTransformed'
        | 'afterMessagesFetched'
        | 'afterFileUploaded'
        | 'beforeAttemptNonPreboundSession'
        | 'beforeFileUpload'
        | 'chatBoxInitialized'
        | 'chatBoxesInitialized'
        | 'chatBoxClosed'
        | 'chatRoomInitialized'
        | 'chatRoomViewInitialized'
        | 'clearSession'
        | 'connected'
        | 'connectionInitialized'
        | 'createMessageStanza'
        | 'disconnected'
        | 'enteredNewRoom'
        | 'getErrorAttributesForMessage'
        | 'getHeadingButtons'
        | 'getOutgoingMessageAttributes'
        | 'getDuplicateMessageQueries'
        | 'getUpdatedMessageAttributes'
        | 'loadEmojis'
        | 'noResumeableBOSHSession'
        | 'parseMUCMessage'
        | 'parseMessage'
        | 'parseMessageForCommands'
        | 'reconnected'
        | 'rosterContactsFetched'
        | 'send'
        | 'sendMessage'
        | 'will-reconnect';

    /** Settings that are looked at, or changed, while the chat runs. */
    type Setting = 'allow_contact_requests' | 'bosh_service_url' | 'emoji_categories' | 'muc_respect_autojoin' | 'muc_show_info_messages' | 'nickname' | 'password' | 'websocket_url';

    /** Strophe's connection. */
    class Connection {
        restored?: boolean;
        reconnecting?: boolean;
        service: string;
        features: Element;
        do_bind: boolean;
        do_session: boolean;
        jid: string;
        bind(): unknown;
        setProtocol(): void;
        addHandler(handler: (stanza: Element) => boolean, namespace: string | null, name: string, type?: string | null, id?: string | null, from?: string | null, options?: object): unknown;
        deleteHandler(handler: unknown): void;
        debouncedReconnect: { flush(): unknown; cancel(): void };
        finishDisconnection(): unknown;
        onConnectStatusChanged(status: number, condition?: string): unknown;
        send(stanza: Element): void;
        xmlInput(element: Element): void;
        xmlOutput(element: Element): void;
        _queueData(element: Element): void;
        _proto?: { socket?: WebSocket; _doDisconnect?(): void };
    }

    /** Strophe's transport. */
    interface Websocket {
        socket: object | null;
        _connect(): void;
        _closeSocket(): void;
        _onOpen(): void;
        _onInitialMessage(event: MessageEvent): void;
        _onError(event: Event): void;
        _onClose(event: CloseEvent): void;
    }

    /** What is sent, before it is an element. */
    class Stanza {
        tree(): Element;
        toString(): string;
    }

    /** Skeletor's storage of a model or a collection. */
    interface Storage {
        store: { setItems(items: Record<string, unknown>): Promise<unknown> };
        save(model: Model): Promise<unknown>;
    }

    interface ArchiveQuery {
        is_groupchat?: boolean;
        mam?: { with?: string; start?: string; end?: string };
        rsm?: { before?: string; after?: string; max?: number };
    }

    interface ArchivePage {
        messages: Element[];
        rsm?: { result: { first?: string; last?: string } };
        complete?: boolean;
        error?: unknown;
    }

    class Model {
        get(name: string): any;
        set(name: string | object, value?: unknown): void;
        save(attributes: object, options?: { silent: boolean }): void;
        on(events: string, handler: (...args: any[]) => unknown): void;
        off(events: string, handler: (...args: any[]) => unknown): void;
        trigger(event: string, ...args: unknown[]): void;
        once(events: string, handler: (...args: any[]) => unknown): void;
    }

    class Collection<M extends Model> {
        models: M[];
        /** How they stand: by an attribute, or as it compares two. */
        comparator: string | ((a: M, b: M) => number);
        get(id: string): M | undefined;
        add(model: M): void;
        forEach(each: (model: M) => void): void;
        findWhere(attributes: object): M | undefined;
        sort(): unknown;
        /** What the browser's store has, before models are made of it. */
        parse(kept: any[]): any[];
        on(events: string, handler: (...args: any[]) => unknown): void;
        once(event: string, handler: () => unknown): void;
        off(events: string, handler: (...args: any[]) => unknown): void;
    }

    class Contact extends Model {
        presence?: Model;
        getDisplayName(): string;
    }

    class Chat extends Model {
        messages: Collection<Model> & { fetched: Promise<unknown> };
        ui?: Model;
        getMessagesCollection(): Collection<Model>;
        queueMessage(attributes: any): Promise<unknown>;
        getDisplayName(): string;
        maybeShow(force?: boolean): this;
        getMostRecentMessage(): Model | undefined;
        isChatMessage(message: Model): boolean;
        createMessage(attributes: any, options?: object): Promise<unknown>;
        retractOwnMessage(message: Model): unknown;
        handleChatMarker(attributes: any): boolean;
        /** What it edits or answers: composer/sendContext.js. */
        sendMessage(attributes: object, meant?: object): Promise<unknown>;
        addReplyFallback(attributes: any): any;
        sendFiles(files: Iterable<File>): Promise<void>;
        isHidden(): boolean;
        clearUnreadMsgCounter(): unknown;
        getDuplicateMessage(attributes: object): Promise<Model | undefined>;
        handleUnreadMessage(message?: any): void;
        onMessage(attributes: any): Promise<unknown>;
        incrementUnreadMsgsCounter(message: any): unknown;
        msg_chain?: Promise<unknown>;
        close(): unknown;
    }

    class Room extends Chat {
        initialized?: Promise<unknown>;
        session: Model;
        features: Model;
        occupants: Collection<Occupant> & { comparator?: unknown; sort(): unknown; fetchMembers(): Promise<unknown> };
        initOccupants(): void;
        initDiscoModels(): void;
        isEntered(): boolean;
        isUserMentioned(message: any): boolean;
        getUpdatedMessageAttributes(message: Message, received: any): Promise<any>;
        join(nick?: string): Promise<unknown>;
        rejoin(): Promise<unknown>;
        rejoinIfNecessary(): Promise<unknown>;
        onReconnection(): Promise<unknown>;
        handleDisconnection(presence: { codes: string[] }): void;
        handleMessageFromMUCHost(message: Element): void;
        sendTimedMessage(message: Stanza): Promise<Element | Error | null>;
        retractOtherMessage(message: Model, reason?: string): Promise<Element | null>;
        sendRetractionIQ(message: Model, reason?: string): Promise<Element | null>;
        createInfoMessageFromPresence(code: string, ...attributes: unknown[]): void;
        getAndPersistNickname(nick?: string): Promise<string>;
        getOwnAffiliation(): string;
        getOwnOccupant(): Occupant | undefined;
        config: Model;
        fetchRoomConfiguration(): Promise<Element>;
        refreshDiscoInfo(options?: object): Promise<unknown>;
        setSubject(subject: string): Promise<unknown>;
        onErrorPresence(presence: Element): void;
        sendDestroyIQ(): Promise<unknown>;
        setDisconnectionState(message: string, reason?: string | null): void;
        setNickname(nick: string): Promise<unknown>;
        setRole(occupant: Occupant, role: string, reason: string, done: (answer: unknown) => void, failed: (error: unknown) => void): Promise<unknown>;
    }

    /** Somebody in a room, or who belongs to it. */
    class Occupant extends Model {
        getDisplayName(): string;
        isSelf(): boolean;
        createMessage(attributes: any, options?: object): Promise<unknown>;
        getVCard(): Promise<Model>;
        sendMessage(attributes: object, meant?: object): Promise<unknown>;
        addReplyFallback(attributes: any): any;
        sendFiles(files: Iterable<File>): Promise<void>;
    }

    /** <converse-dropdown> */
    interface Dropdown extends HTMLElement {
        hide(): void;
    }

    /** <converse-message-form>, also of rooms. */
    interface MessageForm extends HTMLElement {
        onEscapePressed(event: KeyboardEvent): void;
    }

    class Message extends Model {
        _vcard: Model;
        /** Of one of a room's, the room; of what is said in private within a room, with whom. */
        collection?: { chatbox: Chat | Room | Occupant };
        getVCard(): Promise<Model>;
    }
}
