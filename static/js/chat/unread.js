// Unread messages in the header, on the button and in the tab's title.

function show(count) {
    for (const badge of document.querySelectorAll('[data-unread]')) {
        badge.hidden = count === 0;
        badge.textContent = count > 99 ? '99+' : String(count);
        badge.setAttribute('aria-label', count === 1 ? '1 unread message' : `${count} unread messages`);
        badge.setAttribute('role', 'img');
    }
    const title = document.title.replace(/^\(\d+\) /, '');
    document.title = count > 0 ? `(${count}) ${title}` : title;
}

export function countUnread(_converse) {
    const { api } = _converse;
    const sum = () => {
        const boxes = _converse.state.chatboxes?.models ?? [];
        show(boxes.reduce((n, box) => n + (box.get('num_unread') || 0), 0));
    };
    api.listen.on('chatBoxesInitialized', () => {
        _converse.state.chatboxes.on('change:num_unread', sum);
        _converse.state.chatboxes.on('add', sum);
        _converse.state.chatboxes.on('remove', sum);
        sum();
    });
    document.addEventListener('foyer:page', sum);
}
