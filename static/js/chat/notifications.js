// Notifications of the browser. Converse asks for them as soon as it is connected, when
// nobody did anything, and browsers refuse that. Here they are asked for once somebody
// writes a message: then there is an answer to be told of.

/** @param {Converse.Private} _converse */
export function askForNotifications({ api }) {
    if (!('Notification' in window)) return;
    const ask = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = async () => Notification.permission; // what Converse calls

    // Messages that waited for the connection are sent without anybody's doing.
    api.listen.on('sendMessage', () => {
        if (Notification.permission === 'default' && navigator.userActivation?.isActive) ask();
    });
}
