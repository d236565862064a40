// When somebody signs out, Converse removes all that it had: chats, messages, what
// servers can do. What is under way then may still want to save or load one of these,
// which is kept nowhere any more; Converse would ask a server of its own for it, and
// throws since it has none.

/** Where a model or a collection is kept. */
const storage = (object) => object.storage ?? object.collection?.storage;

/**
 * Lets whatever was removed save and load nothing.
 * @param {Converse.Env} env
 */
export function ignoreDetachedModels({ Model, Collection }) {
    answerWithoutStorage(Model.prototype, {});
    answerWithoutStorage(Collection.prototype, []);
}

/** Lets an object without storage hear that all went well, and that nothing was found. */
function answerWithoutStorage(prototype, nothing) {
    const { sync } = prototype;
    // Patch: sync
    prototype.sync = function (method, object, options) {
        if (storage(object)) return sync.call(this, method, object, options);
        options.success?.(nothing);
        return Promise.resolve(nothing);
    };
}
