// A message that was edited stays where it was said. Converse knows it by the id of its
// latest version; when the archive brings that version once more, it takes the time of it
// for the message's, which then stands below what was said in between, from the next page on.

/** @param {Converse.Private} _converse */
export function keepEditedInPlace({ api }) {
    api.listen.on('getUpdatedMessageAttributes', (message, updated, received) => {
        if (!received.replace_id) return updated;
        const { time, ...others } = updated;
        return others;
    });
}
